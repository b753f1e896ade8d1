"""What fills the project's quota of backups: what is listed, what schedules hold, and what was taken by hand."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.backup_status import BackupPhase, find_run_moment, has_not_started, parse_phase
from backup_auditor.domain.capacity import count_slots
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
    def min_slots(self) -> int:
        """How many it holds at the least."""
        return 1 if self.slots is None else self.slots


class QuotaUsage:
    """What fills the quota of one project: every listed backup in whatever state but planned runs."""

    def __init__(
        self,
        inventory: Inventory,
        expiries: BackupExpiries,
        plan_denial: Denial | None,
        find_grace: Callable[[str], timedelta],
    ) -> None:
        """Look at every listed backup once; `refused` is the answer by which the plan has no schedules."""
        self._inventory = inventory
        self._schedules_by_name = [(it.index.name, IndexSchedules(it, plan_denial)) for it in inventory.indexes]
        self.backup_counts = Counter[str]()
        """How many backups are listed under each name, those of deleted indexes too."""
        self.manual_counts = Counter[str]()
        """How many of them were taken by hand."""
        self.run_times: dict[str, list[datetime]] = {}
        """When a schedule made the others, by its id; those of schedules that are not known stand under none."""
        self.possibly_manual_count = 0
        """Of how many it is not known whether they were."""
        self.possibly_scheduled_count = 0
        """How many of those that are listed may be planned runs, for want of what would tell."""
        for backup in inventory.backups.rows:
            if _is_scheduled(backup, expiries, inventory.observed_at, find_grace):
                continue
            self.backup_counts[backup.index_name] += 1
            expires = expiries.expires(backup)
            self.possibly_scheduled_count += _may_be_scheduled(backup, expiries)
            if expires is None:
                self.possibly_manual_count += 1
            elif expires:
                schedule = expiries.find_schedule(backup.backup_id)
                run_at = min(
                    find_run_moment(backup) or backup.created_at or inventory.observed_at, inventory.observed_at
                )
                self.run_times.setdefault(schedule.schedule_id if schedule else "", []).append(run_at)
            else:
                self.manual_counts[backup.index_name] += 1

    @cached_property
    def schedule_usages(self) -> list[ScheduleUsage]:
        """What the schedules hold that are known to be enabled."""
        return [
            ScheduleUsage(name, it, _count_schedule_slots(it))
            for name, schedules in self._schedules_by_name
            for it in schedules.enabled_schedules
        ]

    def compute_peak_usage(
        self, schedule_id: str, retention: timedelta, interval: timedelta, *, has_immediate_backup: bool = False
    ) -> int:
        """Return how many backups a schedule comes to hold if it is set so: what it made stays until it expires.

        That is most just before one of those expires: it, the newer ones, and what is made until then.
        `with_one_now` counts a backup that it takes at once, beside its runs: one that is resumed does.
        """
        ages = sorted(self._inventory.observed_at - it for it in self.run_times.get(schedule_id, ()))
        ages = [timedelta(), *ages] if has_immediate_backup else ages
        remaining_times = (max(retention - age, timedelta()) for age in ages)
        usage_at_expiries = (
            newer_count + count_slots(it, interval) for newer_count, it in enumerate(remaining_times, 1)
        )
        return max([count_slots(retention, interval), *usage_at_expiries])

    def group_by_index(self) -> Mapping[str, list[ScheduleUsage]]:
        """Return what the enabled schedules hold of each index that takes any of the quota by itself."""
        usages_by_index: dict[str, list[ScheduleUsage]] = {name: [] for name in self.manual_counts}
        for usage in self.schedule_usages:
            usages_by_index.setdefault(usage.index, []).append(usage)
        return usages_by_index

    def describe_unknown_usage(self) -> Iterator[str]:
        """Return what may add schedules that are not known: what was not read, and pauses that nobody tells."""
        failure = self._inventory.indexes_failure
        if failure is not None:
            yield f"what else there is ({failure.call}: {failure.error})"
        for _, schedules in self._schedules_by_name:
            if schedules.failure is not None:
                yield f"what else there is ({schedules.failure.call}: {schedules.failure.error})"
            yield from (f"whether schedule {it.schedule_id} is enabled" for it in schedules.possibly_enabled_schedules)


def _is_scheduled(
    backup: Backup, expiries: BackupExpiries, observed_at: datetime, find_grace: Callable[[str], timedelta]
) -> bool:
    phase = parse_phase(backup.status)
    if phase is not BackupPhase.IN_PROGRESS:
        return phase is BackupPhase.SCHEDULED
    schedule, grace = expiries.find_schedule(backup.backup_id), find_grace(backup.index_name)
    return has_not_started(find_run_moment(backup), backup.created_at, schedule, observed_at, grace)


def _may_be_scheduled(backup: Backup, expiries: BackupExpiries) -> bool:
    if (
        parse_phase(backup.status) is not BackupPhase.IN_PROGRESS
        or find_run_moment(backup)
        or backup.created_at is None
    ):
        return False
    schedule = expiries.find_schedule(backup.backup_id)
    return expiries.expires(backup) is None if schedule is None else Frequency.parse(schedule.frequency) is None


def _count_schedule_slots(schedule: Schedule) -> int | None:
    frequency = Frequency.parse(schedule.frequency)
    if frequency is None or schedule.retention is None:
        return None
    return count_slots(schedule.retention, frequency.interval)
