"""Opens a Pinecone project for changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backup_auditor.adapters.pinecone.calling import Caller
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import PineconeReader
from backup_auditor.adapters.pinecone.surroundings import Surroundings
from backup_auditor.adapters.pinecone.transport import Transport
from backup_auditor.adapters.pinecone.writing.backups import BackupWriter
from backup_auditor.adapters.pinecone.writing.recent_indexes import RecentIndexes
from backup_auditor.adapters.pinecone.writing.remedies import Remedies
from backup_auditor.adapters.pinecone.writing.schedules import ScheduleWriter


@dataclass(frozen=True, slots=True)
class PineconeWriter:
    """What can be changed. A change is sent once, unless it was throttled, and so did nothing.

    A creation whose answer was lost is settled by reading: what is there now and was not before is what was created.
    Where reading does not settle it, `OutcomeUnknownError` is raised, and nothing is sent again.
    """

    schedules: ScheduleWriter
    backups: BackupWriter
    remedies: Remedies
    """What of it remediation may do."""


@contextmanager
def open_writer(connection: Connection, surroundings: Surroundings | None = None) -> Iterator[PineconeWriter]:
    """Open a project for changes; it wants a key that may make them."""
    with Transport(connection) as transport:
        around = surroundings or Surroundings()
        caller = Caller(connection, transport, around)
        reader = PineconeReader(connection, caller)
        schedules = ScheduleWriter(caller, connection.schedules_api_version, reader)
        backups = BackupWriter(caller, connection.api_version, reader)
        indexes = RecentIndexes(reader, around.monotonic)
        yield PineconeWriter(schedules, backups, Remedies(caller, reader, indexes, schedules, backups))
