"""Worlds in which recovery points are missing, old, another index's, or about to expire."""

from backup_auditor_simulator.model import RunOutcome
from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    BY_HAND,
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
    paused,
    ready,
    schedule_of,
    weekly,
)

NONE = "index-has-recovery-point"
FEW = "recovery-points-meet-minimum-copies"
OLD = "recovery-point-is-recent"
ENDING = "recovery-points-outlast-horizon"
FOREIGN = "recovery-points-belong-to-index"
SLOW = {"run_takes": 8 * HOUR}
"""Every backup takes longer than the grace, and not so long that it is stuck."""
OPTIONAL = "defaults: {schedule: {required: false}}"
AGELESS = "defaults: {recovery: {max_age: 90d}}"
WEEKLY = "defaults: {schedule: {frequency: weekly}, recovery: {min_copies: 1, max_age: 9d}}"
HUNG = {0: RunOutcome.HANGS}


def cleaned_up(keep: int) -> Happening:
    """Delete all but the newest backups, two hours ago."""

    def action(world: SimulatedProject) -> None:
        for backup in ready(world)[:-keep]:
            world.delete_backup(backup.id)

    return done(2 * HOUR, action)


def made_at_a_whole_second(world: SimulatedProject) -> None:
    """Let the schedule say no fraction of the second of its creation."""
    schedule = schedule_of(world)
    schedule.created_at = schedule.created_at.replace(microsecond=0)
    world.changed()


def made_anew(world: SimulatedProject) -> None:
    """Delete the index, and make another one of its name with a schedule."""
    world.delete_index("orders")
    world.create_index("orders")
    world.create_schedule("orders", "nightly", retention_days=14)


def unscheduled_anew(world: SimulatedProject) -> None:
    """Delete the index, and make another one of its name without a schedule."""
    world.delete_index("orders")
    world.create_index("orders")


CASES = (
    *edge(
        "the first run was due and has made nothing yet",
        life(days=1, since_run=6 * HOUR - SECOND, fates=HUNG),
        then=on(NONE),
        apart=2 * SECOND,
    ),
    *edge(
        "the only run that was due is missing, of a schedule made at a whole second",
        life(days=1, since_run=6 * HOUR, fates={0: RunOutcome.IS_SKIPPED}),
        done(0 * HOUR, made_at_a_whole_second),
        first=on(NONE),
        then=on(NONE, "scheduled-runs-are-continuous"),
    ),
    Case(
        label="no run ever took place",
        happen=(life(days=10, fates=dict.fromkeys(range(10), RunOutcome.IS_SKIPPED)),),
        fails=on(NONE, FEW, "scheduled-runs-are-continuous"),
    ),
    *edge("the newest recovery point is old", life(since_run=6 * HOUR), conduct=SLOW, then=on(OLD)),
    *edge(
        "the newest manual recovery point is old",
        created(60 * DAY),
        by_hand(30 * HOUR, 31 * HOUR),
        first=on("index-has-schedule"),
        then=on("index-has-schedule", OLD),
    ),
    *edge(
        "older than a max_age of the policy's own",
        life(since_run=2 * HOUR),
        conduct=SLOW,
        policy="defaults: {recovery: {max_age: 26h}}",
        then=on(OLD),
    ),
    Case(
        label="recovery points 15 minutes ahead of the auditor's clock",
        happen=(created(DAY), by_hand(10 * MINUTE, 20 * MINUTE)),
        policy=OPTIONAL,
        clock_behind=25 * MINUTE - SECOND,
    ),
    Case(
        label="a recovery point more than 15 minutes ahead of the auditor's clock",
        happen=(created(DAY), by_hand(10 * MINUTE, 20 * MINUTE)),
        policy=OPTIONAL,
        clock_behind=25 * MINUTE + SECOND,
        fails=on(FEW),
    ),
    Case(
        label="the newest run is ahead of the auditor's clock",
        happen=(life(since_run=11 * MINUTE),),
        clock_behind=20 * MINUTE,
    ),
    Case(
        label="a failed run is ahead of the auditor's clock",
        happen=(life(since_run=11 * MINUTE, fates={0: RunOutcome.FAILS}),),
        clock_behind=20 * MINUTE,
        fails=on("latest-run-succeeded"),
    ),
    Case(label="one copy is left", happen=(life(), cleaned_up(1)), fails=on(FEW)),
    Case(label="two copies are left", happen=(life(), cleaned_up(2))),
    *edge(
        "the third run was due and has made nothing yet",
        life(days=3, since_run=6 * HOUR - SECOND, fates=HUNG),
        policy="defaults: {recovery: {min_copies: 3, max_age: 2d}}",
        then=on(FEW),
        apart=2 * SECOND,
    ),
    *edge(
        "the last recovery point expires in a week",
        life(since_run=7 * DAY - SECOND),
        paused(6 * DAY + 12 * HOUR),
        policy=AGELESS,
        first=on("schedule-is-enabled"),
        then=on("schedule-is-enabled", ENDING),
    ),
    *edge(
        "nothing makes new recovery points",
        weekly(since_run=6 * HOUR, retention_days=10),
        conduct=SLOW,
        policy=WEEKLY,
        then=on(ENDING),
    ),
    *edge(
        "the last recovery point expires within a horizon of the policy's own",
        weekly(since_run=7 * HOUR - SECOND, retention_days=10),
        conduct=SLOW,
        policy=f"{WEEKLY[:-2]}, horizon: 65h}}}}",
        then=on(ENDING),
    ),
    Case(
        label="the last recovery point but a manual one expires in an hour",
        happen=(life(since_run=14 * DAY - HOUR), paused(13 * DAY + 12 * HOUR), by_hand(10 * DAY, 10 * DAY)),
        policy=AGELESS,
        fails=on("schedule-is-enabled"),
    ),
    Case(
        label="the last recovery point expires in an hour",
        happen=(life(since_run=14 * DAY - HOUR), paused(13 * DAY + 12 * HOUR)),
        policy=AGELESS,
        fails=on("schedule-is-enabled", ENDING, FEW),
    ),
    *edge(
        "the first backup of an index made anew",
        life(days=10),
        done(DAY + 10 * MINUTE - SECOND, made_anew),
        first=on(FOREIGN),
        apart=2 * SECOND,
    ),
    Case(
        label="made anew without a schedule",
        happen=(life(), done(HOUR, unscheduled_anew)),
        fails=on(FOREIGN, NONE, FEW, "index-has-schedule"),
    ),
    Case(
        label="made anew, and backed up by hand since",
        happen=(*BY_HAND, done(2 * HOUR, unscheduled_anew), by_hand(HOUR, HOUR / 2)),
        fails=on("index-has-schedule"),
    ),
    Case(label="gone, and nothing of it is judged but its backups", happen=(*BY_HAND, deleted(HOUR))),
)
