"""The policy file: YAML 1.2 on disk, a `Policy` in memory."""
