"""The report as one page for a browser that loads nothing else: style, script and pictures are in it."""
