"""Puts settings and services together. The clock is read here and nowhere else."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.ports import ProjectReader
from backup_auditor.settings import Settings


def now() -> datetime:
    """Return the present moment, to the second: an audit is no more exact than that."""
    return datetime.now(UTC).replace(microsecond=0)


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
