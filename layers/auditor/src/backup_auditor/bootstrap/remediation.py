"""Open a project for changes, and name who changes it from a laptop."""

import os
import platform
from contextlib import AbstractContextManager
from dataclasses import asdict

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.ports.pinecone import ProjectWriter
from backup_auditor.settings.pinecone import PineconeSettings


def open_project_for_changes(settings: PineconeSettings) -> AbstractContextManager[ProjectWriter]:
    """Open the project of the settings for changes. The deadline starts here."""
    from backup_auditor.adapters.pinecone.writer import open_writer  # noqa: PLC0415  a plan can be empty

    return open_writer(Connection(**asdict(settings)))


def find_actor() -> str:
    """Return the user and the machine, for the records."""
    try:
        from pwd import getpwuid  # noqa: PLC0415  not available on every system

        user = getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # in a container, a user can have a number and no name
        user = f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown user"
    return f"{user}@{platform.node() or 'unknown'}"
