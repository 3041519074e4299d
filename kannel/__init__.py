"""A private Kannel with a message centre behind it, for tests and the demo; no product code."""
