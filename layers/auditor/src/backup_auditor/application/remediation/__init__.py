"""Planning, execution and reconciliation of remediation."""
