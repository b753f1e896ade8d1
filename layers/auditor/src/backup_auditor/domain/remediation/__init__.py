"""Remediation plans and their actions."""
