"""The schedules that satisfy a policy, and those that fit the quota: how many backups a schedule holds."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor.domain.model import Frequency, Index, Schedule, ScheduleSettings
from backup_auditor.domain.policy import Mode, Policy, Requirements, ScheduleRequirement
from backup_auditor.domain.timefmt import format_length, to_days

SCHEDULE_NAME_MAX_LENGTH = 28
"""The most characters of a schedule's name. The service accepts longer names, but then every run fails."""
ENABLED_CONTROL = "schedule-is-enabled"
FREQUENCY_CONTROL = "schedule-frequency-meets-policy"
MAX_RETENTION_CONTROL = "schedule-retention-within-maximum"
NAME_CONTROL = "schedule-name-is-runnable"
ERASURE_CONTROL = "backups-within-erasure-horizon"
UNIQUE_CONTROL = "schedule-is-unique"
RETENTION_CONTROLS = (
    "schedule-retention-meets-minimum",
    "schedule-retention-outlives-interval",
    "schedule-guarantees-minimum-copies",
)
SCHEDULE_CONTROLS = (
    ENABLED_CONTROL,
    NAME_CONTROL,
    FREQUENCY_CONTROL,
    *RETENTION_CONTROLS,
    MAX_RETENTION_CONTROL,
    ERASURE_CONTROL,
    UNIQUE_CONTROL,
)
"""The controls that a schedule must pass to satisfy the policy."""
_DAY = timedelta(days=1)
SHORTEST_RETENTION = _DAY
LONGEST_RETENTION = 400 * _DAY
"""The limits of the service."""


def count_slots(retention: timedelta, interval: timedelta) -> int:
    """Return how many backups a schedule holds: those it retains, and a new one before the oldest is deleted."""
    return retention // interval + 1


@dataclass(frozen=True, slots=True)
class TargetSchedule:
    """A schedule that satisfies a policy, or that fits into a quota."""

    frequency: Frequency
    retention: timedelta

    @property
    def slots(self) -> int:
        """How many backups it holds."""
        return count_slots(self.retention, self.frequency.interval)


def count_min_slots(requirement: ScheduleRequirement) -> int:
    """Return the smallest number of backups that a schedule holds that meets a requirement."""
    return count_slots(find_min_retention(requirement), requirement.frequency.interval)


def find_min_retention(requirement: ScheduleRequirement) -> timedelta:
    """Return the shortest retention that meets a requirement; without a minimum, the service's shortest."""
    return requirement.retention_min or SHORTEST_RETENTION


def find_best_schedule_fit(index_count: int, free_slots: int) -> TargetSchedule | None:
    """Return the best schedule that fits into the free slots: the most frequent, then with the longest retention.

    Its retention is longer than its interval. Return `None` if no such schedule fits.
    """
    slots_per_index = free_slots // index_count if index_count > 0 else 0
    for frequency in Frequency:
        interval = frequency.interval
        max_retention = min(slots_per_index * interval - _DAY, LONGEST_RETENTION)
        if max_retention > interval:
            return TargetSchedule(frequency, max_retention)
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


def build_fit_evidence(fit: TargetSchedule | None, index_count: int) -> dict[str, object] | None:
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


def describe_fit(fit: TargetSchedule | None, index_count: int) -> str:
    """Describe which schedule would fit."""
    if fit is None:
        return "no schedule would fit for each index" if index_count else "no schedule uses the quota"
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


def build_target_schedule(requirements: Requirements) -> TargetSchedule:
    """Return the smallest schedule that meets all minimums. It may exceed the longest retention."""
    frequency = requirements.schedule.frequency
    return TargetSchedule(frequency, max(length for _, length in _find_retention_minimums(requirements, frequency)))


def _find_retention_minimums(requirements: Requirements, frequency: Frequency) -> Iterator[tuple[str, timedelta]]:
    """Return the shortest retention that satisfies each of the `RETENTION_CONTROLS`."""
    interval, min_copies = frequency.interval, requirements.recovery.min_copies or 0
    lengths = (find_min_retention(requirements.schedule), interval + _DAY, min_copies * interval)
    return zip(RETENTION_CONTROLS, lengths, strict=True)


def _find_max_retention(requirements: Requirements) -> timedelta:
    limits = (requirements.schedule.retention_max, requirements.protection.max_backup_age, LONGEST_RETENTION)
    return min(it for it in limits if it is not None)


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """One way in which a schedule does not satisfy the policy."""

    control: str
    """The control that reports it."""
    text: str
    """The rest of a sentence that begins with the name of the schedule."""
    correction: ScheduleSettings | None = None
    """The settings that correct it; `None` if no change can."""
    obstacle: str = ""
    """Why no change corrects it."""


