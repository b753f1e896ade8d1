"""Scenarios of calendar and clock: months, a leap day, and fractions of a second."""

from datetime import UTC, datetime, timedelta

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
    delete_index,
    find_schedule,
    make_limit_cases,
    on,
    on_deleted_index,
)

MONTHLY = "defaults: {schedule: {frequency: monthly, retention_days: {min: 62}}}"
MISSED_RUN = on("scheduled-runs-are-continuous", "recovery-point-is-recent")


def parse_moment(text: str) -> datetime:
    """Parse a UTC time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def create_monthly_index(since: datetime, now: datetime, *outcomes: RunOutcome) -> ScenarioStep:
    """Create an index with a monthly schedule and 95 days of retention."""

    def create_index_and_schedule(project: SimulatedProject) -> None:
        project.create_index("orders")
        project.create_schedule("orders", "monthly", "monthly", 95)
        project.script_runs(find_schedule(project), outcomes)

    return change_project(now - since, create_index_and_schedule)


RUNS = (
    ("2026-12-31T06:00", ("2027-01-31T06:00", "2027-02-28T06:00", "2027-03-31T06:00", "2027-04-30T06:00")),
    ("2027-12-31T06:00", ("2028-01-31T06:00", "2028-02-29T06:00", "2028-03-31T06:00", "2028-04-30T06:00")),
    ("2028-01-30T06:00", ("2028-02-29T06:00", "2028-03-30T06:00", "2028-04-30T06:00")),
    ("2028-01-29T06:00", ("2028-02-29T06:00", "2028-03-29T06:00")),
    ("2027-01-29T06:00", ("2027-02-28T06:00", "2027-03-29T06:00")),
)
"""Creation times, each with the runs that follow."""
MONTHS = tuple(
    Case(
        label=f"monthly since {creation[:10]}, {position} the run of {run[:10]}",
        steps=(create_monthly_index(parse_moment(creation), parse_moment(run) + offset),),
        now=parse_moment(run) + offset,
        options={"backup_duration": 6 * HOUR - SECOND},
        policy=MONTHLY,
    )
    for creation, runs in RUNS
    for run in runs
    for position, offset in (
        ("a second before", -SECOND),
        ("6 hours after", 6 * HOUR - 2 * SECOND),
        ("a day after", DAY),
    )
)
LEAP_DAY = tuple(
    Case(
        label=f"daily, at {moment}",
        steps=(create_scheduled_index(since_run=since),),
        now=parse_moment(moment),
    )
    for moment, since in (
        ("2028-02-29T00:00:00", 5 * HOUR),
        ("2028-02-29T23:59:59", 0 * HOUR),
        ("2028-03-01T00:00:00", DAY - SECOND),
        ("2028-03-01T05:59:59", DAY - SECOND),
    )
)
FRACTION = timedelta(microseconds=987_654)
CASES = (
    *MONTHS,
    *LEAP_DAY,
    *make_limit_cases(
        "the monthly run of the leap day is missing",
        create_monthly_index(
            parse_moment("2027-10-31T06:00"),
            parse_moment("2028-03-02T12:00"),
            RunOutcome.SUCCEEDED,
            RunOutcome.SUCCEEDED,
            RunOutcome.SUCCEEDED,
            RunOutcome.SKIPPED,
        ),
        now=parse_moment("2028-03-02T12:00"),
        policy=MONTHLY,
        violations_after=MISSED_RUN,
    ),
    *make_limit_cases(
        "the daily run of the leap day is missing",
        create_scheduled_index(since_run=6 * HOUR, outcomes={0: RunOutcome.SKIPPED}),
        now=parse_moment("2028-02-29T12:00"),
        violations_after=MISSED_RUN,
    ),
    *make_limit_cases(
        "30 days over the leap day",
        create_index(60 * DAY),
        back_up(30 * DAY),
        delete_index(DAY),
        now=parse_moment("2028-03-15T00:00"),
        violations_after=on_deleted_index("backups-have-live-source"),
    ),
    Case(
        label="fractions of seconds in every notation",
        steps=tuple(
            create_scheduled_index(
                name=f"fleet-{it}", since_run=it * HOUR + FRACTION, days=7 * it // 2, retention_days=7
            )
            for it in range(24)
        ),
    ),
    *make_limit_cases(
        "one microsecond below the age limit",
        create_index(60 * DAY),
        back_up(30 * HOUR - timedelta(microseconds=1), 31 * HOUR),
        violations_before=on("index-has-schedule"),
        violations_after=on("index-has-schedule", "recovery-point-is-recent"),
    ),
    *make_limit_cases(
        "the planned run has a fraction of a second",
        create_scheduled_index(since_run=DAY - MINUTE),
        options={"scheduled_run_status": "Scheduled", "lists_scheduled_runs": True},
        offset=MINUTE,
    ),
)
