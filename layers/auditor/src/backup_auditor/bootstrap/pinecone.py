"""How a project of Pinecone is reached, wherever the product runs."""

from contextlib import AbstractContextManager

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.ports.reading import ProjectReader
from backup_auditor.settings.pinecone import Settings


def open_project(settings: Settings) -> AbstractContextManager[ProjectReader]:
    """Open the project that the settings name, for reading alone."""
    return open_reader(connection_of(settings))


def connection_of(settings: Settings) -> Connection:
    """Return how the project that the settings name is reached."""
    return Connection(
        key=settings.key,
        host=settings.host,
        api_version=settings.api_version,
        schedules_api_version=settings.schedules_api_version,
        ceiling=settings.max_concurrency,
        deadline=settings.deadline,
    )
