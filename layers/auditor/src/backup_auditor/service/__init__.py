"""The use cases: what is done for a user, in terms of ports and of the pure core."""
