"""Worlds in which something is wrong with a schedule."""

from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    BY_HAND,
    DAY,
    HOUR,
    MINUTE,
    Case,
    Happening,
    by_hand,
    created,
    done,
    edge,
    life,
    on,
    paused,
    schedule_of,
    weekly,
)

LONG_NAME = "nightly-backup-of-all-orders"
"""As long as the name of a schedule may be."""
COPIES = "defaults: {recovery: {min_copies: 8}}"
NO_MINIMUM = "defaults: {schedule: {retention_days: {min: 1}}, recovery: {min_copies: 1}}"
WEEKLY = "defaults: {schedule: {frequency: weekly}, recovery: {min_copies: 1, max_age: 9d}}"
MONTHLY = "defaults: {schedule: {frequency: monthly}, recovery: {min_copies: 1}}"
TOO_BRIEF = "schedule-retention-outlives-interval"


def second(world: SimulatedProject) -> object:
    """Make a second enabled schedule."""
    return world.create_schedule("orders", "nightly-2", retention_days=14, beside_enabled=True)


def unplanned(world: SimulatedProject) -> None:
    """Leave the schedule without a next run."""
    world.force_next_run(schedule_of(world), None)


def overdue(world: SimulatedProject) -> None:
    """Leave the schedule with a next run that is already over."""
    world.force_next_run(schedule_of(world), world.now - 2 * HOUR)


def monthly(retention_days: int) -> Happening:
    """Let an index be backed up monthly."""
    return life(days=93, since_run=3 * DAY, frequency="monthly", retention_days=retention_days)


CASES = (
    Case(label="no schedule at all", happen=BY_HAND, fails=on("index-has-schedule")),
    Case(label="no schedule is required", happen=BY_HAND, policy="defaults: {schedule: {required: false}}"),
    Case(
        label="no schedule and no backup",
        happen=(created(DAY),),
        fails=on("index-has-schedule", "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
    Case(label="paused an hour ago", happen=(life(), paused(HOUR)), fails=on("schedule-is-enabled")),
    Case(label="two are enabled", happen=(life(), done(HOUR, second)), fails=on("schedule-is-unique")),
    Case(
        label="two are enabled, of which one is weekly",
        happen=(
            life(),
            done(HOUR, lambda world: world.create_schedule("orders", "slow", "weekly", 60, beside_enabled=True)),
        ),
        fails=on("schedule-is-unique", "schedule-frequency-meets-policy"),
    ),
    Case(
        label="weekly where daily is required",
        happen=(weekly(),),
        policy="defaults: {recovery: {max_age: 9d}}",
        fails=on("schedule-frequency-meets-policy"),
    ),
    Case(
        label="weekly where daily is required, some days after the last run",
        happen=(weekly(since_run=3 * DAY),),
        fails=on("schedule-frequency-meets-policy", "recovery-point-is-recent"),
    ),
    Case(label="daily where weekly is required", happen=(life(),), policy=WEEKLY),
    Case(label="kept 6 days", happen=(life(retention_days=6),), fails=on("schedule-retention-meets-minimum")),
    Case(label="kept 7 days", happen=(life(retention_days=7),)),
    Case(label="kept 400 days", happen=(life(retention_days=400),)),
    Case(
        label="kept 401 days",
        happen=(life(retention_days=401),),
        conduct={"longest_retention": 500 * DAY},
        fails=on("schedule-retention-within-maximum"),
    ),
    Case(label="daily, kept 1 day", happen=(life(retention_days=1),), policy=NO_MINIMUM, fails=on(TOO_BRIEF)),
    Case(label="daily, kept 2 days", happen=(life(retention_days=2),), policy=NO_MINIMUM),
    Case(
        label="daily, kept 1 day, while the next one is being made",
        happen=(life(retention_days=1, since_run=5 * MINUTE),),
        policy=NO_MINIMUM,
        fails=on(TOO_BRIEF, "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
    Case(label="weekly, kept 7 days", happen=(weekly(retention_days=7),), policy=WEEKLY, fails=on(TOO_BRIEF)),
    Case(label="weekly, kept 8 days", happen=(weekly(retention_days=8),), policy=WEEKLY),
    Case(label="monthly, kept 31 days", happen=(monthly(31),), policy=MONTHLY, fails=on(TOO_BRIEF)),
    Case(label="monthly, kept 32 days", happen=(monthly(32),), policy=MONTHLY),
    Case(
        label="7 copies are sure, and 8 required",
        happen=(life(retention_days=7), by_hand(DAY)),
        policy=COPIES,
        fails=on("schedule-guarantees-minimum-copies"),
    ),
    Case(label="8 copies are sure, and 8 required", happen=(life(retention_days=8),), policy=COPIES),
    Case(
        label="no run is planned",
        happen=(life(), done(2 * HOUR, unplanned)),
        fails=on("schedule-next-run-is-planned"),
    ),
    *edge(
        "the next run is over",
        life(),
        done(4 * HOUR, overdue),
        then=on("schedule-next-run-is-planned"),
    ),
    Case(
        label="a name of 29 characters, before the first run",
        happen=(life(days=0, schedule=f"{LONG_NAME}s"),),
        fails=on("schedule-name-is-runnable"),
    ),
    Case(
        label="a name of 29 characters, after many runs",
        happen=(life(schedule=f"{LONG_NAME}s"),),
        severities={"latest-run-succeeded": "critical"},
        fails=on(
            "schedule-name-is-runnable",
            "latest-run-succeeded",
            "index-has-recovery-point",
            "recovery-points-meet-minimum-copies",
        ),
    ),
    Case(label="a name of 28 characters", happen=(life(schedule=LONG_NAME),)),
)
