"""Worlds in which backups are kept too long, or are gone too early."""

from collections.abc import Callable

from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    BY_HAND,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Case,
    by_hand,
    created,
    deleted,
    done,
    edge,
    life,
    on,
    on_deleted,
    paused,
    ready,
    schedule_of,
)

ORPHAN = "backups-have-live-source"
OVERDUE = "backups-expire-on-time"
ERASED = "backups-within-erasure-horizon"
VANISHED = "backup-did-not-vanish"
ERASURE = "defaults: {protection: {erasure_days: 20}}"
OPTIONAL = "defaults: {schedule: {required: false}, recovery: {max_age: 90d}}"


def lingering(world: SimulatedProject) -> None:
    """Say a shorter retention, and delete nothing for it."""
    schedule_of(world).retention = 11 * DAY
    world.changed()


def oldest_deleted(world: SimulatedProject) -> None:
    """Delete the oldest recovery point."""
    world.remove_backup(ready(world)[0])


def newest_deleted(world: SimulatedProject) -> None:
    """Delete the newest recovery point."""
    world.remove_backup(ready(world)[-1])


def orphan_deleted(world: SimulatedProject) -> None:
    """Delete the oldest backup of the index that is no more."""
    (index,) = world.deleted_indexes["orders"]
    world.remove_backup(next(iter(index.backups.values())))


def kept(days: int) -> Callable[[SimulatedProject], object]:
    """Change the retention."""
    return lambda world: world.update_schedule(schedule_of(world).id, retention_days=days)


def raised(world: SimulatedProject) -> None:
    """Raise the retention, and delete the oldest recovery point."""
    kept(30)(world)
    oldest_deleted(world)


def unscheduled(world: SimulatedProject) -> None:
    """Delete the schedule and the newest recovery point that it made."""
    world.delete_schedule(schedule_of(world).id)
    newest_deleted(world)


def emptied(world: SimulatedProject) -> None:
    """Delete every recovery point."""
    for backup in ready(world):
        world.remove_backup(backup)


GONE = (created(60 * DAY), deleted(2 * DAY))
OLDEST_EXPIRES_IN = 19 * HOUR
"""A life's newest run was 5 hours ago, and the oldest of the 14 days before."""
CASES = (
    *edge("the newest backup of a deleted index is old", *GONE, by_hand(30 * DAY, 31 * DAY), then=on_deleted(ORPHAN)),
    *edge(
        "the newest backup of an earlier index of a live name is old",
        created(60 * DAY),
        by_hand(30 * DAY),
        deleted(25 * DAY),
        life(),
        then=on_deleted(ORPHAN),
    ),
    Case(
        label="old backups of a deleted index, which may be kept",
        happen=(*GONE, by_hand(50 * DAY)),
        policy="defaults: {orphans: {keep_days: null}}",
    ),
    *edge(
        "a backup is listed past its expiry",
        life(days=14, since_run=0 * HOUR, retention_days=20),
        done(SECOND, lingering),
        then=on(OVERDUE),
    ),
    *edge("a manual backup is older than what is erased", life(), by_hand(20 * DAY), policy=ERASURE, then=on(ERASED)),
    *edge(
        "a backup of an earlier index is older than what is erased",
        created(60 * DAY),
        by_hand(20 * DAY),
        deleted(19 * DAY),
        life(days=15),
        policy=ERASURE,
        then=on(ERASED),
    ),
    *edge(
        "a scheduled backup was planned before what is erased, and taken after",
        life(days=40, since_run=DAY - SECOND, retention_days=20),
        policy=ERASURE,
    ),
    Case(label="the newest is deleted", happen=(life(),), later=HOUR, change=newest_deleted, fails=on(VANISHED)),
    Case(
        label="a manual one is deleted, years after",
        happen=(life(), by_hand(HOUR)),
        later=800 * DAY,
        change=lambda world: world.remove_backup(next(it for it in ready(world) if it.schedule is None)),
        fails=on(VANISHED),
    ),
    *(
        Case(
            label=f"the oldest is deleted {before} before it expires",
            happen=(life(),),
            later=OLDEST_EXPIRES_IN - before,
            change=oldest_deleted,
            fails=fails,
        )
        for before, fails in ((15 * MINUTE + SECOND, on(VANISHED)), (15 * MINUTE, frozenset()))
    ),
    Case(label="the oldest expires", happen=(life(),), later=OLDEST_EXPIRES_IN + MINUTE, change=lambda _: None),
    Case(label="all expire, and others come", happen=(life(),), later=30 * DAY, change=lambda _: None),
    Case(label="the retention is lowered", happen=(life(),), later=HOUR, change=kept(7)),
    Case(
        label="the retention is raised, and the oldest deleted",
        happen=(life(),),
        later=HOUR,
        change=raised,
        fails=on(VANISHED),
    ),
    Case(
        label="the retention is lowered so far that only one is left",
        happen=(life(),),
        later=HOUR,
        change=kept(1),
        fails=on(
            "schedule-retention-meets-minimum",
            "schedule-retention-outlives-interval",
            "schedule-guarantees-minimum-copies",
            "recovery-points-meet-minimum-copies",
        ),
    ),
    Case(
        label="a schedule is deleted, and a backup that it made",
        happen=(life(), paused(HOUR)),
        known=on("schedule-is-enabled"),
        later=HOUR,
        change=unscheduled,
        fails=on(VANISHED, "index-has-schedule"),
    ),
    Case(
        label="an index is deleted, and its backups stay",
        happen=(life(),),
        later=HOUR,
        change=lambda world: world.delete_index("orders"),
    ),
    Case(
        label="the backup of a deleted index is deleted",
        happen=(*GONE, by_hand(20 * DAY, 21 * DAY)),
        later=HOUR,
        change=orphan_deleted,
        fails=on_deleted(VANISHED),
    ),
    Case(
        label="the last backup of a deleted index is deleted",
        happen=(*GONE, by_hand(20 * DAY)),
        later=HOUR,
        change=orphan_deleted,
        fails=on_deleted(VANISHED),
    ),
    Case(
        label="every backup of an index without a schedule is deleted",
        happen=BY_HAND,
        policy=OPTIONAL,
        later=HOUR,
        change=emptied,
        fails=on(VANISHED, "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
)
