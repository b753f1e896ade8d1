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
"""The limits of the service."""


@dataclass(frozen=True, slots=True)
class ScheduleFit:
    """A schedule that fits into the quota when each of several indexes has it."""

    frequency: Frequency
    retention: timedelta
    slots: int
    """The slots of one such schedule."""


def count_slots(retention: timedelta, interval: timedelta) -> int:
    """Return how many backups a schedule holds: those it retains, and a new one before the oldest is deleted."""
    return retention // interval + 1


def count_min_slots(requirement: ScheduleRequirement) -> int:
    """Return the smallest number of backups that a schedule holds that meets a requirement."""
    return count_slots(find_min_retention(requirement), requirement.frequency.interval)


def find_min_retention(requirement: ScheduleRequirement) -> timedelta:
    """Return the shortest retention that meets a requirement; without a minimum, the service's shortest."""
    return requirement.retention_min or SHORTEST_RETENTION


def find_best_schedule_fit(index_count: int, free_slots: int) -> ScheduleFit | None:
    """Return the best schedule that fits into the free slots: the most frequent, then with the longest retention.

    Its retention is longer than its interval. Return `None` if no such schedule fits.
    """
    slots_per_index = free_slots // index_count if index_count > 0 else 0
    for frequency in Frequency:
        interval = frequency.interval
        max_retention = min(slots_per_index * interval - _DAY, LONGEST_RETENTION)
        if max_retention > interval:
            return ScheduleFit(frequency, max_retention, count_slots(max_retention, interval))
    return None


MAX_SHARES_SHOWN = 20
"""How many indexes are listed separately, those with the most slots first."""


@dataclass(frozen=True, slots=True)
class QuotaShare:
    """The part of a quota that one index uses."""

    index: str
    slots: int
    detail: Mapping[str, object]
    """JSON values that explain the number."""


def build_share_evidence(shares: Iterable[QuotaShare]) -> dict[str, object]:
    """Return the evidence of shares: the largest ones, and the sum of the others."""
    ranked_shares = sorted(shares, key=lambda it: (-it.slots, it.index))
    evidence: dict[str, object] = {
        "most": [{"index": it.index, **it.detail} for it in ranked_shares[:MAX_SHARES_SHOWN]]
    }
    other_shares = ranked_shares[MAX_SHARES_SHOWN:]
    if other_shares:
        evidence["others"] = {"indexes": len(other_shares), "taken": sum(it.slots for it in other_shares)}
    return evidence


def build_fit_evidence(fit: ScheduleFit | None, index_count: int) -> dict[str, object] | None:
    """Return the evidence of a fit; `None` without one."""
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
    """Describe which schedule would fit."""
    if fit is None:
        return "no schedule for each of them would fit" if index_count else "no schedule takes any of it"
    target_text = "the scheduled index" if index_count == 1 else f"each of the {index_count:,} scheduled indexes"
    return f"{fit.frequency} backups kept {format_length(fit.retention)} would fit, for {target_text}"


@dataclass(frozen=True, slots=True)
class Feasibility:
    """The fewest backups that a number of indexes needs. It depends on the rule that applies to each of them."""

    index_count: int
    quota: int | None
    slots_by_rule: tuple[tuple[str, int], ...]
    """The slots of one index under each rule that can apply, and under `defaults`."""

    @property
    def min_slots(self) -> int:
        """The slots if the least demanding rule applies to every index."""
        return self.index_count * min(slots for _, slots in self.slots_by_rule)

    @property
    def max_slots(self) -> int:
        """The slots if the most demanding rule applies to every index."""
        return self.index_count * max(slots for _, slots in self.slots_by_rule)

    @property
    def is_impossible(self) -> bool:
        """Whether they exceed the quota under any rules."""
        return self.quota is not None and self.min_slots > self.quota

    @property
    def best_fit(self) -> ScheduleFit | None:
        """The best schedule that fits all of them, if there is one."""
        return None if self.quota is None else find_best_schedule_fit(self.index_count, self.quota)


def assess_feasibility(policy: Policy, index_count: int) -> Feasibility:
    """Compute the slots of a number of indexes. Rules after one that matches every index are left out."""
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
