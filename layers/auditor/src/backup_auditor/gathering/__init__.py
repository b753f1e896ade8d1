"""Reads everything about a project: many calls at once, no call whose answer is already known."""
