"""Collects the inventory of a project."""
