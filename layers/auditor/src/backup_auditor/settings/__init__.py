"""The settings: the only readers of the environment, and the tables that document them."""
