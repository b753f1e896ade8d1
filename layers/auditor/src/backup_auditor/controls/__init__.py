"""The controls: one module each, named as its id."""
