"""Incidents of indexes: what happens to each index, and on which nights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Flag, auto

from simulation_year.actions import TrackedProject
from simulation_year.model import RunResult


class TimeOfDay(Flag):
    """The time of day of a change."""

    ANY = 0
    BEFORE_RUNS = auto()
    """Before any run of that day: an audit has read every existing run."""
    ANCHORS = auto()
    """At a time that may become the anchor of runs."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The number of nights until the next change, where 1 is the next night, and the time of day of the change."""

    nights: int = 1
    time_of_day: TimeOfDay = TimeOfDay.ANY


type WaitIterator = Iterator[Wait]
type Incident = Callable[[TrackedProject, str], WaitIterator]


def run_incidents(
    project: TrackedProject, name: str, incidents: list[Incident], pause_range: tuple[int, int]
) -> WaitIterator:
    """Run the incidents of an index, with some nights between them, and then none."""
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
    """Pause the schedule, for so long that all backups may expire."""
    project.pause(name)
    yield _draw_anchor_wait(project, 1, 18)
    project.resume(name)


def replace_schedule(project: TrackedProject, name: str) -> WaitIterator:
    """Delete the schedule, and create another one later."""
    retention = _get_retention(project, name)
    yield Wait(1, TimeOfDay.BEFORE_RUNS)
    project.delete_schedules(name, "nightly")
    yield _draw_anchor_wait(project, 1, 18)
    project.create_schedule(name, retention)


def slow_schedule(project: TrackedProject, name: str) -> WaitIterator:
    """Lower the frequency of the schedule for some nights."""
    frequency = project.live_indexes[name].schedules[0].frequency
    project.change_frequency(name, project.rng.choice(("weekly", "monthly")))
    yield _draw_wait(project, 2, 12)
    project.change_frequency(name, frequency)


def shorten_retention(project: TrackedProject, name: str) -> WaitIterator:
    """Lower the retention to a few days or one, for some nights."""
    retention = _get_retention(project, name)
    project.change_retention(name, project.rng.choice((1, 2, 3, 6)))
    yield _draw_wait(project, 1, 9)
    project.change_retention(name, retention)


def lengthen_retention(project: TrackedProject, name: str) -> WaitIterator:
    """Raise the retention above the maximum, which also fills the quota."""
    retention = _get_retention(project, name)
    project.change_retention(name, project.rng.choice((400, 401, 430)))
    yield _draw_wait(project, 1, 12)
    project.change_retention(name, retention)


def fail_runs(project: TrackedProject, name: str) -> WaitIterator:
    """Make some runs in a row fail."""
    count = project.rng.randint(1, 10)
    project.script_runs(name, *[RunResult.FAILED] * count)
    yield Wait(count + 1)


def skip_runs(project: TrackedProject, name: str) -> WaitIterator:
    """Skip some runs in a row."""
    count = project.rng.randint(1, 5)
    project.script_runs(name, *[RunResult.SKIPPED] * count)
    yield Wait(count + 1)


def start_stuck_run(project: TrackedProject, name: str) -> WaitIterator:
    """Start a run that never ends."""
    project.script_runs(name, RunResult.STUCK)
    yield Wait(2)


def block_runs(project: TrackedProject, name: str) -> WaitIterator:
    """Block the next run and all runs after it."""
    project.script_runs(name, RunResult.BLOCKED)
    yield _draw_anchor_wait(project, 2, 10)
    project.restart_schedules(name)


def remove_next_run(project: TrackedProject, name: str) -> WaitIterator:
    """Remove the next run of the enabled schedule."""
    project.remove_next_run(name)
    yield _draw_anchor_wait(project, 1, 8)
    project.restart_schedules(name)


def recreate_index(project: TrackedProject, name: str) -> WaitIterator:
    """Delete and recreate the index, with a schedule at once or some nights later."""
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
    """Remove some records, and restore them later."""
    record_count = project.live_indexes[name].records
    project.set_counts(name, records=record_count * project.rng.choice((20, 45, 70, 85)) // 100)
    yield _draw_wait(project, 1, 9)
    project.set_counts(name, records=record_count)


def lose_namespaces(project: TrackedProject, name: str) -> WaitIterator:
    """Remove some namespaces, and restore them later."""
    namespace_count = project.live_indexes[name].namespaces
    project.set_counts(name, namespaces=namespace_count * project.rng.choice((60, 90, 97)) // 100)
    yield _draw_wait(project, 1, 9)
    project.set_counts(name, namespaces=namespace_count)


def empty_index(project: TrackedProject, name: str) -> WaitIterator:
    """Remove all records, and restore them later."""
    record_count = project.live_indexes[name].records
    project.set_counts(name, records=0)
    yield _draw_wait(project, 1, 9)
    project.set_counts(name, records=record_count)


def show_unknown_status(project: TrackedProject, name: str) -> WaitIterator:
    """Set an unknown status of a backup for some nights."""
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
    """Create a second enabled schedule, as a race does, and delete it later."""
    retention = _get_retention(project, name)
    yield Wait(1, TimeOfDay.ANCHORS)
    project.create_schedule(name, retention, "second", is_second=True)
    yield Wait(project.rng.randint(1, 6), TimeOfDay.BEFORE_RUNS)
    project.delete_schedules(name, "second")


def use_long_name(project: TrackedProject, name: str) -> WaitIterator:
    """Replace the schedule with one whose long name makes every run fail, and restore it later."""
    retention, long_name = _get_retention(project, name), "every-night-of-the-whole-year"
    yield Wait(1, TimeOfDay.BEFORE_RUNS | TimeOfDay.ANCHORS)
    project.delete_schedules(name, "nightly")
    project.create_schedule(name, retention, long_name)
    yield Wait(project.rng.randint(2, 12), TimeOfDay.BEFORE_RUNS | TimeOfDay.ANCHORS)
    project.delete_schedules(name, long_name)
    project.create_schedule(name, retention)


def take_manual_backups(project: TrackedProject, name: str) -> WaitIterator:
    """Create manual backups: they count toward the quota, and violate a maximum age."""
    for _ in range(project.rng.choice((1, 4, 8))):
        project.back_up(name)
        yield _draw_wait(project, 1, 2)


def disable_protection(project: TrackedProject, name: str) -> WaitIterator:
    """Turn deletion protection off, and on again later."""
    project.set_protection(name, is_protected=False)
    yield _draw_wait(project, 1, 20)
    project.set_protection(name, is_protected=True)


def remove_tag(project: TrackedProject, name: str) -> WaitIterator:
    """Remove a tag, and restore it later."""
    project.set_tag(name, is_tagged=False)
    yield _draw_wait(project, 1, 20)
    project.set_tag(name, is_tagged=True)


def keep_old_backup(project: TrackedProject, name: str) -> WaitIterator:
    """Create a manual backup, and delete it after it exceeds the maximum age: audits report both."""
    index, backup = project.live_indexes[name], project.back_up(name)
    yield _draw_wait(project, 70, 90)
    project.delete_backups(index, [backup])
    yield Wait(1)


def add_temporary_index(project: TrackedProject, name: str) -> WaitIterator:
    """Create another index, schedule it later, back it up, and delete it; its backups stay."""
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
"""The incidents of an index with any frequency."""
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
