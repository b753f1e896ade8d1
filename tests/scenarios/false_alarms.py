"""Worlds that look as if something were wrong with runs, schedules or indexes, and in which nothing is."""

from itertools import product

from backup_auditor_simulator.model import Kind, RunOutcome
from backup_auditor_simulator.options import CustomerKeys, PausedNextRun
from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Case,
    by_hand,
    created,
    deleted,
    done,
    life,
    on,
    paused,
    schedule_of,
    weekly,
)

STATUSES = ("Scheduled", "Initializing", "initializing", "SCHEDULED")
MOMENTS = {
    "at it": 0 * HOUR,
    "10 minutes after": 10 * MINUTE,
    "6 hours after": 6 * HOUR,
    "before the next": DAY - SECOND,
}
DOCUMENTS = {"body": {"type": "string", "full_text_search": {"language": "en"}}}
WEEKLY = "defaults: {schedule: {frequency: weekly}}"
WEEKLY_MOMENTS = {"at it": 0 * HOUR, "at the end of the grace": 6 * HOUR, "before the next": 7 * DAY - SECOND}


def bad_but_paused(world: SimulatedProject) -> None:
    """Make a schedule that is wrong in every way, pause it, and make a good one."""
    bad = world.create_schedule("orders", "an-experiment-nobody-cleaned-up", "monthly", 1)
    world.update_schedule(bad.id, enabled=False)
    world.create_schedule("orders", "nightly", retention_days=14)


def resumed(world: SimulatedProject) -> None:
    """Resume the schedule."""
    world.update_schedule(schedule_of(world).id, enabled=True)


def made_anew(world: SimulatedProject) -> None:
    """Delete the index, and make another one of its name."""
    world.delete_index("orders")
    world.create_index("orders")


PLANNED = tuple(
    Case(
        label=f"a planned run as {status}, {'in the listing' if listed else 'in the history alone'}, {when}",
        happen=(life(since_run=since),),
        later=later,
        conduct={"planned_status": status, "planned_in_listing": listed},
    )
    for status, listed, (when, since, later) in product(
        STATUSES[:2],
        (False, True),
        (
            ("a second before it begins", DAY - SECOND, 0 * HOUR),
            ("when it is to begin", DAY - SECOND, SECOND),
            ("a second after it began", DAY - SECOND, 2 * SECOND),
        ),
    )
) + tuple(
    Case(
        label=f"a weekly planned run as {status}, planned 6 days ago",
        happen=(weekly(since_run=6 * DAY),),
        policy=WEEKLY,
        conduct={"planned_status": status, "planned_in_listing": True},
    )
    for status in STATUSES
)
FIRST_NIGHTS = (
    tuple(
        Case(
            label=f"night {night} of a schedule, {when}",
            happen=(life(days=night, since_run=since),),
        )
        for night, (when, since) in product(range(4), MOMENTS.items())
    )
    + tuple(
        Case(
            label=f"night {night} of a schedule with slow runs, {when}, where 5 copies are required",
            happen=(life(days=night, since_run=since),),
            conduct={"run_takes": 6 * HOUR - SECOND},
            policy="defaults: {recovery: {min_copies: 5}}",
        )
        for night, (when, since) in product(range(7), MOMENTS.items())
    )
    + tuple(
        Case(
            label=f"week {week} of a schedule, {when}",
            happen=(weekly(days=7 * week, since_run=since),),
            policy=WEEKLY,
        )
        for week, (when, since) in product(range(4), WEEKLY_MOMENTS.items())
    )
)
PAUSED = tuple(
    Case(
        label=f"a paused schedule that is wrong in every way, next run {shown}",
        happen=(created(60 * DAY), done(40 * DAY + 6 * HOUR, bad_but_paused)),
        conduct={"paused_next_run": shown},
    )
    for shown in PausedNextRun
) + tuple(
    Case(
        label=f"paused three days ago, next run {shown}",
        happen=(life(), paused(3 * DAY)),
        policy="defaults: {recovery: {max_age: 4d}}",
        conduct={"paused_next_run": shown},
        fails=on("schedule-is-enabled"),
    )
    for shown in PausedNextRun
)
MADE_ANEW = tuple(
    case
    for is_marked in (True, False)
    for case in (
        Case(
            label=f"made anew twice, {'marked' if is_marked else 'unmarked'}",
            happen=(
                created(40 * DAY),
                by_hand(20 * DAY, 12 * DAY, 11 * DAY),
                done(15 * DAY, made_anew),
                deleted(10 * DAY),
                life(days=9),
            ),
            conduct={"marks_deleted_sources": is_marked},
        ),
        Case(
            label=f"made anew with its schedule, {'marked' if is_marked else 'unmarked'}",
            happen=(life(days=30), deleted(8 * DAY), life(days=7)),
            conduct={"marks_deleted_sources": is_marked},
        ),
        Case(
            label=f"made anew as a pod, {'marked' if is_marked else 'unmarked'}",
            happen=(life(), deleted(2 * HOUR), created(HOUR, kind=Kind.POD)),
            conduct={"marks_deleted_sources": is_marked},
            fails=on("index-can-be-backed-up"),
        ),
        Case(
            label=f"made anew, and backed up by hand, {'marked' if is_marked else 'unmarked'}",
            happen=(created(40 * DAY), by_hand(20 * DAY, 3 * HOUR, HOUR), done(9 * DAY, made_anew)),
            policy="defaults: {schedule: {required: false}}",
            conduct={"marks_deleted_sources": is_marked},
        ),
    )
)
CASES = (
    *PLANNED,
    *FIRST_NIGHTS,
    *PAUSED,
    *MADE_ANEW,
    Case(
        label="a run that began 5 hours ago, and was planned a day before that",
        happen=(life(fates={0: RunOutcome.HANGS}),),
    ),
    Case(
        label="a weekly run that began 5 hours ago, and was planned a week before that",
        happen=(weekly(),),
        conduct={"run_takes": 11 * HOUR},
        policy=WEEKLY,
    ),
    Case(
        label="indexes of every kind",
        happen=(
            created(DAY, "pods", kind=Kind.POD),
            life(name="pages", traits={"fields": DOCUMENTS}),
            life(name="places", traits={"kind": Kind.BYOC, "cloud": "gcp", "region": "us-central1"}),
            life(
                name="words", traits={"fields": {"_sparse_values": {"type": "sparse_vector", "metric": "dotproduct"}}}
            ),
            life(name="secrets", traits={"cmek_id": "key-1"}),
        ),
        conduct={"customer_keys": CustomerKeys.BACKED_UP},
        fails=on("index-can-be-backed-up", index="pods"),
    ),
    Case(
        label="an index of documents, which the policy excludes",
        happen=(created(DAY, fields=DOCUMENTS),),
        policy="project: {document_indexes: excluded}",
        fails_old=on("index-has-schedule", "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
    Case(label="paused and resumed within an hour", happen=(life(), paused(26 * HOUR), done(25 * HOUR, resumed))),
    Case(
        label="paused for six days, and resumed three days ago",
        happen=(life(), paused(9 * DAY), done(3 * DAY, resumed)),
        fails=on("scheduled-runs-are-continuous"),
    ),
)
