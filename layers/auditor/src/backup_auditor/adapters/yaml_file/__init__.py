"""A YAML 1.2 file that a person wrote: read strictly, with the line of everything in it."""
