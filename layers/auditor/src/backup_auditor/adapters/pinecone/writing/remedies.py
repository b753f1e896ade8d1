"""Looks at single indexes at the moment of acting, and changes them. It deletes nothing."""

from collections.abc import Sequence
from datetime import timedelta

from backup_auditor.adapters.pinecone.calling import Caller
from backup_auditor.adapters.pinecone.reader import PineconeReader
from backup_auditor.adapters.pinecone.writing.backups import BackupWriter
from backup_auditor.adapters.pinecone.writing.recent_indexes import RecentIndexes
from backup_auditor.adapters.pinecone.writing.schedules import ScheduleWriter
from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.facts import Backup, Index, Schedule
from backup_auditor.domain.listing import Walk
from backup_auditor.domain.remediation.calls import Settings
from backup_auditor.errors import PineconeError, UnavailableError

_EVERY_ERROR = (PineconeError,)


class Remedies:
    """A `ProjectWriter` over HTTP."""

    def __init__(
        self,
        caller: Caller,
        reader: PineconeReader,
        indexes: RecentIndexes,
        schedules: ScheduleWriter,
        backups: BackupWriter,
    ) -> None:
        """Look through a reader, and write through the writers, all of them over one caller."""
        self._caller = caller
        self._reader = reader
        self._indexes = indexes
        self._schedules = schedules
        self._backups = backups

    @property
    def ceiling(self) -> int:
        """How many calls it will ever have in flight at once."""
        return self._reader.ceiling

    @property
    def seconds_left(self) -> float:
        """The rest of the time for everything together, and a little more for calls to end by themselves."""
        return self._reader.seconds_left

    def index(self, name: str) -> Index:
        """Return one index, as it was within the last second."""
        return self._indexes.find(name)

    def schedules(self, index: str) -> tuple[Schedule, ...]:
        """Read all schedules of an index."""
        return _whole(self._reader.schedules(index, _EVERY_ERROR))

    def backups(self, index: str) -> tuple[Backup, ...]:
        """Read all backups of the live index of a name."""
        return _whole(self._reader.own_backups(index, _EVERY_ERROR))

    def create_schedule(
        self, index: str, name: str, frequency: Frequency, retention: timedelta, beside: Sequence[Schedule]
    ) -> Schedule:
        """Create an enabled schedule beside those that were just read."""
        return self._schedules.create(index, name, frequency, retention, beside)

    def change_schedule(self, schedule_id: str, changes: Settings) -> Schedule:
        """Change what the settings speak of, and leave the rest."""
        return self._schedules.update(
            schedule_id, enabled=changes.enabled, frequency=changes.frequency, retention=changes.retention
        )

    def take_backup(self, index: str, name: str, beside: Sequence[Backup]) -> Backup:
        """Begin a backup beside those that were just read."""
        return self._backups.create(index, name, beside=beside)

    def pause(self, seconds: float) -> None:
        """Wait for what was asked for to show. Raises `DeadlineError` when the time would be over by then."""
        self._caller.pause(seconds)


def _whole[Row](walk: Walk[Row]) -> tuple[Row, ...]:
    if walk.broken is not None:
        raise UnavailableError(f"{walk.broken.what}: {walk.broken.error}")
    return walk.rows
