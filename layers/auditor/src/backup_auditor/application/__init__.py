"""Use cases: what the command line and the functions do."""
