"""Restore drills: which to run, what to do next, and what the restored index proves."""
