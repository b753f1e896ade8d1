"""What becomes of findings, backups and settings from one audit to the next: pure, whatever remembers it."""
