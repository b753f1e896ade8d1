"""What changes between two audits: findings, snapshots, drift."""
