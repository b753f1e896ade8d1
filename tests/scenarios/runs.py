"""Worlds in which runs are missing, late, stuck, failed, or in a status that nobody knows."""

from datetime import timedelta

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
    done,
    edge,
    life,
    on,
    ready,
    schedule_of,
    weekly,
)

GAP = "scheduled-runs-are-continuous"
FAILED = "latest-run-succeeded"
STUCK = "no-run-is-stuck"
LATE = "planned-run-started-on-time"
STRANGE = "backup-status-is-known"
OLD = "recovery-point-is-recent"
UNPLANNED = "schedule-next-run-is-planned"
SKIPPED, FAILS, HANGS, NEVER = RunOutcome.IS_SKIPPED, RunOutcome.FAILS, RunOutcome.HANGS, RunOutcome.NEVER_STARTS
CRITICAL = {FAILED: "critical"}
PATIENT = "defaults: {recovery: {max_age: 3d}}"
WEEKLY = "defaults: {schedule: {frequency: weekly}}"


def run_beside(world: SimulatedProject) -> None:
    """Let the schedule run once beside its cadence, and promise a next run; the late one was due at a whole second."""
    schedule = schedule_of(world)
    late = schedule.planned
    if late is not None and late.planned_for is not None:
        late.planned_for = late.planned_for.replace(microsecond=0)
        world.changed(late)
    world.run_now(schedule)
    schedule.next_run = world.now + DAY
    world.changed()


def skip_next(world: SimulatedProject) -> None:
    """Let the next run of the schedule be left out."""
    schedule_of(world).fates.appendleft(SKIPPED)


def quarantined(world: SimulatedProject) -> None:
    """Show an older backup in a status that is not known."""
    world.force_status(ready(world)[-4], "Quarantined")


def never_started(since_run: timedelta) -> tuple[Happening, Happening]:
    """Let the newest run stand as planned, and another run take place since."""
    return life(since_run=since_run, fates={0: NEVER}), done(HOUR, run_beside)


CASES = (
    *edge("the last run is missing", life(since_run=6 * HOUR, fates={0: SKIPPED}), by_hand(HOUR), then=on(GAP)),
    *edge("the last run is missing, unhealed", life(since_run=6 * HOUR, fates={0: SKIPPED}), then=on(GAP, OLD)),
    Case(label="two runs are missing", happen=(life(fates={4: SKIPPED, 5: SKIPPED}),), fails=on(GAP)),
    *edge("a gap of 14 intervals ago", life(since_run=0 * HOUR, retention_days=30, fates={13: SKIPPED}), first=on(GAP)),
    *edge(
        "a gap of one retention ago",
        life(since_run=0 * HOUR, retention_days=7, fates={6: SKIPPED}),
        conduct={"history_keeps_expired": True},
        first=on(GAP),
    ),
    Case(label="the first run is missing, and no audit saw the creation", happen=(life(days=3, fates={2: SKIPPED}),)),
    *edge(
        "the last weekly run is missing",
        weekly(since_run=7 * DAY + 6 * HOUR),
        by_hand(HOUR),
        done(DAY, skip_next),
        policy=WEEKLY,
        then=on(GAP),
    ),
    Case(label="a run failed some days ago", happen=(life(fates={3: FAILS}),)),
    *edge(
        "the newest run fails",
        life(since_run=10 * MINUTE - SECOND, fates={0: FAILS}),
        then=on(FAILED),
        apart=2 * SECOND,
    ),
    Case(
        label="the newest run failed like the one before",
        happen=(life(fates={0: FAILS, 1: FAILS}),),
        policy=PATIENT,
        severities=CRITICAL,
        fails=on(FAILED),
    ),
    Case(
        label="the newest run failed like the one before, and nobody allows for it",
        happen=(life(fates={0: FAILS, 1: FAILS}),),
        severities=CRITICAL,
        fails=on(FAILED, OLD),
    ),
    *edge(
        "the newest run failed, and a manual backup is being made",
        life(fates={0: FAILS}),
        by_hand(10 * MINUTE - SECOND),
        first=on(FAILED),
    ),
    Case(
        label="the newest run failed, and a manual backup succeeded in this very second",
        happen=(life(fates={0: FAILS}), by_hand(timedelta())),
        conduct={"run_takes": timedelta()},
    ),
    *edge("a run hangs", life(since_run=12 * HOUR, fates={0: HANGS}), by_hand(HOUR), then=on(STUCK)),
    *edge("a run hangs, unhealed", life(since_run=12 * HOUR, fates={0: HANGS}), first=on(OLD), then=on(STUCK, OLD)),
    *edge(
        "a manual backup hangs",
        life(),
        by_hand(12 * HOUR),
        conduct={"run_takes": 12 * HOUR + MINUTE},
        policy=PATIENT,
        then=on(STUCK),
    ),
    *edge(
        "a planned run, shown as Scheduled, is late",
        *never_started(6 * HOUR),
        conduct={"planned_status": "Scheduled"},
        then=on(LATE),
    ),
    *edge(
        "a planned run, shown as Initializing, is late",
        *never_started(12 * HOUR),
        conduct={"planned_status": "Initializing"},
        then=on(STUCK),
    ),
    *edge(
        "a planned run, shown as each family has it, is late",
        *never_started(12 * HOUR),
        then=on(STUCK),
        fails_old=on(LATE, GAP),
    ),
    *edge(
        "a planned run is late, unhealed",
        life(since_run=6 * HOUR, fates={0: NEVER}),
        conduct={"planned_status": "Scheduled"},
        then=on(LATE, GAP, OLD, UNPLANNED),
    ),
    Case(label="a status that nobody knows", happen=(life(), done(2 * HOUR, quarantined)), fails=on(STRANGE)),
    Case(
        label="a known status in other letters",
        happen=(life(), done(2 * HOUR, lambda world: world.force_status(ready(world)[-1], "READY"))),
    ),
    Case(
        label="the only backup is in a status that nobody knows",
        happen=(
            created(9 * DAY),
            by_hand(2 * HOUR),
            done(HOUR, lambda world: world.force_status(ready(world)[-1], "Archived")),
        ),
        policy="defaults: {schedule: {required: false}, recovery: {min_copies: 1}}",
        fails=on(STRANGE, "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
)
