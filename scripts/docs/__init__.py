"""The generator of the generated parts of the documents."""
