"""The registry: YAML 1.2 in a file, in SSM or in S3, a `Registry` in memory."""
