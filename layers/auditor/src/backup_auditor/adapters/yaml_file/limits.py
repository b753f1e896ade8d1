"""How large a file may be: read by whoever fetches one from elsewhere, too."""

LARGEST = 1024 * 1024
"""In bytes."""