def find_shortcomings(
    schedule: Schedule, requirements: Requirements, accepted_ids: Container[str] = frozenset()
) -> Iterator[Shortcoming]:
    """Return each way in which a schedule violates the policy, without the accepted ones.

    A schedule with all their corrections satisfies the policy, unless one has no correction.
    """
    return (it for it in _find_all_shortcomings(schedule, requirements, accepted_ids) if it.control not in accepted_ids)


def _find_all_shortcomings(
    schedule: Schedule, requirements: Requirements, accepted_ids: Container[str]
) -> Iterator[Shortcoming]:
    if not schedule.enabled:
        is_known = schedule.enabled is not None
        correction = ScheduleSettings(enabled=True) if is_known else None
        yield Shortcoming(
            ENABLED_CONTROL, "is paused" if is_known else "may be paused", correction, "Pinecone does not say"
        )
    if schedule.name is None:
        yield Shortcoming(NAME_CONTROL, "has an unknown name", obstacle="Pinecone does not return it")
    elif len(schedule.name) > SCHEDULE_NAME_MAX_LENGTH:
        text = f"has a name of more than {SCHEDULE_NAME_MAX_LENGTH} characters: every run fails"
        yield Shortcoming(NAME_CONTROL, text, obstacle="a name cannot be changed")
    frequency, retention = Frequency.parse(schedule.frequency), schedule.retention
    if frequency is None or retention is None:
        text = "has an unknown frequency or retention"
        yield Shortcoming(FREQUENCY_CONTROL, text, obstacle="the required change is unknown")
        return
    required_frequency = requirements.schedule.frequency
    if frequency.is_slower_than(required_frequency):
        yield Shortcoming(
            FREQUENCY_CONTROL,
            f"runs {frequency} (required: {required_frequency})",
            ScheduleSettings(frequency=required_frequency),
        )
        if FREQUENCY_CONTROL not in accepted_ids:
            frequency = required_frequency
    yield from _find_retention_shortcomings(retention, frequency, requirements, accepted_ids)


def _find_retention_shortcomings(
    retention: timedelta, frequency: Frequency, requirements: Requirements, accepted_ids: Container[str]
) -> Iterator[Shortcoming]:
    minimums = [
        (length, control)
        for control, length in _find_retention_minimums(requirements, frequency)
        if control not in accepted_ids
    ]
    required_retention, control = max(minimums, default=(retention, ""))
    if retention < required_retention:
        text = f"has a retention of {format_length(retention)} (minimum: {format_length(required_retention)})"
        max_retention = _find_max_retention(requirements)
        correction = ScheduleSettings(retention=required_retention) if required_retention <= max_retention else None
        yield Shortcoming(control, text, correction, f"the limit is {format_length(max_retention)}")
    limits = (
        (MAX_RETENTION_CONTROL, requirements.schedule.retention_max),
        (ERASURE_CONTROL, requirements.protection.max_backup_age),
    )
    for limit_control, limit in limits:
        if limit is not None and retention > limit:
            text = f"has a retention of {format_length(retention)} (limit: {format_length(limit)})"
            yield Shortcoming(limit_control, text, obstacle="a retention is never lowered")


def find_accepted_controls(policy: Policy, index: Index, moment: datetime) -> frozenset[str]:
    """Return the schedule controls whose deviations an exemption of an index accepts at a time."""
    return frozenset(
        it for it in SCHEDULE_CONTROLS if policy.find_exemption(it, index.name, index.tags, moment) is not None
    )


def find_unsatisfiable_rules(policy: Policy) -> Iterator[tuple[int | None, str]]:
    """Return the rules that no schedule can satisfy, by number (`None` for the defaults), each with the reason.

    A policy without remediation of schedules has none.
    """
    modes = {policy.remediation.create_schedules, policy.remediation.fix_schedules}
    if modes == {Mode.NEVER}:
        return
    requirements = [(None, policy.defaults), *((number, it.requirements) for number, it in enumerate(policy.rules))]
    for number, rule_requirements in requirements:
        if not rule_requirements.schedule.required:
            continue
        target, max_retention = build_target_schedule(rule_requirements), _find_max_retention(rule_requirements)
        if target.retention > max_retention:
            text = f"a {target.frequency} schedule needs a retention of at least {to_days(target.retention)} days"
            yield (
                number,
                f"{text}, above the limit of {to_days(max_retention)} days; raise the limit, or lower the minimums",
            )
