"""A simulated Pinecone project: its state and its rules, without any input or output."""

from datetime import datetime, timedelta

from backup_auditor_simulator.indexing import Indexing
from backup_auditor_simulator.model import Backup, Schedule


class World(Indexing):
    """A Pinecone project under a clock that can be set.

    Its layers: `state`, `backing_up`, `running`, `scheduling`, `indexing`. What the service itself can bring about is
    brought about by those; the plants below show what it is not known to do, or does only when something is broken.
    """

    def plant_status(self, backup: Backup, status: str) -> None:
        """Show a backup with a status, whatever its state is, in every version."""
        backup.shown_status = status
        self.changed(backup)

    def plant_next_run(self, schedule: Schedule, moment: datetime | None) -> None:
        """Leave an enabled schedule without a planned run, and show this as its next one."""
        self.withdraw_run(schedule)
        schedule.next_run = moment
        self.changed()

    def plant_retention(self, schedule: Schedule, retention: timedelta) -> None:
        """Show another retention, by which nothing that the schedule made so far is deleted."""
        schedule.retention = retention
        self.changed()
