"""Wiring: one module for each place where the product runs."""
