"""The text of an error. It is the last message of a damaged installation, so this module imports little."""

import os
import traceback

from backup_auditor.domain.text import collapse_whitespace
from backup_auditor.errors import BackupAuditorError
from backup_auditor.rendering.text import escape_text
from backup_auditor.settings.pinecone import redact


def format_error_line(error: Exception) -> str:
    """Return the text of an error on one line, without a key."""
    if isinstance(error, BackupAuditorError):
        return redact(escape_text(collapse_whitespace(str(error))).removesuffix("."), os.environ)
    # its text is not meant for people and may hold secrets: only the traceback shows it
    name = type(error).__name__
    return f"internal error of backup-auditor ({name}); run the command again with --debug, and report the traceback"


def format_error(error: Exception, *, has_traceback: bool) -> str:
    """Return the text of an error for standard error; `has_traceback` puts the traceback before it."""
    traceback_text = redact("".join(traceback.format_exception(error)), os.environ) if has_traceback else ""
    return f"{traceback_text}backup-auditor: {format_error_line(error)}"
