"""Scenarios with missing or old recovery points, those of another index, and those about to expire."""

from backup_auditor_simulator.model import RunOutcome
from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    DAY,
    HOUR,
    MANUAL_BACKUPS_ONLY,
    MINUTE,
    SECOND,
    Case,
    ScenarioStep,
    back_up,
    change_project,
    create_index,
    create_scheduled_index,
    create_weekly_index,
    delete_index,
    find_schedule,
    list_ready_backups,
    make_limit_cases,
    on,
    pause_schedules,
)

NO_RECOVERY_POINT = "index-has-recovery-point"
TOO_FEW_COPIES = "recovery-points-meet-minimum-copies"
TOO_OLD = "recovery-point-is-recent"
NONE_BEYOND_HORIZON = "recovery-points-outlast-horizon"
OTHER_INDEX_ONLY = "recovery-points-belong-to-index"
SLOW_RUNS = {"backup_duration": 8 * HOUR}
"""Every backup takes longer than the grace period, and less than the limit of a stuck run."""
OPTIONAL = "defaults: {schedule: {required: false}}"
LONG_MAX_AGE = "defaults: {recovery: {max_age: 90d}}"
WEEKLY = "defaults: {schedule: {frequency: weekly}, recovery: {min_copies: 1, max_age: 9d}}"
STUCK_RUN = {0: RunOutcome.STUCK}


def delete_older_backups(kept_count: int) -> ScenarioStep:
    """Delete all except the newest backups, two hours ago."""

    def delete_backups(project: SimulatedProject) -> None:
        for backup in list_ready_backups(project)[:-kept_count]:
            project.delete_backup(backup.id)

    return change_project(2 * HOUR, delete_backups)


def truncate_creation_time(project: SimulatedProject) -> None:
    """Remove the fraction of a second from the creation time of the schedule."""
    schedule = find_schedule(project)
    schedule.created_at = schedule.created_at.replace(microsecond=0)
    project.record_change()


def recreate_index(project: SimulatedProject) -> None:
    """Delete the index, and create another one with its name and a schedule."""
    project.delete_index("orders")
    project.create_index("orders")
    project.create_schedule("orders", "nightly", retention_days=14)


def recreate_index_without_schedule(project: SimulatedProject) -> None:
    """Delete the index, and create another one with its name and without a schedule."""
    project.delete_index("orders")
    project.create_index("orders")


