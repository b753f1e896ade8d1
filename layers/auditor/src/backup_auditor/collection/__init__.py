"""Reading a project into an inventory."""
