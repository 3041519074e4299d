"""Delivery reports in: providers call an URL here and hear 200 once their report is committed."""
