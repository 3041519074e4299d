"""A month on one page for people: HTML that needs nothing else, CSV and JSON of the same figures.

Needs the optional extra `planning`; nothing on the sending path imports this.
"""
