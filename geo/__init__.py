"""Layers in: metro stations, client points, numbering ranges."""
