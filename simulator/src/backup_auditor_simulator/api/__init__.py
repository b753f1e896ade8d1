"""The API of the simulated project: versions, formats of bodies, pages and calls."""
