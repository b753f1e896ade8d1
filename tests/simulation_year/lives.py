"""The lives of indexes: what happens to each, one trouble after the other, on which nights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Flag, auto

from simulation_year.actions import TrackedProject
from simulation_year.model import RunResult


class TimeOfDay(Flag):
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
    time_of_day: TimeOfDay = TimeOfDay.ANY


type WaitIterator = Iterator[Wait]
type Incident = Callable[[TrackedProject, str], WaitIterator]


def run_incidents(
    project: TrackedProject, name: str, incidents: list[Incident], pause_range: tuple[int, int]
) -> WaitIterator:
    """Let an index have its troubles, with some nights between them, and peace afterwards."""
    for incident in incidents:
        yield Wait(project.rng.randint(*pause_range))
        yield from incident(project, name)
        yield Wait(1)


def _get_retention(project: TrackedProject, name: str) -> int:
    return project.live_indexes[name].schedules[0].retention.days


def _draw_wait(project: TrackedProject, low: int, high: int) -> Wait:
    return Wait(project.rng.randint(low, high))


def _draw_anchor_wait(project: TrackedProject, low: int, high: int) -> Wait:
    return Wait(project.rng.randint(low, high), TimeOfDay.ANCHORS)


def pause_schedule(project: TrackedProject, name: str) -> WaitIterator:
    """Pause the schedule, for so long that backups may run out."""
    project.pause(name)
    yield _draw_anchor_wait(project, 1, 18)
    project.resume(name)


def replace_schedule(project: TrackedProject, name: str) -> WaitIterator:
    """Delete the schedule, and create another later."""
    retention = _get_retention(project, name)
    yield Wait(1, TimeOfDay.BEFORE_RUNS)
    project.delete_schedules(name, "nightly")
    yield _draw_anchor_wait(project, 1, 18)
    project.create_schedule(name, retention)


def slow_schedule(project: TrackedProject, name: str) -> WaitIterator:
    """Let the schedule run more rarely for a while."""
    frequency = project.live_indexes[name].schedules[0].frequency
    project.change_frequency(name, project.rng.choice(("weekly", "monthly")))
    yield _draw_wait(project, 2, 12)
    project.change_frequency(name, frequency)


def shorten_retention(project: TrackedProject, name: str) -> WaitIterator:
    """Keep backups more briefly, down to a day."""
    retention = _get_retention(project, name)
    project.change_retention(name, project.rng.choice((1, 2, 3, 6)))
    yield _draw_wait(project, 1, 9)
    project.change_retention(name, retention)


def lengthen_retention(project: TrackedProject, name: str) -> WaitIterator:
    """Keep backups too long, which also fills the quota."""
    retention = _get_retention(project, name)
    project.change_retention(name, project.rng.choice((400, 401, 430)))
    yield _draw_wait(project, 1, 12)
    project.change_retention(name, retention)


def fail_runs(project: TrackedProject, name: str) -> WaitIterator:
    """Let runs fail, some days in a row."""
    count = project.rng.randint(1, 10)
    project.script_runs(name, *[RunResult.FAILED] * count)
    yield Wait(count + 1)


def skip_runs(project: TrackedProject, name: str) -> WaitIterator:
    """Skip runs, some days in a row."""
    count = project.rng.randint(1, 5)
    project.script_runs(name, *[RunResult.SKIPPED] * count)
    yield Wait(count + 1)


def start_stuck_run(project: TrackedProject, name: str) -> WaitIterator:
    """Begin a run that never ends."""
    project.script_runs(name, RunResult.STUCK)
    yield Wait(2)


def block_runs(project: TrackedProject, name: str) -> WaitIterator:
    """Let a planned run not start, nor any after it."""
    project.script_runs(name, RunResult.BLOCKED)
    yield _draw_anchor_wait(project, 2, 10)
    project.restart_schedules(name)


def remove_next_run(project: TrackedProject, name: str) -> WaitIterator:
    """Leave the schedule enabled, without a next run."""
    project.remove_next_run(name)
    yield _draw_anchor_wait(project, 1, 8)
    project.restart_schedules(name)


def recreate_index(project: TrackedProject, name: str) -> WaitIterator:
    """Delete the index and create it anew, with a schedule at once or some nights later."""
    retention = _get_retention(project, name)
    yield Wait(1, TimeOfDay.BEFORE_RUNS | TimeOfDay.ANCHORS)
    project.delete_index(name)
    project.create_index(name)
    if project.rng.random() < 0.5:
        yield _draw_anchor_wait(project, 1, 6)
    project.create_schedule(name, retention)


def delete_some_backups(project: TrackedProject, name: str) -> WaitIterator:
    """Delete some backups, or all."""
    index = project.live_indexes[name]
    seen_points = [it for it in index.recovery_points if it.is_known]
    count = project.rng.choice((1, 1, 2, len(seen_points)))
    project.delete_backups(index, project.rng.sample(seen_points, min(count, len(seen_points))))
    yield Wait(2)


def lose_records(project: TrackedProject, name: str) -> WaitIterator:
    """Lose some records, and find them again."""
    record_count = project.live_indexes[name].records
    project.set_counts(name, records=record_count * project.rng.choice((20, 45, 70, 85)) // 100)
    yield _draw_wait(project, 1, 9)
    project.set_counts(name, records=record_count)


def lose_namespaces(project: TrackedProject, name: str) -> WaitIterator:
    """Lose some namespaces, and find them again."""
    namespace_count = project.live_indexes[name].namespaces
    project.set_counts(name, namespaces=namespace_count * project.rng.choice((60, 90, 97)) // 100)
    yield _draw_wait(project, 1, 9)
    project.set_counts(name, namespaces=namespace_count)


def empty_index(project: TrackedProject, name: str) -> WaitIterator:
    """Empty the index, and fill it again."""
    record_count = project.live_indexes[name].records
    project.set_counts(name, records=0)
    yield _draw_wait(project, 1, 9)
    project.set_counts(name, records=record_count)


def show_unknown_status(project: TrackedProject, name: str) -> WaitIterator:
    """Show a backup in a status that nobody knows, for some nights."""
    index = project.live_indexes[name]
    seen_points = [it for it in index.recovery_points if it.is_known]
    if not seen_points:
        return
    backup = project.rng.choice(seen_points[:3])
    project.set_status(index, backup, "Quarantined")
    yield _draw_wait(project, 1, 5)
    if backup.is_listed:
        project.set_status(index, backup, None)


def add_second_schedule(project: TrackedProject, name: str) -> WaitIterator:
    """Let a race leave the index with two enabled schedules."""
    retention = _get_retention(project, name)
    yield Wait(1, TimeOfDay.ANCHORS)
    project.create_schedule(name, retention, "second", is_second=True)
    yield Wait(project.rng.randint(1, 6), TimeOfDay.BEFORE_RUNS)
    project.delete_schedules(name, "second")


def use_long_name(project: TrackedProject, name: str) -> WaitIterator:
    """Replace the schedule by one whose name lets every run fail, until somebody notices."""
    retention, long_name = _get_retention(project, name), "every-night-of-the-whole-year"
    yield Wait(1, TimeOfDay.BEFORE_RUNS | TimeOfDay.ANCHORS)
    project.delete_schedules(name, "nightly")
    project.create_schedule(name, retention, long_name)
    yield Wait(project.rng.randint(2, 12), TimeOfDay.BEFORE_RUNS | TimeOfDay.ANCHORS)
    project.delete_schedules(name, long_name)
    project.create_schedule(name, retention)


def take_manual_backups(project: TrackedProject, name: str) -> WaitIterator:
    """Take backups by hand: nothing is wrong with that, but for the quota, and where old ones are to be gone."""
    for _ in range(project.rng.choice((1, 4, 8))):
        project.back_up(name)
        yield _draw_wait(project, 1, 2)


def disable_protection(project: TrackedProject, name: str) -> WaitIterator:
    """Turn deletion protection off."""
    project.set_protection(name, is_protected=False)
    yield _draw_wait(project, 1, 20)
    project.set_protection(name, is_protected=True)


def remove_tag(project: TrackedProject, name: str) -> WaitIterator:
    """Take a tag away."""
    project.set_tag(name, is_tagged=False)
    yield _draw_wait(project, 1, 20)
    project.set_tag(name, is_tagged=True)


def keep_old_backup(project: TrackedProject, name: str) -> WaitIterator:
    """Let a backup taken by hand become too old to be kept, and delete it: both are told."""
    index, backup = project.live_indexes[name], project.back_up(name)
    yield _draw_wait(project, 70, 90)
    project.delete_backups(index, [backup])
    yield Wait(1)


def add_temporary_index(project: TrackedProject, name: str) -> WaitIterator:
    """Create another index, schedule it later, back it up by hand, and delete it; its backups stay."""
    index_name = f"{name}-trial-{project.rng.randrange(10_000)}"
    index = project.create_index(index_name)
    yield _draw_anchor_wait(project, 1, 4)
    project.create_schedule(index_name, 9)
    yield _draw_wait(project, 2, 8)
    manual_backup = project.back_up(index_name)
    yield Wait(project.rng.randint(2, 8), TimeOfDay.BEFORE_RUNS)
    project.delete_index(index_name)
    yield _draw_wait(project, 25, 45)
    if project.rng.random() < 0.7:
        project.delete_backups(index, [manual_backup])
    yield Wait(1)


SIMPLE_INCIDENTS: list[Incident] = [
    pause_schedule,
    lengthen_retention,
    fail_runs,
    skip_runs,
    start_stuck_run,
    block_runs,
    remove_next_run,
    take_manual_backups,
]
"""What can happen to an index of any frequency."""
DAILY_INCIDENTS: list[Incident] = [
    *SIMPLE_INCIDENTS,
    replace_schedule,
    slow_schedule,
    shorten_retention,
    recreate_index,
    delete_some_backups,
    lose_records,
    lose_namespaces,
    empty_index,
    show_unknown_status,
    add_second_schedule,
    use_long_name,
    add_temporary_index,
]
GUARDED_INCIDENTS: list[Incident] = [
    disable_protection,
    remove_tag,
    keep_old_backup,
    pause_schedule,
    delete_some_backups,
    fail_runs,
]
