"""What is remembered of projects, in one SQLite file."""
