"""Scenarios in which the content of the newest recovery point differs from that of older ones."""

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
"""So few records that backups do not add any."""


def change_counts(records: int, namespaces: int = 20, *, hours_ago: int = 6) -> ScenarioStep:
    """Set the counts of the index this many hours ago; its newest run was due 5 hours ago."""

    def set_counts(project: SimulatedProject) -> None:
        index = project.get_index("orders")
        index.records, index.namespaces = records, namespaces

    return change_project(hours_ago * HOUR, set_counts)


def edit_recovery_points(edit: Callable[[list[Backup]], None]) -> ScenarioStep:
    """Edit the recovery points, oldest first."""

    def apply_edit(project: SimulatedProject) -> None:
        points = list_ready_backups(project)
        edit(points)
        project.record_change(*points)

    return change_project(HOUR, apply_edit)


def set_newest_size(numerator: int, denominator: int, extra_bytes: int = 0) -> ScenarioStep:
    """Set the size of the newest backup to this ratio of all others, plus some bytes."""

    def set_sizes(points: list[Backup]) -> None:
        for point in points:
            point.size_bytes = 3000
        points[-1].size_bytes = 3000 * numerator // denominator + extra_bytes

    return edit_recovery_points(set_sizes)


def hide_record_counts(points: list[Backup]) -> None:
    """Hide the record counts of all backups except the newest and the two oldest."""
    for point in points[2:-1]:
        point.record_count = None


def raise_oldest_record_counts(points: list[Backup]) -> None:
    """Raise the record counts of all backups older than the seven before the newest."""
    for point in points[:-8]:
        point.record_count = 90_000


STEADY_INDEX = create_scheduled_index(traits=TRAITS)
CASES = (
    Case(label="always empty", steps=(create_scheduled_index(traits={"records": 0}),), violations=on(EMPTY)),
    Case(label="one record", steps=(create_scheduled_index(traits={"records": 1}),)),
    Case(
        label="empty, which the policy allows",
        steps=(create_scheduled_index(traits={"records": 0}),),
        policy="defaults: {content: {allow_empty: true}}",
    ),
    Case(label="emptied", steps=(STEADY_INDEX, change_counts(0)), violations=on(EMPTY, RECORDS, SIZE)),
    Case(label="emptied since the newest backup", steps=(STEADY_INDEX, change_counts(0, hours_ago=4))),
    Case(
        label="empty until the newest backup",
        steps=(create_scheduled_index(traits=TRAITS | {"records": 0}), change_counts(500)),
        violations=on(SIZE),
    ),
    Case(
        label="backed up minutes after its creation",
        steps=(create_index(HOUR, records=0), back_up(HOUR, HOUR / 2)),
        violations=on(EMPTY, "index-has-schedule"),
    ),
    Case(label="records drop by 20 percent", steps=(STEADY_INDEX, change_counts(400))),
    Case(
        label="records drop by more than 20 percent", steps=(STEADY_INDEX, change_counts(399)), violations=on(RECORDS)
    ),
    Case(label="records grow", steps=(STEADY_INDEX, change_counts(1400))),
    Case(
        label="records drop by 10 percent, where the policy allows 9.9",
        steps=(STEADY_INDEX, change_counts(450)),
        policy="defaults: {content: {max_record_drop_percent: 9.9}}",
        violations=on(RECORDS),
    ),
    Case(
        label="records drop, and only two other backups have a count",
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
        label="ten times the size, without a limit",
        steps=(STEADY_INDEX, set_newest_size(10, 1)),
        policy="defaults: {content: {max_size_factor: null}}",
    ),
    Case(
        label="only one recovery point",
        steps=(create_scheduled_index(days=1, traits=TRAITS), change_counts(3, hours_ago=3)),
    ),
)
