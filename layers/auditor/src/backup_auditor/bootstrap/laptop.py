"""What the command line needs: one project of Pinecone, and the file that remembers it."""

from contextlib import AbstractContextManager
from pathlib import Path

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.adapters.sqlite_state import store
from backup_auditor.ports.reading import ProjectReader
from backup_auditor.ports.state import StateStore
from backup_auditor.settings.pinecone import Settings


def open_project(settings: Settings) -> AbstractContextManager[ProjectReader]:
    """Open the project that the settings name, for reading alone."""
    return open_reader(
        Connection(
            key=settings.key,
            host=settings.host,
            api_version=settings.api_version,
            schedules_api_version=settings.schedules_api_version,
            ceiling=settings.max_concurrency,
            deadline=settings.deadline,
        )
    )


def open_state(path: Path) -> AbstractContextManager[StateStore]:
    """Open the state that an audit is to be recorded in."""
    return store.open_state(path)


def look_into_state(path: Path) -> AbstractContextManager[StateStore]:
    """Open a state to judge by it, and to leave it as it is."""
    return store.look_into_state(path)
