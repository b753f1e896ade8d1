"""The lives of indexes: what happens to each, one trouble after the other, on which nights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Flag, auto

from simulation_year.actions import Project
from simulation_year.model import End


class When(Flag):
    """At what time of its day a deed is done."""

    ANY = 0
    BEFORE_RUNS = auto()
    """Before any run of that day: an audit has seen every run there was."""
    ANCHORS = auto()
    """At a time from which runs may be counted."""


@dataclass(frozen=True, slots=True)
class Wait:
    """How many nights pass until the next deed, 1 being the next night, and when on its day it is done."""

    nights: int = 1
    when: When = When.ANY


type Life = Iterator[Wait]
type Trouble = Callable[[Project, str], Life]


def life_of(project: Project, name: str, troubles: list[Trouble], pause: tuple[int, int]) -> Life:
    """Let an index have its troubles, with some nights between them, and peace afterwards."""
    for trouble in troubles:
        yield Wait(project.chance.randint(*pause))
        yield from trouble(project, name)
        yield Wait(1)


def _retention(project: Project, name: str) -> int:
    return project.live[name].schedules[0].retention.days


def _some(project: Project, low: int, high: int) -> Wait:
    return Wait(project.chance.randint(low, high))


def _anchoring(project: Project, low: int, high: int) -> Wait:
    return Wait(project.chance.randint(low, high), When.ANCHORS)


def paused(project: Project, name: str) -> Life:
    """Pause the schedule, for so long that backups may run out."""
    project.pause(name)
    yield _anchoring(project, 1, 18)
    project.resume(name)


def unscheduled(project: Project, name: str) -> Life:
    """Delete the schedule, and create another later."""
    retention = _retention(project, name)
    yield Wait(1, When.BEFORE_RUNS)
    project.delete_schedules(name, "nightly")
    yield _anchoring(project, 1, 18)
    project.create_schedule(name, retention)


def slowed(project: Project, name: str) -> Life:
    """Let the schedule run more rarely for a while."""
    frequency = project.live[name].schedules[0].frequency
    project.run_every(name, project.chance.choice(("weekly", "monthly")))
    yield _some(project, 2, 12)
    project.run_every(name, frequency)


def kept_too_briefly(project: Project, name: str) -> Life:
    """Keep backups more briefly, down to a day."""
    retention = _retention(project, name)
    project.keep(name, project.chance.choice((1, 2, 3, 6)))
    yield _some(project, 1, 9)
    project.keep(name, retention)


def kept_too_long(project: Project, name: str) -> Life:
    """Keep backups too long, which also fills the quota."""
    retention = _retention(project, name)
    project.keep(name, project.chance.choice((400, 401, 430)))
    yield _some(project, 1, 12)
    project.keep(name, retention)


def failing(project: Project, name: str) -> Life:
    """Let runs fail, some days in a row."""
    count = project.chance.randint(1, 10)
    project.script_runs(name, *[End.BADLY] * count)
    yield Wait(count + 1)


def skipped(project: Project, name: str) -> Life:
    """Skip runs, some days in a row."""
    count = project.chance.randint(1, 5)
    project.script_runs(name, *[End.NOT_BEGUN] * count)
    yield Wait(count + 1)


def stuck(project: Project, name: str) -> Life:
    """Begin a run that never ends."""
    project.script_runs(name, End.NEVER)
    yield Wait(2)


def not_started(project: Project, name: str) -> Life:
    """Let a planned run not start, nor any after it."""
    project.script_runs(name, End.NOT_BEGUN_NOR_ANY_AFTER)
    yield _anchoring(project, 2, 10)
    project.set_going(name)


def without_next_run(project: Project, name: str) -> Life:
    """Leave the schedule enabled, without a next run."""
    project.lose_next_run(name)
    yield _anchoring(project, 1, 8)
    project.set_going(name)


def made_anew(project: Project, name: str) -> Life:
    """Delete the index and create it anew, with a schedule at once or some nights later."""
    retention = _retention(project, name)
    yield Wait(1, When.BEFORE_RUNS | When.ANCHORS)
    project.delete_index(name)
    project.create_index(name)
    if project.chance.random() < 0.5:
        yield _anchoring(project, 1, 6)
    project.create_schedule(name, retention)


def robbed(project: Project, name: str) -> Life:
    """Delete some backups, or all."""
    index = project.live[name]
    good = [it for it in index.good if it.is_known]
    count = project.chance.choice((1, 1, 2, len(good)))
    project.delete_backups(index, project.chance.sample(good, min(count, len(good))))
    yield Wait(2)


def halved(project: Project, name: str) -> Life:
    """Lose some records, and find them again."""
    before = project.live[name].records
    project.hold(name, records=before * project.chance.choice((20, 45, 70, 85)) // 100)
    yield _some(project, 1, 9)
    project.hold(name, records=before)


def without_namespaces(project: Project, name: str) -> Life:
    """Lose some namespaces, and find them again."""
    before = project.live[name].namespaces
    project.hold(name, namespaces=before * project.chance.choice((60, 90, 97)) // 100)
    yield _some(project, 1, 9)
    project.hold(name, namespaces=before)


def emptied(project: Project, name: str) -> Life:
    """Empty the index, and fill it again."""
    before = project.live[name].records
    project.hold(name, records=0)
    yield _some(project, 1, 9)
    project.hold(name, records=before)


def strange(project: Project, name: str) -> Life:
    """Show a backup in a status that nobody knows, for some nights."""
    index = project.live[name]
    good = [it for it in index.good if it.is_known]
    if not good:
        return
    backup = project.chance.choice(good[:3])
    project.show(index, backup, "Quarantined")
    yield _some(project, 1, 5)
    if backup.is_listed:
        project.show(index, backup, None)


def doubled(project: Project, name: str) -> Life:
    """Let a race leave the index with two enabled schedules."""
    retention = _retention(project, name)
    yield Wait(1, When.ANCHORS)
    project.create_schedule(name, retention, "second", is_beside=True)
    yield Wait(project.chance.randint(1, 6), When.BEFORE_RUNS)
    project.delete_schedules(name, "second")


def named_too_long(project: Project, name: str) -> Life:
    """Replace the schedule by one whose name lets every run fail, until somebody notices."""
    retention, label = _retention(project, name), "every-night-of-the-whole-year"
    yield Wait(1, When.BEFORE_RUNS | When.ANCHORS)
    project.delete_schedules(name, "nightly")
    project.create_schedule(name, retention, label)
    yield Wait(project.chance.randint(2, 12), When.BEFORE_RUNS | When.ANCHORS)
    project.delete_schedules(name, label)
    project.create_schedule(name, retention)


def backed_up_by_hand(project: Project, name: str) -> Life:
    """Take backups by hand: nothing is wrong with that, but for the quota, and where old ones are to be gone."""
    for _ in range(project.chance.choice((1, 4, 8))):
        project.back_up(name)
        yield _some(project, 1, 2)


def unprotected(project: Project, name: str) -> Life:
    """Turn deletion protection off."""
    project.protect(name, is_protected=False)
    yield _some(project, 1, 20)
    project.protect(name, is_protected=True)


def untagged(project: Project, name: str) -> Life:
    """Take a tag away."""
    project.tag(name, is_tagged=False)
    yield _some(project, 1, 20)
    project.tag(name, is_tagged=True)


def erased(project: Project, name: str) -> Life:
    """Let a backup taken by hand become too old to be kept, and delete it: both are told."""
    index, backup = project.live[name], project.back_up(name)
    yield _some(project, 70, 90)
    project.delete_backups(index, [backup])
    yield Wait(1)


def passing_through(project: Project, name: str) -> Life:
    """Create another index, schedule it later, back it up by hand, and delete it; its backups stay."""
    other = f"{name}-trial-{project.chance.randrange(10_000)}"
    index = project.create_index(other)
    yield _anchoring(project, 1, 4)
    project.create_schedule(other, 9)
    yield _some(project, 2, 8)
    by_hand = project.back_up(other)
    yield Wait(project.chance.randint(2, 8), When.BEFORE_RUNS)
    project.delete_index(other)
    yield _some(project, 25, 45)
    if project.chance.random() < 0.7:
        project.delete_backups(index, [by_hand])
    yield Wait(1)


SIMPLE: list[Trouble] = [
    paused,
    kept_too_long,
    failing,
    skipped,
    stuck,
    not_started,
    without_next_run,
    backed_up_by_hand,
]
"""What can happen to an index of any frequency."""
DAILY: list[Trouble] = [
    *SIMPLE,
    unscheduled,
    slowed,
    kept_too_briefly,
    made_anew,
    robbed,
    halved,
    without_namespaces,
    emptied,
    strange,
    doubled,
    named_too_long,
    passing_through,
]
GUARDED: list[Trouble] = [unprotected, untagged, erased, paused, robbed, failing]
