"""The schedule that a policy wants of an index: the slowest, and the shortest kept, that is enough."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.moments import days, format_length
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.requirements import Requirements
from backup_auditor.domain.slots import LONGEST_RETENTION, least_retention, slots_of

LONGEST_NAME = 28
"""Characters of a schedule's name: the service accepts more, and then every run fails."""
RETENTION_CONTROLS = (
    "schedule-retention-meets-minimum",
    "schedule-retention-outlives-interval",
    "schedule-guarantees-minimum-copies",
)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A schedule that is enough."""

    frequency: Frequency
    retention: timedelta

    @property
    def slots(self) -> int:
        """How many backups it holds."""
        return slots_of(self.retention, self.frequency.interval)


def wanted_of(require: Requirements) -> Wanted:
    """Return the schedule that is enough. Whether it is allowed too is for `problems_of` to say."""
    frequency = require.schedule.frequency
    return Wanted(frequency, retention_enough(require, frequency))


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


def why_not_enough(schedule: Schedule, require: Requirements) -> str | None:
    """Return in what a schedule falls short of the policy, as a sentence goes on; `None` where it is enough."""
    return next(_shortcomings(schedule, require), None)


def _shortcomings(schedule: Schedule, require: Requirements) -> Iterator[str]:
    if not schedule.enabled:
        yield "is paused" if schedule.enabled is False else "may be paused"
    frequency, retention = Frequency.of(schedule.frequency), schedule.retention
    if frequency is None or retention is None:
        yield "does not tell its frequency and its retention"
        return
    if frequency.is_slower_than(require.schedule.frequency):
        yield f"runs {frequency}, and {require.schedule.frequency} is required"
    if retention < (enough := retention_enough(require, frequency)):
        yield f"keeps backups {format_length(retention)}, and {format_length(enough)} are required"
    if retention > (allowed := retention_allowed(require)):
        yield f"keeps backups {format_length(retention)}, and {format_length(allowed)} are allowed"
    if schedule.name is not None and len(schedule.name) > LONGEST_NAME:
        yield f"has a name of more than {LONGEST_NAME} characters: every run fails"


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
        wanted, allowed = wanted_of(require), retention_allowed(require)
        if wanted.retention > allowed:
            text = f"a {wanted.frequency} schedule that is enough keeps backups {days(wanted.retention)} days"
            yield number, f"{text}, and {days(allowed)} are allowed; raise what is allowed, or ask for less"
