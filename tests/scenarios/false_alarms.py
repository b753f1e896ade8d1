"""Scenarios that look like violations of runs, schedules or indexes, and are compliant."""

from itertools import product

from backup_auditor_simulator.model import IndexKind, RunOutcome
from backup_auditor_simulator.options import CustomerKeySupport, PausedNextRun
from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Case,
    back_up,
    change_project,
    create_index,
    create_scheduled_index,
    create_weekly_index,
    delete_index,
    find_schedule,
    on,
    pause_schedules,
)

STATUSES = ("Scheduled", "Initializing", "initializing", "SCHEDULED")
MOMENTS = {
    "at the run": 0 * HOUR,
    "10 minutes after the run": 10 * MINUTE,
    "6 hours after the run": 6 * HOUR,
    "before the next run": DAY - SECOND,
}
DOCUMENTS = {"body": {"type": "string", "full_text_search": {"language": "en"}}}
WEEKLY = "defaults: {schedule: {frequency: weekly}}"
WEEKLY_MOMENTS = {
    "at the run": 0 * HOUR,
    "at the end of the grace period": 6 * HOUR,
    "before the next run": 7 * DAY - SECOND,
}


def create_paused_bad_schedule(project: SimulatedProject) -> None:
    """Create and pause a schedule with every violation, and create a compliant one."""
    bad_schedule = project.create_schedule("orders", "an-experiment-nobody-cleaned-up", "monthly", 1)
    project.update_schedule(bad_schedule.id, enabled=False)
    project.create_schedule("orders", "nightly", retention_days=14)


def resume_schedule(project: SimulatedProject) -> None:
    """Resume the schedule."""
    project.update_schedule(find_schedule(project).id, enabled=True)


def recreate_index(project: SimulatedProject) -> None:
    """Delete the index, and create another one with its name."""
    project.delete_index("orders")
    project.create_index("orders")


