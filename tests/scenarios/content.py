"""Worlds in which the newest recovery point holds other than those before it."""

from collections.abc import Callable

from backup_auditor_simulator.model import Backup
from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    HOUR,
    Case,
    ScenarioStep,
    back_up,
    change_project,
    create_index,
    create_scheduled_index,
    list_ready_backups,
    on,
)

EMPTY = "recovery-point-is-not-empty"
RECORDS = "record-count-is-stable"
NAMESPACES = "namespace-count-is-stable"
SIZE = "backup-size-is-stable"
TRAITS = {"records": 500, "namespaces": 20}
"""So few records that none are added from one backup to the next."""


def change_counts(records: int, namespaces: int = 20, *, hours_ago: int = 6) -> ScenarioStep:
    """Let the index hold so much from so many hours ago on; its newest run was due 5 hours ago."""

    def set_counts(project: SimulatedProject) -> None:
        index = project.get_index("orders")
        index.records, index.namespaces = records, namespaces

    return change_project(hours_ago * HOUR, set_counts)


def edit_recovery_points(edit: Callable[[list[Backup]], None]) -> ScenarioStep:
    """Let what is shown of the recovery points, oldest first, be something else."""

    def apply_edit(project: SimulatedProject) -> None:
        points = list_ready_backups(project)
        edit(points)
        project.record_change(*points)

    return change_project(HOUR, apply_edit)


def set_newest_size(numerator: int, denominator: int, extra_bytes: int = 0) -> ScenarioStep:
    """Let the newest have a size that is in such a ratio to all others, and so many bytes more."""

    def set_sizes(points: list[Backup]) -> None:
        for point in points:
            point.size_bytes = 3000
        points[-1].size_bytes = 3000 * numerator // denominator + extra_bytes

    return edit_recovery_points(set_sizes)


def hide_record_counts(points: list[Backup]) -> None:
    """Hide how many records all but the newest and two older ones have, which are far beyond the seven before."""
    for point in points[2:-1]:
        point.record_count = None


def raise_oldest_record_counts(points: list[Backup]) -> None:
    """Let only those more than seven before the newest have held much."""
    for point in points[:-8]:
        point.record_count = 90_000


STEADY_INDEX = create_scheduled_index(traits=TRAITS)
CASES = (
    Case(
        label="empty from the beginning", steps=(create_scheduled_index(traits={"records": 0}),), violations=on(EMPTY)
    ),
    Case(label="one record", steps=(create_scheduled_index(traits={"records": 1}),)),
    Case(
        label="empty, and allowed to be",
        steps=(create_scheduled_index(traits={"records": 0}),),
        policy="defaults: {content: {allow_empty: true}}",
    ),
    Case(label="emptied", steps=(STEADY_INDEX, change_counts(0)), violations=on(EMPTY, RECORDS, SIZE)),
    Case(label="emptied since the newest backup", steps=(STEADY_INDEX, change_counts(0, hours_ago=4))),
    Case(
        label="was empty until the newest backup",
        steps=(create_scheduled_index(traits=TRAITS | {"records": 0}), change_counts(500)),
        violations=on(SIZE),
    ),
    Case(
        label="backed up minutes after it was made",
        steps=(create_index(HOUR, records=0), back_up(HOUR, HOUR / 2)),
        violations=on(EMPTY, "index-has-schedule"),
    ),
    Case(label="records drop by 20 percent", steps=(STEADY_INDEX, change_counts(400))),
    Case(
        label="records drop by more than 20 percent", steps=(STEADY_INDEX, change_counts(399)), violations=on(RECORDS)
    ),
    Case(label="records grow", steps=(STEADY_INDEX, change_counts(1400))),
    Case(
        label="records drop by 10 percent, of which the policy allows 9.9",
        steps=(STEADY_INDEX, change_counts(450)),
        policy="defaults: {content: {max_record_drop_percent: 9.9}}",
        violations=on(RECORDS),
    ),
    Case(
        label="records drop, and only two others tell theirs",
        steps=(STEADY_INDEX, change_counts(399), edit_recovery_points(hide_record_counts)),
        violations=on(RECORDS),
    ),
    Case(
        label="records dropped more than seven backups ago",
        steps=(STEADY_INDEX, edit_recovery_points(raise_oldest_record_counts)),
    ),
    Case(label="records dropped five backups ago", steps=(STEADY_INDEX, change_counts(100, hours_ago=5 * 24 + 1))),
    Case(
        label="records dropped three backups ago",
        steps=(STEADY_INDEX, change_counts(399, hours_ago=2 * 24 + 6)),
        violations=on(RECORDS),
    ),
    Case(label="namespaces drop by 5 percent", steps=(STEADY_INDEX, change_counts(500, 19))),
    Case(
        label="namespaces drop by more than 5 percent",
        steps=(STEADY_INDEX, change_counts(500, 18)),
        violations=on(NAMESPACES),
    ),
    Case(label="a third of the size", steps=(STEADY_INDEX, set_newest_size(1, 3))),
    Case(
        label="a byte less than a third of the size",
        steps=(STEADY_INDEX, set_newest_size(1, 3, -1)),
        violations=on(SIZE),
    ),
    Case(label="three times the size", steps=(STEADY_INDEX, set_newest_size(3, 1))),
    Case(
        label="a byte more than three times the size",
        steps=(STEADY_INDEX, set_newest_size(3, 1, 1)),
        violations=on(SIZE),
    ),
    Case(
        label="ten times the size, with no limit to it",
        steps=(STEADY_INDEX, set_newest_size(10, 1)),
        policy="defaults: {content: {max_size_factor: null}}",
    ),
    Case(
        label="one recovery point alone",
        steps=(create_scheduled_index(days=1, traits=TRAITS), change_counts(3, hours_ago=3)),
    ),
)
