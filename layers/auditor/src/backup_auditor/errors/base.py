"""What every error of the project is."""


class BackupAuditorError(Exception):
    """Anything that this project raises on purpose. Its text is one line: what happened, to what, what to do next."""