SCHEDULED_RUNS = tuple(
    Case(
        label=f"a planned run as {status}, {'in the listing' if is_listed else 'only in the history'}, {position}",
        steps=(create_scheduled_index(since_run=since_run),),
        audit_delay=delay,
        options={"scheduled_run_status": status, "lists_scheduled_runs": is_listed},
    )
    for status, is_listed, (position, since_run, delay) in product(
        STATUSES[:2],
        (False, True),
        (
            ("a second before its time", DAY - SECOND, 0 * HOUR),
            ("at its time", DAY - SECOND, SECOND),
            ("a second after its time", DAY - SECOND, 2 * SECOND),
        ),
    )
) + tuple(
    Case(
        label=f"a weekly planned run as {status}, planned 6 days ago",
        steps=(create_weekly_index(since_run=6 * DAY),),
        policy=WEEKLY,
        options={"scheduled_run_status": status, "lists_scheduled_runs": True},
    )
    for status in STATUSES
)
FIRST_NIGHTS = (
    tuple(
        Case(
            label=f"night {night} of a schedule, {position}",
            steps=(create_scheduled_index(days=night, since_run=since_run),),
        )
        for night, (position, since_run) in product(range(4), MOMENTS.items())
    )
    + tuple(
        Case(
            label=f"night {night} of a schedule with slow runs, {position}, where 5 copies are required",
            steps=(create_scheduled_index(days=night, since_run=since_run),),
            options={"backup_duration": 6 * HOUR - SECOND},
            policy="defaults: {recovery: {min_copies: 5}}",
        )
        for night, (position, since_run) in product(range(7), MOMENTS.items())
    )
    + tuple(
        Case(
            label=f"week {week} of a schedule, {position}",
            steps=(create_weekly_index(days=7 * week, since_run=since_run),),
            policy=WEEKLY,
        )
        for week, (position, since_run) in product(range(4), WEEKLY_MOMENTS.items())
    )
)
PAUSED_SCHEDULES = tuple(
    Case(
        label=f"a paused schedule with every violation, next run {paused_next_run}",
        steps=(create_index(60 * DAY), change_project(40 * DAY + 6 * HOUR, create_paused_bad_schedule)),
        options={"paused_next_run": paused_next_run},
    )
    for paused_next_run in PausedNextRun
) + tuple(
    Case(
        label=f"paused three days ago, next run {paused_next_run}",
        steps=(create_scheduled_index(), pause_schedules(3 * DAY)),
        policy="defaults: {recovery: {max_age: 4d}}",
        options={"paused_next_run": paused_next_run},
        violations=on("schedule-is-enabled"),
    )
    for paused_next_run in PausedNextRun
)
RECREATED_INDEXES = tuple(
    case
    for is_marked in (True, False)
    for case in (
        Case(
            label=f"recreated twice, {'marked' if is_marked else 'unmarked'}",
            steps=(
                create_index(40 * DAY),
                back_up(20 * DAY, 12 * DAY, 11 * DAY),
                change_project(15 * DAY, recreate_index),
                delete_index(10 * DAY),
                create_scheduled_index(days=9),
            ),
            options={"marks_deleted_sources": is_marked},
        ),
        Case(
            label=f"recreated with its schedule, {'marked' if is_marked else 'unmarked'}",
            steps=(create_scheduled_index(days=30), delete_index(8 * DAY), create_scheduled_index(days=7)),
            options={"marks_deleted_sources": is_marked},
        ),
        Case(
            label=f"recreated as a pod, {'marked' if is_marked else 'unmarked'}",
            steps=(create_scheduled_index(), delete_index(2 * HOUR), create_index(HOUR, kind=IndexKind.POD)),
            options={"marks_deleted_sources": is_marked},
            violations=on("index-can-be-backed-up"),
        ),
        Case(
            label=f"recreated, with manual backups, {'marked' if is_marked else 'unmarked'}",
            steps=(create_index(40 * DAY), back_up(20 * DAY, 3 * HOUR, HOUR), change_project(9 * DAY, recreate_index)),
            policy="defaults: {schedule: {required: false}}",
            options={"marks_deleted_sources": is_marked},
        ),
    )
)
CASES = (
    *SCHEDULED_RUNS,
    *FIRST_NIGHTS,
    *PAUSED_SCHEDULES,
    *RECREATED_INDEXES,
    Case(
        label="a run that started 5 hours ago, created one day earlier",
        steps=(create_scheduled_index(outcomes={0: RunOutcome.STUCK}),),
    ),
    Case(
        label="a weekly run that started 5 hours ago, created one week earlier",
        steps=(create_weekly_index(),),
        options={"backup_duration": 11 * HOUR},
        policy=WEEKLY,
    ),
    Case(
        label="indexes of every kind",
        steps=(
            create_index(DAY, "pods", kind=IndexKind.POD),
            create_scheduled_index(name="pages", traits={"fields": DOCUMENTS}),
            create_scheduled_index(
                name="places", traits={"kind": IndexKind.BYOC, "cloud": "gcp", "region": "us-central1"}
            ),
            create_scheduled_index(
                name="words", traits={"fields": {"_sparse_values": {"type": "sparse_vector", "metric": "dotproduct"}}}
            ),
            create_scheduled_index(name="secrets", traits={"cmek_id": "key-1"}),
        ),
        options={"customer_key_support": CustomerKeySupport.FULL},
        violations=on("index-can-be-backed-up", index="pods"),
    ),
    Case(
        label="a document index, which the policy excludes",
        steps=(create_index(DAY, fields=DOCUMENTS),),
        policy="project: {document_indexes: excluded}",
        old_family_violations=on(
            "index-has-schedule", "index-has-recovery-point", "recovery-points-meet-minimum-copies"
        ),
    ),
    Case(
        label="paused and resumed within an hour",
        steps=(create_scheduled_index(), pause_schedules(26 * HOUR), change_project(25 * HOUR, resume_schedule)),
    ),
    Case(
        label="paused for six days, and resumed three days ago",
        steps=(create_scheduled_index(), pause_schedules(9 * DAY), change_project(3 * DAY, resume_schedule)),
        violations=on("scheduled-runs-are-continuous"),
    ),
)
