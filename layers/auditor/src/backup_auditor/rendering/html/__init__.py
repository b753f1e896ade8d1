"""The report as one page for a browser, which asks for nothing: its style, its script and its pictures are in it."""
