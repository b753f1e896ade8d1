"""Adapters of AWS services."""
