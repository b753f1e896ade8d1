"""Scenarios in which runs are missing, late, stuck, failed, or in an unknown status."""

from datetime import timedelta

from backup_auditor_simulator.model import RunOutcome
from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Case,
    ScenarioStep,
    back_up,
    change_project,
    create_index,
    create_scheduled_index,
    create_weekly_index,
    find_schedule,
    list_ready_backups,
    make_limit_cases,
    on,
)

GAP = "scheduled-runs-are-continuous"
FAILED = "latest-run-succeeded"
STUCK = "no-run-is-stuck"
LATE = "planned-run-started-on-time"
UNKNOWN_STATUS = "backup-status-is-known"
OLD = "recovery-point-is-recent"
NO_NEXT_RUN = "schedule-next-run-is-planned"
SKIPPED_RUN, FAILED_RUN, STUCK_RUN, UNSTARTED_RUN = (
    RunOutcome.SKIPPED,
    RunOutcome.FAILED,
    RunOutcome.STUCK,
    RunOutcome.NOT_STARTED,
)
CRITICAL = {FAILED: "critical"}
LONG_MAX_AGE = "defaults: {recovery: {max_age: 3d}}"
WEEKLY = "defaults: {schedule: {frequency: weekly}}"


def run_outside_schedule(project: SimulatedProject) -> None:
    """Run the schedule once outside its interval, and set a next run; the late run was due at a whole second."""
    schedule = find_schedule(project)
    late_run = schedule.scheduled_run
    if late_run is not None and late_run.scheduled_for is not None:
        late_run.scheduled_for = late_run.scheduled_for.replace(microsecond=0)
        project.record_change(late_run)
    project.run_now(schedule)
    schedule.next_run = project.now + DAY
    project.record_change()


def skip_next_run(project: SimulatedProject) -> None:
    """Skip the next run of the schedule."""
    find_schedule(project).outcomes.appendleft(SKIPPED_RUN)


def quarantine_backup(project: SimulatedProject) -> None:
    """Set an unknown status of an older backup."""
    project.force_status(list_ready_backups(project)[-4], "Quarantined")


def create_unstarted_run(since_run: timedelta) -> tuple[ScenarioStep, ScenarioStep]:
    """Create an index whose newest run is still planned, with another run since."""
    return create_scheduled_index(since_run=since_run, outcomes={0: UNSTARTED_RUN}), change_project(
        HOUR, run_outside_schedule
    )


