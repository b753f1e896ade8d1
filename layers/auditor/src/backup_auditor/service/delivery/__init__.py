"""How one message is brought to its channel."""
