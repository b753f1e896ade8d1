"""Changes between two audits: findings, snapshots, drift."""
