"""Use cases of the command line and the functions."""
