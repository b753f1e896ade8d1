"""What remediation takes on a laptop: a project opened for changes, and the file that records them."""

import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from backup_auditor.adapters.pinecone.writer import open_writer
from backup_auditor.adapters.sqlite.remediation_log import open_remediation_log
from backup_auditor.bootstrap.local import make_connection
from backup_auditor.ports.pinecone import ProjectWriter
from backup_auditor.ports.stores import RemediationLog
from backup_auditor.settings.pinecone import PineconeSettings


@contextmanager
def open_project_for_changes(settings: PineconeSettings) -> Iterator[ProjectWriter]:
    """Open the project that the settings name, for changes; the time for all of them begins here."""
    with open_writer(make_connection(settings)) as writer:
        yield writer.project


def open_local_remediation_log(path: Path) -> AbstractContextManager[RemediationLog]:
    """Open the state in which plans and actions are recorded."""
    return open_remediation_log(path)


def find_actor() -> str:
    """Return who acts, for the records: user and machine."""
    try:
        from pwd import getpwuid  # noqa: PLC0415  not every system has it

        user = getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # a container knows its user by number alone
        user = f"user {os.getuid()}" if hasattr(os, "getuid") else "somebody"
    return f"{user}@{platform.node() or 'unknown'}"
