"""Planning and execution of restore drills."""
