"""How the simulated project is spoken to: versions, shapes, paging, and the calls themselves."""
