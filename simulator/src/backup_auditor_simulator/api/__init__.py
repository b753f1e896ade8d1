"""The API of the simulated project: versions, shapes, pages and calls."""
