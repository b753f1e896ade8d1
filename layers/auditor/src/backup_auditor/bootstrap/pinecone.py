"""Open a Pinecone project for reading."""

from contextlib import AbstractContextManager
from dataclasses import asdict

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.ports.pinecone import TimedReader
from backup_auditor.settings.pinecone import PineconeSettings


def open_project(settings: PineconeSettings) -> AbstractContextManager[TimedReader]:
    """Open the project of the settings, read-only."""
    return open_reader(Connection(**asdict(settings)))
