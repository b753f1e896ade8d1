"""Input and output: one module, or one package, per outside system."""
