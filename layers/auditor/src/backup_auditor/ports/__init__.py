"""The interfaces between use cases and services, as protocols."""
