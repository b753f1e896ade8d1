"""What fills the project's quota of backups: what is listed, what schedules hold, and what was taken by hand."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.facts import Backup, Schedule
from backup_auditor.domain.index_schedules import IndexSchedules
from backup_auditor.domain.phase import Phase, is_planned_run, phase_of_status, run_moment
from backup_auditor.domain.project_subject import ProjectSubject
from backup_auditor.domain.slots import slots_of
from backup_auditor.domain.standing import is_still_planned


@dataclass(frozen=True, slots=True)
class Holding:
    """What one enabled schedule holds."""

    index: str
    schedule: Schedule
    slots: int | None
    """`None` where its frequency or its retention is not known."""

    @property
    def least(self) -> int:
        """How many it holds at the least."""
        return 1 if self.slots is None else self.slots


class Quota:
    """What fills the quota of one project."""

    def __init__(self, project: ProjectSubject) -> None:
        """Look at a project."""
        self._project = project

    @cached_property
    def counted(self) -> list[Backup]:
        """The listed backups in whatever state, of deleted indexes too; planned runs are none."""
        return [it for it in self._project.inventory.backups.rows if not self._is_planned(it)]

    @cached_property
    def backups(self) -> Mapping[str, int]:
        """How many backups are listed under each name."""
        return Counter(it.index_name for it in self.counted)

    @cached_property
    def manual(self) -> Mapping[str, int]:
        """How many backups under each name were taken by hand."""
        return Counter(it.index_name for it in self.counted if self._expires(it) is False)

    @cached_property
    def perhaps_manual(self) -> int:
        """Of how many backups it is not known whether they were taken by hand."""
        return sum(self._expires(it) is None for it in self.counted)

    @cached_property
    def holdings(self) -> list[Holding]:
        """What the schedules hold that are known to be enabled."""
        return [
            Holding(facts.index.name, schedule, _slots(schedule))
            for facts in self._project.inventory.indexes
            for schedule in IndexSchedules(facts, self._project.plan_refusal).enabled
        ]

    def by_index(self) -> Mapping[str, list[Holding]]:
        """Return what the enabled schedules hold of each index that takes any of the quota by itself."""
        found: dict[str, list[Holding]] = {name: [] for name in self.manual}
        for holding in self.holdings:
            found.setdefault(holding.index, []).append(holding)
        return found

    def unread(self) -> Iterator[str]:
        """Return what may add schedules that are not known: what was not read, and pauses that nobody tells."""
        inventory = self._project.inventory
        if inventory.indexes_unread is not None:
            yield f"{inventory.indexes_unread.what}: {inventory.indexes_unread.error}"
        for facts in inventory.indexes:
            schedules = IndexSchedules(facts, self._project.plan_refusal)
            if schedules.unread is not None:
                yield f"{schedules.unread.what}: {schedules.unread.error}"
            yield from (f"whether schedule {it.schedule_id} is enabled" for it in schedules.perhaps_enabled)

    def _expires(self, backup: Backup) -> bool | None:
        return self._project.expiries.of(backup, None).expires

    def _is_planned(self, backup: Backup) -> bool:
        now = self._project.observed_at
        if is_planned_run(backup, now):
            return True
        if phase_of_status(backup.status) is not Phase.UNDER_WAY or run_moment(backup) is not None:
            return False
        maker = self._project.expiries.maker(backup.backup_id)
        grace = self._project.required_of(backup.index_name).runs.grace
        return is_still_planned(None, backup.created_at, maker, now, grace)


def _slots(schedule: Schedule) -> int | None:
    frequency = Frequency.of(schedule.frequency)
    if frequency is None or schedule.retention is None:
        return None
    return slots_of(schedule.retention, frequency.interval)
