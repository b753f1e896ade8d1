"""Puts settings and services together: one module for each place where the product runs."""
