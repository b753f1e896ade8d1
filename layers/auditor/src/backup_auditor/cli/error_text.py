"""The text of an error: one line without a key; the traceback only on request."""

import os
import traceback

from backup_auditor.domain.text import join_lines
from backup_auditor.errors import BackupAuditorError
from backup_auditor.rendering.text import escape_text
from backup_auditor.settings.pinecone import redacted


def sentence(error: Exception) -> str:
    """Return what is said of an error, on one line."""
    if isinstance(error, BackupAuditorError):
        return redacted(escape_text(join_lines(str(error))).removesuffix("."), os.environ)
    # its text was not written for people, and may hold anything: it is left to the traceback
    name = type(error).__name__
    return f"this is a fault of backup-auditor itself ({name}); run it again with --debug and report it"


def error_text(error: Exception, *, in_full: bool) -> str:
    """Return what standard error shows of an error; `in_full` puts the traceback before it."""
    before = redacted("".join(traceback.format_exception(error)), os.environ) if in_full else ""
    return f"{before}backup-auditor: {sentence(error)}"
