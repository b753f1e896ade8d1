"""What is not as it should be on a night, by the words of the contract, of what the book says."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from simulation_year.model import DAY, HOUR, INTERVALS, Backup, End, Index, Schedule
from support.settings_model import has_gap

GRACE = 6 * HOUR
STUCK_AFTER = 12 * HOUR
HORIZON = 7 * DAY
COPIES = 2
KEPT = 30 * DAY
"""How long backups of deleted indexes are kept."""
ERASED = 75
"""Days after which backups of guarded indexes are to be gone."""

type Found = tuple[str, str, str]
"""Control, type of resource, and its name, or the id of a deleted index."""


@dataclass(frozen=True)
class Demand:
    """What the policy demands of one index."""

    frequency: str = "daily"
    least: int = 7
    most: int = 400
    is_guarded: bool = False
    """Whether it is to be protected, tagged, and free of old backups."""

    @property
    def interval(self) -> timedelta:
        """The longest time between two runs."""
        return INTERVALS[self.frequency]


DEMANDS = {
    "weekly": Demand("weekly", 28),
    "monthly": Demand("monthly", 90),
    "guarded": Demand(is_guarded=True),
}
"""By what a name begins with."""


def demand_of(name: str) -> Demand:
    """Return what the policy demands of an index of a name."""
    return DEMANDS.get(name.partition("-")[0], Demand())


def faults_of(index: Index, earlier: Iterable[Index], now: datetime, *, tells_planned: bool) -> Iterator[str]:
    """Return the controls that a live index fails.

    `tells_planned` is whether a planned run says that it is one; else it looks like one that has begun.
    """
    demand = demand_of(index.name)
    yield from _of_schedules(index, demand, now)
    yield from _of_runs(index, now, tells_planned=tells_planned)
    yield from _of_recovery(index, demand, now)
    yield from _of_content(index)
    every = [it for one in (index, *earlier) for it in one.backups if it.is_listed]
    if any(it.is_good for it in every) and not index.good:
        yield "recovery-points-belong-to-index"
    if has_lost(index, now):
        yield "backup-did-not-vanish"
    if any(it.is_strange and it.is_listed for it in index.backups):
        yield "backup-status-is-known"
    if demand.is_guarded:
        if not index.is_protected:
            yield "deletion-protection-is-enabled"
        if not index.is_tagged:
            yield "index-has-required-tags"
        if any(now - it.at > ERASED * DAY for it in every):
            yield "backups-within-erasure-horizon"


def _of_schedules(index: Index, demand: Demand, now: datetime) -> Iterator[str]:
    if not index.schedules:
        yield "index-has-schedule"
    elif not index.enabled:
        yield "schedule-is-enabled"
    if len(index.enabled) > 1:
        yield "schedule-is-unique"
    rules: dict[str, Callable[[Schedule], bool]] = {
        "schedule-frequency-meets-policy": lambda it: it.interval > demand.interval,
        "schedule-retention-meets-minimum": lambda it: it.retention < demand.least * DAY,
        "schedule-retention-within-maximum": lambda it: it.retention > demand.most * DAY,
        "schedule-retention-outlives-interval": lambda it: it.retention <= it.interval,
        "schedule-guarantees-minimum-copies": lambda it: it.retention // it.interval < COPIES,
        "schedule-next-run-is-planned": lambda it: it.next_run is None or it.next_run < now - GRACE,
        "schedule-name-is-runnable": lambda it: len(it.name) > 28,
    }
    yield from (control for control, fails in rules.items() if any(fails(it) for it in index.enabled))


def doubts_of(index: Index, now: datetime, *, tells_planned: bool) -> Iterator[str]:
    """Return the controls of which nothing can be said for a live index."""
    waiting = {} if tells_planned else {it: it.next_run for it in index.enabled if it.is_waiting}
    gaps = {_has_gap(index, it, now, waiting.get(it)) for it in index.enabled}
    if None in gaps and True not in gaps:
        yield "scheduled-runs-are-continuous"


def _of_runs(index: Index, now: datetime, *, tells_planned: bool) -> Iterator[str]:
    waiting = {it: it.next_run for it in index.enabled if it.is_waiting and it.next_run}
    if tells_planned:
        if any(now - it > GRACE for it in waiting.values()):
            yield "planned-run-started-on-time"
        waiting = {}
    if any(_has_gap(index, it, now, waiting.get(it)) for it in index.enabled):
        yield "scheduled-runs-are-continuous"
    finished = [it for it in index.backups if it.is_listed and it.end is not End.NEVER and not it.is_strange]
    if finished and max(finished, key=lambda it: it.at).end is End.BADLY:
        yield "latest-run-succeeded"
    under_way = [it.at for it in index.backups if it.is_listed and it.end is End.NEVER and not it.is_strange]
    # A planned run whose time has passed is shown as one that has begun.
    if any(now - it > STUCK_AFTER for it in (*under_way, *waiting.values())):
        yield "no-run-is-stuck"


def _has_gap(index: Index, schedule: Schedule, now: datetime, begun: datetime | None) -> bool | None:
    runs = sorted(it.at for it in index.backups if it.maker is schedule and it.is_listed)
    return has_gap(schedule.sightings, schedule.created_at, runs + ([begun] if begun else []), now)


def _of_recovery(index: Index, demand: Demand, now: datetime) -> Iterator[str]:
    good = index.good
    is_young = [now - it.created_at < COPIES * it.interval + GRACE for it in index.enabled]
    if len(good) < COPIES and not (is_young and all(is_young)):
        yield "recovery-points-meet-minimum-copies"
    if not good:
        if not any(now - it.created_at < it.interval + GRACE for it in index.enabled):
            yield "index-has-recovery-point"
        return
    age = now - good[0].at
    if age > demand.interval + GRACE:
        yield "recovery-point-is-recent"
    if not any(age <= it.interval + GRACE for it in index.enabled):
        ends = [_expiry(it) for it in good]
        if all(it is not None and it - now <= HORIZON for it in ends):
            yield "recovery-points-outlast-horizon"


def _expiry(backup: Backup) -> datetime | None:
    return backup.at + backup.maker.retention if backup.maker else None


def _of_content(index: Index) -> Iterator[str]:
    if not index.good:
        return
    newest, *before = index.good[:8]
    if newest.records == 0:
        yield "recovery-point-is-not-empty"
    if not before:
        return
    usual = _median([it.records for it in before])
    if newest.records < usual * Fraction(80, 100):
        yield "record-count-is-stable"
    if newest.namespaces < _median([it.namespaces for it in before]) * Fraction(95, 100):
        yield "namespace-count-is-stable"
    if newest.records * 3 < usual or newest.records > usual * 3:  # every record of an index has one size
        yield "backup-size-is-stable"


def _median(values: list[int]) -> Fraction:
    ranked = sorted(values)
    return Fraction(ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2], 2)


def has_lost(index: Index, now: datetime) -> bool:
    """Tell whether a backup that an audit saw, and that should still exist, does not."""
    return any(it.is_missed(now) for it in index.backups)


def faults_of_deleted(index: Index, now: datetime) -> Iterator[str]:
    """Return the controls that a deleted index fails."""
    listed = [it.at for it in index.backups if it.is_listed]
    if listed and now - max(listed) > KEPT:
        yield "backups-have-live-source"
    if has_lost(index, now):
        yield "backup-did-not-vanish"


def is_judged(index: Index, now: datetime) -> bool:
    """Tell whether anything is left of a deleted index to be judged."""
    return any(it.is_listed or it.is_missed(now) for it in index.backups)


def faults_of_project(live: list[Index], every: list[Index], quota: int) -> Iterator[str]:
    """Return the controls that a project fails for its quota."""
    listed = [it for one in every for it in one.backups if it.is_listed]
    if len(listed) * 100 >= quota * 80:
        yield "backup-quota-has-headroom"
    if slots_are_short(live, every, quota):
        yield "schedules-fit-quota"
    demands = [demand_of(it.name) for it in live]
    if sum(it.least * DAY // it.interval + 1 for it in demands) > quota:
        yield "policy-fits-quota"


def slots_are_short(live: list[Index], every: list[Index], quota: int) -> bool:
    """Tell whether schedules hold, and people took, more backups than the quota allows."""
    by_hand = sum(it.is_listed and it.maker is None for one in every for it in one.backups)
    return by_hand + sum(it.retention // it.interval + 1 for one in live for it in one.enabled) > quota


@dataclass(frozen=True)
class Exemption:
    """What the policy accepts for a time: every deviation of one index, to the end of a day."""

    name: str
    expires: date

    def covers(self, found: Found, now: datetime) -> bool:
        """Tell whether it covers what was found on a night."""
        return found[1] == "index" and found[2] == self.name and now.date() <= self.expires


def policy_text(quota: int, exemption: Exemption) -> str:
    """Write the demands down as a policy file does."""
    rules = "\n".join(
        f'  - {{name: {kind}, match: {{names: ["{kind}-*"]}}, require: {{schedule: {{frequency: {it.frequency},'
        f" retention_days: {{min: {it.least}}}}}{_GUARD if it.is_guarded else ''}}}}}"
        for kind, it in DEMANDS.items()
    )
    return f"""\
version: 1
project: {{backup_quota: {quota}}}
rules:
{rules}
exemptions:
  - {{names: [{exemption.name}], controls: ["*"], owner: search, reason: rebuilt, expires: {exemption.expires}}}
"""


_GUARD = f", protection: {{deletion_protection: true, required_tags: [owner], erasure_days: {ERASED}}}"
