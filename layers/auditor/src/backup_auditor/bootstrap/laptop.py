"""What the command line needs: the file that remembers projects, and the one that holds a report."""

from contextlib import AbstractContextManager
from pathlib import Path

from backup_auditor.adapters.evidence_file import EvidenceFile
from backup_auditor.adapters.sqlite_state import store
from backup_auditor.ports.evidence import Evidence
from backup_auditor.ports.state import StateStore


def open_state(path: Path) -> AbstractContextManager[StateStore]:
    """Open the state that an audit is to be recorded in."""
    return store.open_state(path)


def look_into_state(path: Path) -> AbstractContextManager[StateStore]:
    """Open a state to judge by it, and to leave it as it is."""
    return store.look_into_state(path)


def evidence_file(path: Path) -> Evidence:
    """Take the file that a report will be written to, as what can be shown of it later."""
    return EvidenceFile(path)