CASES = (
    *make_limit_cases(
        "the first run was due, without a backup yet",
        create_scheduled_index(days=1, since_run=6 * HOUR - SECOND, outcomes=STUCK_RUN),
        violations_after=on(NO_RECOVERY_POINT),
        offset=2 * SECOND,
    ),
    *make_limit_cases(
        "the only due run of a schedule created at a whole second is missing",
        create_scheduled_index(days=1, since_run=6 * HOUR, outcomes={0: RunOutcome.SKIPPED}),
        change_project(0 * HOUR, truncate_creation_time),
        violations_before=on(NO_RECOVERY_POINT),
        violations_after=on(NO_RECOVERY_POINT, "scheduled-runs-are-continuous"),
    ),
    Case(
        label="no run ever started",
        steps=(create_scheduled_index(days=10, outcomes=dict.fromkeys(range(10), RunOutcome.SKIPPED)),),
        violations=on(NO_RECOVERY_POINT, TOO_FEW_COPIES, "scheduled-runs-are-continuous"),
    ),
    *make_limit_cases(
        "the newest recovery point is old",
        create_scheduled_index(since_run=6 * HOUR),
        options=SLOW_RUNS,
        violations_after=on(TOO_OLD),
    ),
    *make_limit_cases(
        "the newest manual recovery point is old",
        create_index(60 * DAY),
        back_up(30 * HOUR, 31 * HOUR),
        violations_before=on("index-has-schedule"),
        violations_after=on("index-has-schedule", TOO_OLD),
    ),
    *make_limit_cases(
        "older than the max_age of the policy",
        create_scheduled_index(since_run=2 * HOUR),
        options=SLOW_RUNS,
        policy="defaults: {recovery: {max_age: 26h}}",
        violations_after=on(TOO_OLD),
    ),
    Case(
        label="recovery points 15 minutes ahead of the auditor's clock",
        steps=(create_index(DAY), back_up(10 * MINUTE, 20 * MINUTE)),
        policy=OPTIONAL,
        clock_lag=25 * MINUTE - SECOND,
    ),
    Case(
        label="a recovery point more than 15 minutes ahead of the auditor's clock",
        steps=(create_index(DAY), back_up(10 * MINUTE, 20 * MINUTE)),
        policy=OPTIONAL,
        clock_lag=25 * MINUTE + SECOND,
        violations=on(TOO_FEW_COPIES),
    ),
    Case(
        label="the newest run is ahead of the auditor's clock",
        steps=(create_scheduled_index(since_run=11 * MINUTE),),
        clock_lag=20 * MINUTE,
    ),
    Case(
        label="a failed run is ahead of the auditor's clock",
        steps=(create_scheduled_index(since_run=11 * MINUTE, outcomes={0: RunOutcome.FAILED}),),
        clock_lag=20 * MINUTE,
        violations=on("latest-run-succeeded"),
    ),
    Case(
        label="one copy is left",
        steps=(create_scheduled_index(), delete_older_backups(1)),
        violations=on(TOO_FEW_COPIES),
    ),
    Case(label="two copies are left", steps=(create_scheduled_index(), delete_older_backups(2))),
    *make_limit_cases(
        "the third run was due, without a backup yet",
        create_scheduled_index(days=3, since_run=6 * HOUR - SECOND, outcomes=STUCK_RUN),
        policy="defaults: {recovery: {min_copies: 3, max_age: 2d}}",
        violations_after=on(TOO_FEW_COPIES),
        offset=2 * SECOND,
    ),
    *make_limit_cases(
        "the last recovery point expires in a week",
        create_scheduled_index(since_run=7 * DAY - SECOND),
        pause_schedules(6 * DAY + 12 * HOUR),
        policy=LONG_MAX_AGE,
        violations_before=on("schedule-is-enabled"),
        violations_after=on("schedule-is-enabled", NONE_BEYOND_HORIZON),
    ),
    *make_limit_cases(
        "no new recovery points",
        create_weekly_index(since_run=6 * HOUR, retention_days=10),
        options=SLOW_RUNS,
        policy=WEEKLY,
        violations_after=on(NONE_BEYOND_HORIZON),
    ),
    *make_limit_cases(
        "the last recovery point expires within the horizon of the policy",
        create_weekly_index(since_run=7 * HOUR - SECOND, retention_days=10),
        options=SLOW_RUNS,
        policy=f"{WEEKLY[:-2]}, horizon: 65h}}}}",
        violations_after=on(NONE_BEYOND_HORIZON),
    ),
    Case(
        label="the last recovery point except a manual one expires in an hour",
        steps=(
            create_scheduled_index(since_run=14 * DAY - HOUR),
            pause_schedules(13 * DAY + 12 * HOUR),
            back_up(10 * DAY, 10 * DAY),
        ),
        policy=LONG_MAX_AGE,
        violations=on("schedule-is-enabled"),
    ),
    Case(
        label="the last recovery point expires in an hour",
        steps=(create_scheduled_index(since_run=14 * DAY - HOUR), pause_schedules(13 * DAY + 12 * HOUR)),
        policy=LONG_MAX_AGE,
        violations=on("schedule-is-enabled", NONE_BEYOND_HORIZON, TOO_FEW_COPIES),
    ),
    *make_limit_cases(
        "the first backup of a recreated index",
        create_scheduled_index(days=10),
        change_project(DAY + 10 * MINUTE - SECOND, recreate_index),
        violations_before=on(OTHER_INDEX_ONLY),
        offset=2 * SECOND,
    ),
    Case(
        label="recreated without a schedule",
        steps=(create_scheduled_index(), change_project(HOUR, recreate_index_without_schedule)),
        violations=on(OTHER_INDEX_ONLY, NO_RECOVERY_POINT, TOO_FEW_COPIES, "index-has-schedule"),
    ),
    Case(
        label="recreated, with manual backups since",
        steps=(
            *MANUAL_BACKUPS_ONLY,
            change_project(2 * HOUR, recreate_index_without_schedule),
            back_up(HOUR, HOUR / 2),
        ),
        violations=on("index-has-schedule"),
    ),
    Case(label="deleted, so that only its backups are evaluated", steps=(*MANUAL_BACKUPS_ONLY, delete_index(HOUR))),
)
