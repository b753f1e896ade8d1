"""Open a Pinecone project for reading."""

from contextlib import AbstractContextManager

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.ports.pinecone import ProjectReader
from backup_auditor.settings.pinecone import PineconeSettings


def open_project(settings: PineconeSettings) -> AbstractContextManager[ProjectReader]:
    """Open the project of the settings, read-only."""
    return open_reader(make_connection(settings))


def make_connection(settings: PineconeSettings) -> Connection:
    """Return the connection of the settings."""
    return Connection(
        key=settings.key,
        host=settings.host,
        api_version=settings.api_version,
        schedules_api_version=settings.schedules_api_version,
        max_concurrency=settings.max_concurrency,
        deadline=settings.deadline,
    )
