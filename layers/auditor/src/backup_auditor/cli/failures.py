"""What is said of an error: one line that never holds a key, and the traceback only on request."""

import os
import traceback

from backup_auditor.errors import BackupAuditorError
from backup_auditor.settings import redacted


def told(error: Exception, *, in_full: bool) -> str:
    """Return what standard error shows of an error; `in_full` puts the traceback before it."""
    if isinstance(error, BackupAuditorError):
        line = " ".join(str(error).split()).removesuffix(".")
    else:  # its text was not written for people, and may hold anything: it is left to the traceback
        name = type(error).__name__
        line = f"this is a fault of backup-auditor itself ({name}); run it again with --debug and report it"
    before = "".join(traceback.format_exception(error)) if in_full else ""
    return redacted(f"{before}backup-auditor: {line}", os.environ)
