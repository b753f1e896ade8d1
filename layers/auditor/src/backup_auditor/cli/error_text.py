"""The text of an error: one line without a key; the traceback only on request."""

import os
import traceback

from backup_auditor.domain.text import collapse_whitespace
from backup_auditor.errors import BackupAuditorError
from backup_auditor.rendering.text import escape_text
from backup_auditor.settings.pinecone import redact


def format_error_line(error: Exception) -> str:
    """Return what is said of an error, on one line."""
    if isinstance(error, BackupAuditorError):
        return redact(escape_text(collapse_whitespace(str(error))).removesuffix("."), os.environ)
    # its text was not written for people, and may hold anything: it is left to the traceback
    name = type(error).__name__
    return f"internal error of backup-auditor ({name}); run the command again with --debug, and report the traceback"


def format_error(error: Exception, *, has_traceback: bool) -> str:
    """Return what standard error shows of an error; `has_traceback` puts the traceback before it."""
    traceback_text = redact("".join(traceback.format_exception(error)), os.environ) if has_traceback else ""
    return f"{traceback_text}backup-auditor: {format_error_line(error)}"
