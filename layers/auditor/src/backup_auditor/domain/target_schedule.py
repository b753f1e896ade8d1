"""The schedule that a policy wants of an index, and whether one satisfies the policy."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor.domain.capacity import LONGEST_RETENTION, least_retention, slots_of
from backup_auditor.domain.evaluation.index_schedules import label
from backup_auditor.domain.model import Frequency, Index, Schedule
from backup_auditor.domain.policy import Mode, Policy, Requirements
from backup_auditor.domain.remediation.actions import ScheduleSettings
from backup_auditor.domain.timefmt import days, format_length

SCHEDULE_NAME_MAX_LENGTH = 28
"""Characters of a schedule's name: the service accepts more, and then every run fails."""
ENABLED = "schedule-is-enabled"
FREQUENCY = "schedule-frequency-meets-policy"
MAXIMUM = "schedule-retention-within-maximum"
NAME = "schedule-name-is-runnable"
ERASURE = "backups-within-erasure-horizon"
_UNIQUE = "schedule-is-unique"
RETENTION_CONTROLS = (
    "schedule-retention-meets-minimum",
    "schedule-retention-outlives-interval",
    "schedule-guarantees-minimum-copies",
)
JUDGED = (ENABLED, NAME, FREQUENCY, *RETENTION_CONTROLS, MAXIMUM, ERASURE, _UNIQUE)
"""The controls that a schedule has to pass, to satisfy the policy."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TargetSchedule:
    """A schedule that is enough."""

    frequency: Frequency
    retention: timedelta

    @property
    def slots(self) -> int:
        """How many backups it holds."""
        return slots_of(self.retention, self.frequency.interval)


def target_schedule(require: Requirements) -> TargetSchedule:
    """Return the schedule that is enough. Whether it is allowed too is for `problems_of` to say."""
    frequency = require.schedule.frequency
    return TargetSchedule(frequency, retention_enough(require, frequency))


def retention_enough(require: Requirements, frequency: Frequency) -> timedelta:
    """Return the shortest retention that meets the minimum, outlives the interval, and holds the copies."""
    return max(length for _, length in retentions_enough(require, frequency))


def retentions_enough(require: Requirements, frequency: Frequency) -> Iterator[tuple[str, timedelta]]:
    """Return the shortest retention that satisfies each of the `RETENTION_CONTROLS`."""
    interval, copies = frequency.interval, require.recovery.min_copies or 0
    lengths = (least_retention(require.schedule), interval + _DAY, copies * interval)
    return zip(RETENTION_CONTROLS, lengths, strict=True)


def retention_allowed(require: Requirements) -> timedelta:
    """Return the longest retention that the policy and the service allow."""
    limits = (require.schedule.retention_max, require.protection.erasure, LONGEST_RETENTION)
    return min(it for it in limits if it is not None)


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """One way in which a schedule does not satisfy the policy."""

    control: str
    """The control that reports it."""
    text: str
    """How the sentence goes on that begins with the name of the schedule."""
    correction: ScheduleSettings | None = None
    """The settings that correct it; `None` where no change does."""
    obstacle: str = ""
    """Why no change corrects it, as the sentence goes on."""


def why_unsatisfied(
    schedules: Sequence[Schedule], require: Requirements, accepted: Container[str] = frozenset()
) -> str | None:
    """Return why the schedules of an index do not satisfy the policy, as a sentence; `None` where they do.

    This is the one answer to that question: for a plan, before a call, after a conflict, and on reading back.
    `accepted` are the controls whose deviations an exemption accepts for the index.
    """
    running = [it for it in schedules if it.enabled is not False] or schedules
    for schedule in running:
        for it in shortcomings(schedule, require, accepted):
            return f"Its schedule {label(schedule)} {it.text}."
    if len(running) > 1 and _UNIQUE not in accepted:
        return f"It has {len(running):,} enabled schedules."
    return None if running else "It has no schedule."


def shortcomings(
    schedule: Schedule, require: Requirements, accepted: Container[str] = frozenset()
) -> Iterator[Shortcoming]:
    """Return in what one schedule falls short of the policy, but for what is accepted: nothing where it is enough.

    With all corrections of them together it is enough, unless one has none.
    """
    return (it for it in _shortcomings(schedule, require, accepted) if it.control not in accepted)


def _shortcomings(schedule: Schedule, require: Requirements, accepted: Container[str]) -> Iterator[Shortcoming]:
    if not schedule.enabled:
        is_known = schedule.enabled is not None
        state = ScheduleSettings(enabled=True) if is_known else None
        yield Shortcoming(ENABLED, "is paused" if is_known else "may be paused", state, "Pinecone does not say")
    if schedule.name is None:
        yield Shortcoming(NAME, "has an unknown name", obstacle="Pinecone does not return it")
    elif len(schedule.name) > SCHEDULE_NAME_MAX_LENGTH:
        text = f"has a name of more than {SCHEDULE_NAME_MAX_LENGTH} characters: every run fails"
        yield Shortcoming(NAME, text, obstacle="a name cannot be changed")
    frequency, retention = Frequency.of(schedule.frequency), schedule.retention
    if frequency is None or retention is None:
        text = "does not tell its frequency and its retention"
        yield Shortcoming(FREQUENCY, text, obstacle="what it needs is unknown")
        return
    required = require.schedule.frequency
    if frequency.is_slower_than(required):
        yield Shortcoming(
            FREQUENCY, f"runs {frequency}, and {required} is required", ScheduleSettings(frequency=required)
        )
        if FREQUENCY not in accepted:
            frequency = required
    yield from _shortcomings_of_retention(retention, frequency, require, accepted)


def _shortcomings_of_retention(
    retention: timedelta, frequency: Frequency, require: Requirements, accepted: Container[str]
) -> Iterator[Shortcoming]:
    """Return what is wrong with a retention, were the schedule to run so often."""
    enough = [(length, control) for control, length in retentions_enough(require, frequency) if control not in accepted]
    longest, control = max(enough, default=(retention, ""))
    if retention < longest:
        text = f"keeps backups {format_length(retention)}, and {format_length(longest)} are required"
        allowed = retention_allowed(require)
        longer = ScheduleSettings(retention=longest) if longest <= allowed else None
        yield Shortcoming(control, text, longer, f"the limit is {format_length(allowed)}")
    limits = ((MAXIMUM, require.schedule.retention_max), (ERASURE, require.protection.erasure))
    for limit_of, limit in limits:
        if limit is not None and retention > limit:
            text = f"keeps backups {format_length(retention)}, and {format_length(limit)} are allowed"
            yield Shortcoming(limit_of, text, obstacle="a retention is never lowered")


def accepted_controls(policy: Policy, index: Index, at: datetime) -> frozenset[str]:
    """Return the controls of schedules whose deviations an exemption accepts for an index at a moment."""
    return frozenset(it for it in JUDGED if policy.exemption_for(it, index.name, index.tags, at) is not None)


def problems_of(policy: Policy) -> Iterator[tuple[int | None, str]]:
    """Return for which rules (by number; `None` are the defaults) no schedule exists that would satisfy the policy.

    It matters only to a policy that asks for schedules to be made or changed.
    """
    modes = {policy.remediation.create_schedules, policy.remediation.fix_schedules}
    if modes == {Mode.NEVER}:
        return
    requirements = [(None, policy.defaults), *((number, it.require) for number, it in enumerate(policy.rules))]
    for number, require in requirements:
        if not require.schedule.required:
            continue
        wanted, allowed = target_schedule(require), retention_allowed(require)
        if wanted.retention > allowed:
            text = f"a {wanted.frequency} schedule that is enough keeps backups {days(wanted.retention)} days"
            yield number, f"{text}, and {days(allowed)} are allowed; raise what is allowed, or ask for less"
