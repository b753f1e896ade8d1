"""What fills the project's quota of backups: what is listed, what schedules hold, and what was taken by hand."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.backup_status import BackupPhase, has_not_started, phase_of_status, run_moment
from backup_auditor.domain.capacity import slots_of
from backup_auditor.domain.evaluation.expiry import BackupExpiries
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Denial
from backup_auditor.domain.model import Backup, Frequency, Schedule


@dataclass(frozen=True, slots=True)
class ScheduleUsage:
    """What one enabled schedule holds."""

    index: str
    schedule: Schedule
    slots: int | None
    """`None` where its frequency or its retention is not known."""

    @property
    def least(self) -> int:
        """How many it holds at the least."""
        return 1 if self.slots is None else self.slots


class QuotaUsage:
    """What fills the quota of one project: every listed backup in whatever state but planned runs."""

    def __init__(
        self,
        inventory: Inventory,
        expiries: BackupExpiries,
        refused: Denial | None,
        grace_of: Callable[[str], timedelta],
    ) -> None:
        """Look at every listed backup once; `refused` is the answer by which the plan has no schedules."""
        self._inventory = inventory
        self._schedules = [(it.index.name, IndexSchedules(it, refused)) for it in inventory.indexes]
        self.backups = Counter[str]()
        """How many backups are listed under each name, those of deleted indexes too."""
        self.manual = Counter[str]()
        """How many of them were taken by hand."""
        self.runs: dict[str, list[datetime]] = {}
        """When a schedule made the others, by its id; those of schedules that are not known stand under none."""
        self.perhaps_manual = 0
        """Of how many it is not known whether they were."""
        self.perhaps_planned = 0
        """How many of those that are listed may be planned runs, for want of what would tell."""
        for backup in inventory.backups.rows:
            if _is_planned(backup, expiries, inventory.observed_at, grace_of):
                continue
            self.backups[backup.index_name] += 1
            expires = expiries.expires(backup)
            self.perhaps_planned += _may_be_planned(backup, expiries)
            if expires is None:
                self.perhaps_manual += 1
            elif expires:
                maker = expiries.maker(backup.backup_id)
                made_at = min(run_moment(backup) or backup.created_at or inventory.observed_at, inventory.observed_at)
                self.runs.setdefault(maker.schedule_id if maker else "", []).append(made_at)
            else:
                self.manual[backup.index_name] += 1

    @cached_property
    def holdings(self) -> list[ScheduleUsage]:
        """What the schedules hold that are known to be enabled."""
        return [ScheduleUsage(name, it, _slots(it)) for name, schedules in self._schedules for it in schedules.enabled]

    def comes_to_hold(
        self, schedule_id: str, retention: timedelta, interval: timedelta, *, with_one_now: bool = False
    ) -> int:
        """Return how many backups a schedule comes to hold if it is set so: what it made stays until it expires.

        That is most just before one of those expires: it, the newer ones, and what is made until then.
        `with_one_now` counts a backup that it takes at once, beside its runs: one that is resumed does.
        """
        ages = sorted(self._inventory.observed_at - it for it in self.runs.get(schedule_id, ()))
        ages = [timedelta(), *ages] if with_one_now else ages
        left = (max(retention - age, timedelta()) for age in ages)
        at_its_ends = (newer + slots_of(it, interval) for newer, it in enumerate(left, 1))
        return max([slots_of(retention, interval), *at_its_ends])

    def by_index(self) -> Mapping[str, list[ScheduleUsage]]:
        """Return what the enabled schedules hold of each index that takes any of the quota by itself."""
        found: dict[str, list[ScheduleUsage]] = {name: [] for name in self.manual}
        for holding in self.holdings:
            found.setdefault(holding.index, []).append(holding)
        return found

    def unread(self) -> Iterator[str]:
        """Return what may add schedules that are not known: what was not read, and pauses that nobody tells."""
        unread = self._inventory.indexes_unread
        if unread is not None:
            yield f"what else there is ({unread.what}: {unread.error})"
        for _, schedules in self._schedules:
            if schedules.unread is not None:
                yield f"what else there is ({schedules.unread.what}: {schedules.unread.error})"
            yield from (f"whether schedule {it.schedule_id} is enabled" for it in schedules.perhaps_enabled)


def _is_planned(
    backup: Backup, expiries: BackupExpiries, observed_at: datetime, grace_of: Callable[[str], timedelta]
) -> bool:
    phase = phase_of_status(backup.status)
    if phase is not BackupPhase.UNDER_WAY:
        return phase is BackupPhase.PLANNED
    maker, grace = expiries.maker(backup.backup_id), grace_of(backup.index_name)
    return has_not_started(run_moment(backup), backup.created_at, maker, observed_at, grace)


def _may_be_planned(backup: Backup, expiries: BackupExpiries) -> bool:
    if phase_of_status(backup.status) is not BackupPhase.UNDER_WAY or run_moment(backup) or backup.created_at is None:
        return False
    maker = expiries.maker(backup.backup_id)
    return expiries.expires(backup) is None if maker is None else Frequency.of(maker.frequency) is None


def _slots(schedule: Schedule) -> int | None:
    frequency = Frequency.of(schedule.frequency)
    if frequency is None or schedule.retention is None:
        return None
    return slots_of(schedule.retention, frequency.interval)
