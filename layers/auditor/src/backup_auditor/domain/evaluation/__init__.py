"""Evaluation: an inventory and a policy become findings."""
