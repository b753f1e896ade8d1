"""Backup slots: how many backups a schedule holds, and whether schedules fit the quota."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import Policy, Requirements, ScheduleRequirement
from backup_auditor.domain.timefmt import days

_DAY = timedelta(days=1)
SHORTEST_RETENTION = _DAY
LONGEST_RETENTION = 400 * _DAY
"""The service's own limits."""


@dataclass(frozen=True, slots=True)
class ScheduleFit:
    """A schedule for each of some indexes that takes no more slots than there are."""

    frequency: Frequency
    retention: timedelta
    slots: int
    """What one such schedule takes."""


def slots_of(retention: timedelta, interval: timedelta) -> int:
    """Return how many backups a schedule holds: those it keeps, and the one being made before the oldest goes."""
    return retention // interval + 1


def least_slots(require: ScheduleRequirement) -> int:
    """Return how many backups the most sparing schedule holds that meets a requirement."""
    return slots_of(least_retention(require), require.frequency.interval)


def least_retention(require: ScheduleRequirement) -> timedelta:
    """Return the shortest retention that meets a requirement; where it states none, the service's own shortest."""
    return require.retention_min or SHORTEST_RETENTION


def best_schedule_fit(indexes: int, room: int) -> ScheduleFit | None:
    """Return the schedule that fits so many indexes into the room there is: the fastest, and then the longest kept.

    Only one that outlives its interval is any good. `None` where there is none.
    """
    most = room // indexes if indexes > 0 else 0
    for frequency in Frequency:
        interval = frequency.interval
        longest = min(most * interval - _DAY, LONGEST_RETENTION)
        if longest > interval:
            return ScheduleFit(frequency, longest, slots_of(longest, interval))
    return None


SHOWN = 20
"""How many indexes are shown one by one, those that take most first."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one index takes of a quota."""

    index: str
    taken: int
    detail: Mapping[str, object]
    """JSON: how that comes about."""


def per_index(shares: Iterable[Share]) -> dict[str, object]:
    """Show what each index takes, and what the rest of many take together."""
    ranked = sorted(shares, key=lambda it: (-it.taken, it.index))
    found: dict[str, object] = {"most": [{"index": it.index, **it.detail} for it in ranked[:SHOWN]]}
    rest = ranked[SHOWN:]
    if rest:
        found["others"] = {"indexes": len(rest), "taken": sum(it.taken for it in rest)}
    return found


def fit_evidence(fit: ScheduleFit | None, indexes: int) -> dict[str, object] | None:
    """Show which schedule would fit each of so many indexes; `None` where none would."""
    if fit is None:
        return None
    return {
        "indexes": indexes,
        "frequency": fit.frequency.value,
        "retention_days": days(fit.retention),
        "slots": fit.slots,
        "slots_together": fit.slots * indexes,
    }


def describe_fit(fit: ScheduleFit | None, indexes: int) -> str:
    """Say which schedule would fit."""
    if fit is None:
        return "no schedule for each of them would fit" if indexes else "no schedule takes any of it"
    each = "the scheduled index" if indexes == 1 else f"each of the {indexes:,} scheduled indexes"
    return f"{fit.frequency} backups kept {days(fit.retention)} d would fit, for {each}"


@dataclass(frozen=True, slots=True)
class Feasibility:
    """How many backups so many indexes take at the least: it depends on which rule each of them falls under."""

    indexes: int
    quota: int | None
    each: tuple[tuple[str, int], ...]
    """What one index takes under each rule that an index may fall under, and under `defaults`."""

    @property
    def least(self) -> int:
        """What they take where each falls under the rule that asks for least."""
        return self.indexes * min(slots for _, slots in self.each)

    @property
    def most(self) -> int:
        """What they take where each falls under the rule that asks for most."""
        return self.indexes * max(slots for _, slots in self.each)

    @property
    def is_impossible(self) -> bool:
        """Whether they cannot fit, whatever rules they fall under."""
        return self.quota is not None and self.least > self.quota

    @property
    def fit(self) -> ScheduleFit | None:
        """The best schedule that would fit all of them, if one would."""
        return None if self.quota is None else best_schedule_fit(self.indexes, self.quota)


def feasibility(policy: Policy, indexes: int) -> Feasibility:
    """Work out what so many indexes take; the defaults are never reached where a rule fits every index."""
    each: list[tuple[str, int]] = []
    for rule in policy.rules:
        each.append((rule.name, _slots(rule.require)))
        if rule.fits_everything:
            break
    else:
        each.append(("defaults", _slots(policy.defaults)))
    return Feasibility(indexes, policy.project.quota, tuple(each))


def _slots(require: Requirements) -> int:
    return least_slots(require.schedule) if require.schedule.required else 0
