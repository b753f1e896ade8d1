"""Backup slots: how many backups a schedule holds, and whether schedules fit the quota."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import Policy, Requirements, ScheduleRequirement
from backup_auditor.domain.timefmt import format_length, to_days

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


def count_slots(retention: timedelta, interval: timedelta) -> int:
    """Return how many backups a schedule holds: those it keeps, and the one being made before the oldest goes."""
    return retention // interval + 1


def count_min_slots(requirement: ScheduleRequirement) -> int:
    """Return how many backups the most sparing schedule holds that meets a requirement."""
    return count_slots(find_min_retention(requirement), requirement.frequency.interval)


def find_min_retention(requirement: ScheduleRequirement) -> timedelta:
    """Return the shortest retention that meets a requirement; where it states none, the service's own shortest."""
    return requirement.retention_min or SHORTEST_RETENTION


def find_best_schedule_fit(index_count: int, free_slots: int) -> ScheduleFit | None:
    """Return the schedule that fits so many indexes into the room there is: the fastest, and then the longest kept.

    Only one that outlives its interval is any good. `None` where there is none.
    """
    slots_per_index = free_slots // index_count if index_count > 0 else 0
    for frequency in Frequency:
        interval = frequency.interval
        max_retention = min(slots_per_index * interval - _DAY, LONGEST_RETENTION)
        if max_retention > interval:
            return ScheduleFit(frequency, max_retention, count_slots(max_retention, interval))
    return None


MAX_SHARES_SHOWN = 20
"""How many indexes are shown one by one, those that take most first."""


@dataclass(frozen=True, slots=True)
class QuotaShare:
    """What one index takes of a quota."""

    index: str
    slots: int
    detail: Mapping[str, object]
    """JSON: how that comes about."""


def build_share_evidence(shares: Iterable[QuotaShare]) -> dict[str, object]:
    """Show what each index takes, and what the rest of many take together."""
    ranked_shares = sorted(shares, key=lambda it: (-it.slots, it.index))
    evidence: dict[str, object] = {
        "most": [{"index": it.index, **it.detail} for it in ranked_shares[:MAX_SHARES_SHOWN]]
    }
    other_shares = ranked_shares[MAX_SHARES_SHOWN:]
    if other_shares:
        evidence["others"] = {"indexes": len(other_shares), "taken": sum(it.slots for it in other_shares)}
    return evidence


def build_fit_evidence(fit: ScheduleFit | None, index_count: int) -> dict[str, object] | None:
    """Show which schedule would fit each of so many indexes; `None` where none would."""
    if fit is None:
        return None
    return {
        "indexes": index_count,
        "frequency": fit.frequency.value,
        "retention_days": to_days(fit.retention),
        "slots": fit.slots,
        "slots_together": fit.slots * index_count,
    }


def describe_fit(fit: ScheduleFit | None, index_count: int) -> str:
    """Say which schedule would fit."""
    if fit is None:
        return "no schedule for each of them would fit" if index_count else "no schedule takes any of it"
    target_text = "the scheduled index" if index_count == 1 else f"each of the {index_count:,} scheduled indexes"
    return f"{fit.frequency} backups kept {format_length(fit.retention)} would fit, for {target_text}"


@dataclass(frozen=True, slots=True)
class Feasibility:
    """How many backups so many indexes take at the least: it depends on which rule each of them falls under."""

    index_count: int
    quota: int | None
    slots_by_rule: tuple[tuple[str, int], ...]
    """What one index takes under each rule that an index may fall under, and under `defaults`."""

    @property
    def min_slots(self) -> int:
        """What they take where each falls under the rule that asks for least."""
        return self.index_count * min(slots for _, slots in self.slots_by_rule)

    @property
    def max_slots(self) -> int:
        """What they take where each falls under the rule that asks for most."""
        return self.index_count * max(slots for _, slots in self.slots_by_rule)

    @property
    def is_impossible(self) -> bool:
        """Whether they cannot fit, whatever rules they fall under."""
        return self.quota is not None and self.min_slots > self.quota

    @property
    def best_fit(self) -> ScheduleFit | None:
        """The best schedule that would fit all of them, if one would."""
        return None if self.quota is None else find_best_schedule_fit(self.index_count, self.quota)


def assess_feasibility(policy: Policy, index_count: int) -> Feasibility:
    """Work out what so many indexes take; the defaults are never reached where a rule fits every index."""
    slots_by_rule: list[tuple[str, int]] = []
    for rule in policy.rules:
        slots_by_rule.append((rule.name, _count_required_slots(rule.requirements)))
        if rule.fits_everything:
            break
    else:
        slots_by_rule.append(("defaults", _count_required_slots(policy.defaults)))
    return Feasibility(index_count, policy.project.quota, tuple(slots_by_rule))


def _count_required_slots(requirements: Requirements) -> int:
    return count_min_slots(requirements.schedule) if requirements.schedule.required else 0
