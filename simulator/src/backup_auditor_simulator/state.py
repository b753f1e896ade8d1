"""The state of a simulated project, its clock, and how things of it are found."""

import random
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from threading import RLock

from backup_auditor_simulator.agenda import Agenda
from backup_auditor_simulator.conduct import Conduct
from backup_auditor_simulator.errors import invalid, not_found
from backup_auditor_simulator.model import Backup, Index, RestoreJob, Schedule, State

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,43}[a-z0-9])?")


class ProjectState:
    """What the project holds at this moment of its clock. Everything random in it comes from its seed."""

    def __init__(self, now: datetime, *, seed: int = 0, conduct: Conduct | None = None) -> None:
        """Begin an empty project at a moment."""
        self.now = now.astimezone(UTC)
        self.conduct = conduct or Conduct()
        self.lock = RLock()
        """Held while a request is answered; whoever changes the world beside a running server takes it too."""
        self.chance = random.Random(seed)  # noqa: S311  what is made must be the same each time
        self.agenda = Agenda()
        self.project_id = self.new_id()
        self.indexes: dict[str, Index] = {}
        """The live ones, by name."""
        self.deleted_indexes: dict[str, list[Index]] = {}
        self.schedules: dict[str, Schedule] = {}
        self.backups: dict[str, Backup] = {}
        self.restore_jobs: dict[str, RestoreJob] = {}
        self._listing: tuple[int, list[Backup]] | None = None
        self.revision = 0
        """Counts the changes, so that what was made of the state is known to be out of date."""

    def advance(self, length: timedelta) -> None:
        """Let time pass."""
        self.advance_to(self.now + length)

    def advance_to(self, moment: datetime) -> None:
        """Let time pass until a moment: whatever is due by then happens, in order. Time does not run back."""
        with self.lock:
            while (entry := self.agenda.due(moment)) is not None:
                when, happen = entry
                self.now = max(self.now, when)
                happen()
            self.now = max(self.now, moment.astimezone(UTC))

    def new_id(self) -> str:
        """Make an id in the form of a UUID."""
        digits = f"{self.chance.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def index(self, name: str) -> Index:
        """Return a live index, or refuse with 404."""
        found = self.indexes.get(name)
        if found is None:
            raise not_found(f"Index {name}")
        return found

    def schedule(self, schedule_id: str) -> Schedule:
        """Return a schedule, or refuse with 404."""
        found = self.schedules.get(schedule_id)
        if found is None:
            raise not_found("Backup schedule")
        return found

    def backup(self, backup_id: str) -> Backup:
        """Return a backup, or refuse with 404."""
        found = self.backups.get(backup_id)
        if found is None:
            raise not_found(f"Backup {backup_id}")
        return found

    def restore_job(self, job_id: str) -> RestoreJob:
        """Return a restore job, or refuse with 404."""
        found = self.restore_jobs.get(job_id)
        if found is None:
            raise not_found(f"Restore job {job_id}")
        return found

    def incarnations(self, name: str) -> list[Index]:
        """Return every index that ever had a name, the live one last."""
        live = self.indexes.get(name)
        return [*self.deleted_indexes.get(name, []), *([live] if live else [])]

    def listed(self, backups: Iterable[Backup]) -> list[Backup]:
        """Return those backups that a backup listing shows, in its order."""
        shows_planned = self.conduct.planned_in_listing
        return self.in_order([it for it in backups if shows_planned or it.state is not State.PLANNED])

    def project_listing(self) -> list[Backup]:
        """Return the backups of the whole project as listed, made once for each revision."""
        if self._listing is None or self._listing[0] != self.revision:
            self._listing = self.revision, self.listed(self.backups.values())
        return self._listing[1]

    def in_order[Row](self, oldest_first: Iterable[Row]) -> list[Row]:
        """Return rows in the order of the listings."""
        rows = list(oldest_first)
        if self.conduct.newest_first:
            rows.reverse()
        return rows

    def changed(self, *backups: Backup) -> None:
        """Note that something changed, and that these backups are to be written anew."""
        self.revision += 1
        for backup in backups:
            backup.rendered.clear()


def need_name(name: str, what: str) -> None:
    """Refuse with 400 what cannot be the name of an index or of a backup."""
    if not _NAME.fullmatch(name):
        raise invalid(
            f"{what} name must be 1-45 characters long, start and end with an alphanumeric character, "
            "and consist only of lower case alphanumeric characters or '-'."
        )
