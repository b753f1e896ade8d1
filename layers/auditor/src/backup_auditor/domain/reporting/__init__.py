"""Reports, metrics and policy differences."""