CASES = (
    *make_limit_cases(
        "the last run is missing",
        create_scheduled_index(since_run=6 * HOUR, outcomes={0: SKIPPED_RUN}),
        back_up(HOUR),
        violations_after=on(GAP),
    ),
    *make_limit_cases(
        "the last run is missing, without a later backup",
        create_scheduled_index(since_run=6 * HOUR, outcomes={0: SKIPPED_RUN}),
        violations_after=on(GAP, OLD),
    ),
    Case(
        label="two runs are missing",
        steps=(create_scheduled_index(outcomes={4: SKIPPED_RUN, 5: SKIPPED_RUN}),),
        violations=on(GAP),
    ),
    *make_limit_cases(
        "a gap of 14 intervals ago",
        create_scheduled_index(since_run=0 * HOUR, retention_days=30, outcomes={13: SKIPPED_RUN}),
        violations_before=on(GAP),
    ),
    *make_limit_cases(
        "a gap of one retention ago",
        create_scheduled_index(since_run=0 * HOUR, retention_days=7, outcomes={6: SKIPPED_RUN}),
        options={"keeps_expired_in_history": True},
        violations_before=on(GAP),
    ),
    Case(
        label="the first run is missing, and no audit read the creation",
        steps=(create_scheduled_index(days=3, outcomes={2: SKIPPED_RUN}),),
    ),
    *make_limit_cases(
        "the last weekly run is missing",
        create_weekly_index(since_run=7 * DAY + 6 * HOUR),
        back_up(HOUR),
        change_project(DAY, skip_next_run),
        policy=WEEKLY,
        violations_after=on(GAP),
    ),
    Case(label="a run failed some days ago", steps=(create_scheduled_index(outcomes={3: FAILED_RUN}),)),
    *make_limit_cases(
        "the newest run fails",
        create_scheduled_index(since_run=10 * MINUTE - SECOND, outcomes={0: FAILED_RUN}),
        violations_after=on(FAILED),
        offset=2 * SECOND,
    ),
    Case(
        label="the two newest runs failed",
        steps=(create_scheduled_index(outcomes={0: FAILED_RUN, 1: FAILED_RUN}),),
        policy=LONG_MAX_AGE,
        severities=CRITICAL,
        violations=on(FAILED),
    ),
    Case(
        label="the two newest runs failed, with the default policy",
        steps=(create_scheduled_index(outcomes={0: FAILED_RUN, 1: FAILED_RUN}),),
        severities=CRITICAL,
        violations=on(FAILED, OLD),
    ),
    *make_limit_cases(
        "the newest run failed, and a manual backup is in progress",
        create_scheduled_index(outcomes={0: FAILED_RUN}),
        back_up(10 * MINUTE - SECOND),
        violations_before=on(FAILED),
    ),
    Case(
        label="the newest run failed, and a manual backup succeeded in the same second",
        steps=(create_scheduled_index(outcomes={0: FAILED_RUN}), back_up(timedelta())),
        options={"backup_duration": timedelta()},
    ),
    *make_limit_cases(
        "a run is stuck",
        create_scheduled_index(since_run=12 * HOUR, outcomes={0: STUCK_RUN}),
        back_up(HOUR),
        violations_after=on(STUCK),
    ),
    *make_limit_cases(
        "a run is stuck, without a later backup",
        create_scheduled_index(since_run=12 * HOUR, outcomes={0: STUCK_RUN}),
        violations_before=on(OLD),
        violations_after=on(STUCK, OLD),
    ),
    *make_limit_cases(
        "a manual backup is stuck",
        create_scheduled_index(),
        back_up(12 * HOUR),
        options={"backup_duration": 12 * HOUR + MINUTE},
        policy=LONG_MAX_AGE,
        violations_after=on(STUCK),
    ),
    *make_limit_cases(
        "a planned run, shown as Scheduled, is late",
        *create_unstarted_run(6 * HOUR),
        options={"scheduled_run_status": "Scheduled"},
        violations_after=on(LATE),
    ),
    *make_limit_cases(
        "a planned run, shown as Initializing, is late",
        *create_unstarted_run(12 * HOUR),
        options={"scheduled_run_status": "Initializing"},
        violations_after=on(STUCK),
    ),
    *make_limit_cases(
        "a planned run, shown as in each API version, is late",
        *create_unstarted_run(12 * HOUR),
        violations_after=on(STUCK),
        old_family_violations=on(LATE, GAP),
    ),
    *make_limit_cases(
        "a planned run is late, without a later backup",
        create_scheduled_index(since_run=6 * HOUR, outcomes={0: UNSTARTED_RUN}),
        options={"scheduled_run_status": "Scheduled"},
        violations_after=on(LATE, GAP, OLD, NO_NEXT_RUN),
    ),
    Case(
        label="an unknown status",
        steps=(create_scheduled_index(), change_project(2 * HOUR, quarantine_backup)),
        violations=on(UNKNOWN_STATUS),
    ),
    Case(
        label="a known status in upper case",
        steps=(
            create_scheduled_index(),
            change_project(2 * HOUR, lambda project: project.force_status(list_ready_backups(project)[-1], "READY")),
        ),
    ),
    Case(
        label="the only backup has an unknown status",
        steps=(
            create_index(9 * DAY),
            back_up(2 * HOUR),
            change_project(HOUR, lambda project: project.force_status(list_ready_backups(project)[-1], "Archived")),
        ),
        policy="defaults: {schedule: {required: false}, recovery: {min_copies: 1}}",
        violations=on(UNKNOWN_STATUS, "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
)
