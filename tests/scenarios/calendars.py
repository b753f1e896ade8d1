"""Worlds in which the calendar and the clock are as odd as they are: months, a leap day, fractions of a second."""

from datetime import UTC, datetime, timedelta

from backup_auditor_simulator.model import RunOutcome
from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Case,
    Happening,
    by_hand,
    created,
    deleted,
    done,
    edge,
    life,
    on,
    on_deleted,
    schedule_of,
)

MONTHLY = "defaults: {schedule: {frequency: monthly, retention_days: {min: 62}}}"
MISSED = on("scheduled-runs-are-continuous", "recovery-point-is-recent")


def at(text: str) -> datetime:
    """Read a moment."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def monthly(since: datetime, now: datetime, *fates: RunOutcome) -> Happening:
    """Let an index be created with a monthly schedule, kept 95 days."""

    def action(world: SimulatedProject) -> None:
        world.create_index("orders")
        world.create_schedule("orders", "monthly", "monthly", 95)
        world.script_runs(schedule_of(world), fates)

    return done(now - since, action)


RUNS = (
    ("2026-12-31T06:00", ("2027-01-31T06:00", "2027-02-28T06:00", "2027-03-31T06:00", "2027-04-30T06:00")),
    ("2027-12-31T06:00", ("2028-01-31T06:00", "2028-02-29T06:00", "2028-03-31T06:00", "2028-04-30T06:00")),
    ("2028-01-30T06:00", ("2028-02-29T06:00", "2028-03-30T06:00", "2028-04-30T06:00")),
    ("2028-01-29T06:00", ("2028-02-29T06:00", "2028-03-29T06:00")),
    ("2027-01-29T06:00", ("2027-02-28T06:00", "2027-03-29T06:00")),
)
"""Creations, and the months' runs that follow."""
MONTHS = tuple(
    Case(
        label=f"monthly since {begun[:10]}, {when} the run of {run[:10]}",
        happen=(monthly(at(begun), at(run) + off),),
        now=at(run) + off,
        conduct={"run_takes": 6 * HOUR - SECOND},
        policy=MONTHLY,
    )
    for begun, runs in RUNS
    for run in runs
    for when, off in (("a second before", -SECOND), ("6 hours after", 6 * HOUR - 2 * SECOND), ("a day after", DAY))
)
LEAP_DAY = tuple(
    Case(
        label=f"daily, at {moment}",
        happen=(life(since_run=since),),
        now=at(moment),
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
    *edge(
        "the monthly run of the leap day is missing",
        monthly(
            at("2027-10-31T06:00"),
            at("2028-03-02T12:00"),
            RunOutcome.SUCCEEDS,
            RunOutcome.SUCCEEDS,
            RunOutcome.SUCCEEDS,
            RunOutcome.IS_SKIPPED,
        ),
        now=at("2028-03-02T12:00"),
        policy=MONTHLY,
        then=MISSED,
    ),
    *edge(
        "the daily run of the leap day is missing",
        life(since_run=6 * HOUR, fates={0: RunOutcome.IS_SKIPPED}),
        now=at("2028-02-29T12:00"),
        then=MISSED,
    ),
    *edge(
        "30 days over the leap day",
        created(60 * DAY),
        by_hand(30 * DAY),
        deleted(DAY),
        now=at("2028-03-15T00:00"),
        then=on_deleted("backups-have-live-source"),
    ),
    Case(
        label="fractions of seconds, written in every manner",
        happen=tuple(
            life(name=f"fleet-{it}", since_run=it * HOUR + FRACTION, days=7 * it // 2, retention_days=7)
            for it in range(24)
        ),
    ),
    *edge(
        "a microsecond short of too old",
        created(60 * DAY),
        by_hand(30 * HOUR - timedelta(microseconds=1), 31 * HOUR),
        first=on("index-has-schedule"),
        then=on("index-has-schedule", "recovery-point-is-recent"),
    ),
    *edge(
        "the planned run says a fraction of a second",
        life(since_run=DAY - MINUTE),
        conduct={"planned_status": "Scheduled", "planned_in_listing": True},
        apart=MINUTE,
    ),
)
