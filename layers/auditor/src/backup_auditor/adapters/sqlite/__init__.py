"""State and remediation log in a SQLite file."""
