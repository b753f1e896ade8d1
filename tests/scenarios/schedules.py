"""Scenarios with violations of schedules."""

from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    DAY,
    HOUR,
    MANUAL_BACKUPS_ONLY,
    MINUTE,
    Case,
    ScenarioStep,
    back_up,
    change_project,
    create_index,
    create_scheduled_index,
    create_weekly_index,
    find_schedule,
    make_limit_cases,
    on,
    pause_schedules,
)

LONG_NAME = "nightly-backup-of-all-orders"
"""A schedule name of the maximum length."""
EIGHT_COPIES = "defaults: {recovery: {min_copies: 8}}"
NO_MINIMUM = "defaults: {schedule: {retention_days: {min: 1}}, recovery: {min_copies: 1}}"
WEEKLY = "defaults: {schedule: {frequency: weekly}, recovery: {min_copies: 1, max_age: 9d}}"
MONTHLY = "defaults: {schedule: {frequency: monthly}, recovery: {min_copies: 1}}"
TOO_BRIEF = "schedule-retention-outlives-interval"


def create_second_schedule(project: SimulatedProject) -> object:
    """Create a second enabled schedule."""
    return project.create_schedule("orders", "nightly-2", retention_days=14, is_second_allowed=True)


def remove_next_run(project: SimulatedProject) -> None:
    """Remove the next run of the schedule."""
    project.force_next_run(find_schedule(project), None)


def set_past_next_run(project: SimulatedProject) -> None:
    """Set a next run in the past."""
    project.force_next_run(find_schedule(project), project.now - 2 * HOUR)


def create_monthly_index(retention_days: int) -> ScenarioStep:
    """Create an index with a monthly schedule."""
    return create_scheduled_index(days=93, since_run=3 * DAY, frequency="monthly", retention_days=retention_days)


CASES = (
    Case(label="no schedule at all", steps=MANUAL_BACKUPS_ONLY, violations=on("index-has-schedule")),
    Case(label="no schedule is required", steps=MANUAL_BACKUPS_ONLY, policy="defaults: {schedule: {required: false}}"),
    Case(
        label="no schedule and no backup",
        steps=(create_index(DAY),),
        violations=on("index-has-schedule", "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
    Case(
        label="paused an hour ago",
        steps=(create_scheduled_index(), pause_schedules(HOUR)),
        violations=on("schedule-is-enabled"),
    ),
    Case(
        label="two schedules are enabled",
        steps=(create_scheduled_index(), change_project(HOUR, create_second_schedule)),
        violations=on("schedule-is-unique"),
    ),
    Case(
        label="two schedules are enabled, one of them weekly",
        steps=(
            create_scheduled_index(),
            change_project(
                HOUR, lambda project: project.create_schedule("orders", "slow", "weekly", 60, is_second_allowed=True)
            ),
        ),
        violations=on("schedule-is-unique", "schedule-frequency-meets-policy"),
    ),
    Case(
        label="weekly where daily is required",
        steps=(create_weekly_index(),),
        policy="defaults: {recovery: {max_age: 9d}}",
        violations=on("schedule-frequency-meets-policy"),
    ),
    Case(
        label="weekly where daily is required, some days after the last run",
        steps=(create_weekly_index(since_run=3 * DAY),),
        violations=on("schedule-frequency-meets-policy", "recovery-point-is-recent"),
    ),
    Case(label="daily where weekly is required", steps=(create_scheduled_index(),), policy=WEEKLY),
    Case(
        label="retention of 6 days",
        steps=(create_scheduled_index(retention_days=6),),
        violations=on("schedule-retention-meets-minimum"),
    ),
    Case(label="retention of 7 days", steps=(create_scheduled_index(retention_days=7),)),
    Case(label="retention of 400 days", steps=(create_scheduled_index(retention_days=400),)),
    Case(
        label="retention of 401 days",
        steps=(create_scheduled_index(retention_days=401),),
        options={"max_retention": 500 * DAY},
        violations=on("schedule-retention-within-maximum"),
    ),
    Case(
        label="daily, retention of 1 day",
        steps=(create_scheduled_index(retention_days=1),),
        policy=NO_MINIMUM,
        violations=on(TOO_BRIEF),
    ),
    Case(label="daily, retention of 2 days", steps=(create_scheduled_index(retention_days=2),), policy=NO_MINIMUM),
    Case(
        label="daily, retention of 1 day, while the next run is in progress",
        steps=(create_scheduled_index(retention_days=1, since_run=5 * MINUTE),),
        policy=NO_MINIMUM,
        violations=on(TOO_BRIEF, "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
    Case(
        label="weekly, retention of 7 days",
        steps=(create_weekly_index(retention_days=7),),
        policy=WEEKLY,
        violations=on(TOO_BRIEF),
    ),
    Case(label="weekly, retention of 8 days", steps=(create_weekly_index(retention_days=8),), policy=WEEKLY),
    Case(
        label="monthly, retention of 31 days",
        steps=(create_monthly_index(31),),
        policy=MONTHLY,
        violations=on(TOO_BRIEF),
    ),
    Case(label="monthly, retention of 32 days", steps=(create_monthly_index(32),), policy=MONTHLY),
    Case(
        label="7 copies are guaranteed, and 8 required",
        steps=(create_scheduled_index(retention_days=7), back_up(DAY)),
        policy=EIGHT_COPIES,
        violations=on("schedule-guarantees-minimum-copies"),
    ),
    Case(
        label="8 copies are guaranteed, and 8 required",
        steps=(create_scheduled_index(retention_days=8),),
        policy=EIGHT_COPIES,
    ),
    Case(
        label="no run is planned",
        steps=(create_scheduled_index(), change_project(2 * HOUR, remove_next_run)),
        violations=on("schedule-next-run-is-planned"),
    ),
    *make_limit_cases(
        "the next run is in the past",
        create_scheduled_index(),
        change_project(4 * HOUR, set_past_next_run),
        violations_after=on("schedule-next-run-is-planned"),
    ),
    Case(
        label="a name of 29 characters, before the first run",
        steps=(create_scheduled_index(days=0, schedule_name=f"{LONG_NAME}s"),),
        violations=on("schedule-name-is-runnable"),
    ),
    Case(
        label="a name of 29 characters, after many runs",
        steps=(create_scheduled_index(schedule_name=f"{LONG_NAME}s"),),
        severities={"latest-run-succeeded": "critical"},
        violations=on(
            "schedule-name-is-runnable",
            "latest-run-succeeded",
            "index-has-recovery-point",
            "recovery-points-meet-minimum-copies",
        ),
    ),
    Case(label="a name of 28 characters", steps=(create_scheduled_index(schedule_name=LONG_NAME),)),
)
