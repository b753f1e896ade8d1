"""Scenarios in which backups are kept too long, or disappear too early."""

from collections.abc import Callable

from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    DAY,
    HOUR,
    MANUAL_BACKUPS_ONLY,
    MINUTE,
    SECOND,
    Case,
    back_up,
    change_project,
    create_index,
    create_scheduled_index,
    delete_index,
    find_schedule,
    list_ready_backups,
    make_limit_cases,
    on,
    on_deleted_index,
    pause_schedules,
)

ORPHAN = "backups-have-live-source"
OVERDUE = "backups-expire-on-time"
BEYOND_ERASURE_HORIZON = "backups-within-erasure-horizon"
VANISHED = "backup-did-not-vanish"
ERASURE_POLICY = "defaults: {protection: {max_backup_age_days: 20}}"
OPTIONAL = "defaults: {schedule: {required: false}, recovery: {max_age: 90d}}"


def shorten_shown_retention(project: SimulatedProject) -> None:
    """Show a lower retention without deleting backups."""
    find_schedule(project).retention = 11 * DAY
    project.record_change()


def delete_oldest(project: SimulatedProject) -> None:
    """Delete the oldest recovery point."""
    project.remove_backup(list_ready_backups(project)[0])


def delete_newest(project: SimulatedProject) -> None:
    """Delete the newest recovery point."""
    project.remove_backup(list_ready_backups(project)[-1])


def delete_orphan(project: SimulatedProject) -> None:
    """Delete the oldest backup of the deleted index."""
    (index,) = project.deleted_indexes["orders"]
    project.remove_backup(next(iter(index.backups.values())))


def set_retention(days: int) -> Callable[[SimulatedProject], object]:
    """Return a change of the retention."""
    return lambda project: project.update_schedule(find_schedule(project).id, retention_days=days)


def raise_retention_and_delete_oldest(project: SimulatedProject) -> None:
    """Raise the retention, and delete the oldest recovery point."""
    set_retention(30)(project)
    delete_oldest(project)


def delete_schedule_and_newest(project: SimulatedProject) -> None:
    """Delete the schedule and its newest recovery point."""
    project.delete_schedule(find_schedule(project).id)
    delete_newest(project)


def delete_all_backups(project: SimulatedProject) -> None:
    """Delete every recovery point."""
    for backup in list_ready_backups(project):
        project.remove_backup(backup)


DELETED_INDEX = (create_index(60 * DAY), delete_index(2 * DAY))
OLDEST_EXPIRES_IN = 19 * HOUR
"""The newest run was 5 hours ago, and the oldest of the 14 expires one interval after it."""
CASES = (
    *make_limit_cases(
        "the newest backup of a deleted index is old",
        *DELETED_INDEX,
        back_up(30 * DAY, 31 * DAY),
        violations_after=on_deleted_index(ORPHAN),
    ),
    *make_limit_cases(
        "the newest backup of an earlier index of a live name is old",
        create_index(60 * DAY),
        back_up(30 * DAY),
        delete_index(25 * DAY),
        create_scheduled_index(),
        violations_after=on_deleted_index(ORPHAN),
    ),
    Case(
        label="old backups of a deleted index, without a maximum age",
        steps=(*DELETED_INDEX, back_up(50 * DAY)),
        policy="defaults: {orphaned_backups: {max_age_days: null}}",
    ),
    *make_limit_cases(
        "a backup is listed past its expiry",
        create_scheduled_index(days=14, since_run=0 * HOUR, retention_days=20),
        change_project(SECOND, shorten_shown_retention),
        violations_after=on(OVERDUE),
    ),
    *make_limit_cases(
        "a manual backup is older than the erasure horizon",
        create_scheduled_index(),
        back_up(20 * DAY),
        policy=ERASURE_POLICY,
        violations_after=on(BEYOND_ERASURE_HORIZON),
    ),
    *make_limit_cases(
        "a backup of an earlier index is older than the erasure horizon",
        create_index(60 * DAY),
        back_up(20 * DAY),
        delete_index(19 * DAY),
        create_scheduled_index(days=15),
        policy=ERASURE_POLICY,
        violations_after=on(BEYOND_ERASURE_HORIZON),
    ),
    *make_limit_cases(
        "a scheduled backup was created before the erasure horizon, and captured after",
        create_scheduled_index(days=40, since_run=DAY - SECOND, retention_days=20),
        policy=ERASURE_POLICY,
    ),
    Case(
        label="the newest backup is deleted",
        steps=(create_scheduled_index(),),
        audit_delay=HOUR,
        change=delete_newest,
        violations=on(VANISHED),
    ),
    Case(
        label="a manual backup is deleted years later",
        steps=(create_scheduled_index(), back_up(HOUR)),
        audit_delay=800 * DAY,
        change=lambda project: project.remove_backup(
            next(it for it in list_ready_backups(project) if it.schedule is None)
        ),
        violations=on(VANISHED),
    ),
    *(
        Case(
            label=f"the oldest backup is deleted {lead_time} before it expires",
            steps=(create_scheduled_index(),),
            audit_delay=OLDEST_EXPIRES_IN - lead_time,
            change=delete_oldest,
            violations=violations,
        )
        for lead_time, violations in ((15 * MINUTE + SECOND, on(VANISHED)), (15 * MINUTE, frozenset()))
    ),
    Case(
        label="the oldest backup expires",
        steps=(create_scheduled_index(),),
        audit_delay=OLDEST_EXPIRES_IN + MINUTE,
        change=lambda _: None,
    ),
    Case(
        label="all backups expire, and new runs follow",
        steps=(create_scheduled_index(),),
        audit_delay=30 * DAY,
        change=lambda _: None,
    ),
    Case(
        label="the retention is lowered", steps=(create_scheduled_index(),), audit_delay=HOUR, change=set_retention(7)
    ),
    Case(
        label="the retention is raised, and the oldest backup is deleted",
        steps=(create_scheduled_index(),),
        audit_delay=HOUR,
        change=raise_retention_and_delete_oldest,
        violations=on(VANISHED),
    ),
    Case(
        label="the retention is lowered until only one backup is left",
        steps=(create_scheduled_index(),),
        audit_delay=HOUR,
        change=set_retention(1),
        violations=on(
            "schedule-retention-meets-minimum",
            "schedule-retention-outlives-interval",
            "schedule-guarantees-minimum-copies",
            "recovery-points-meet-minimum-copies",
        ),
    ),
    Case(
        label="a schedule is deleted, and a backup of it",
        steps=(create_scheduled_index(), pause_schedules(HOUR)),
        first_audit_violations=on("schedule-is-enabled"),
        audit_delay=HOUR,
        change=delete_schedule_and_newest,
        violations=on(VANISHED, "index-has-schedule"),
    ),
    Case(
        label="an index is deleted without its backups",
        steps=(create_scheduled_index(),),
        audit_delay=HOUR,
        change=lambda project: project.delete_index("orders"),
    ),
    Case(
        label="the backup of a deleted index is deleted",
        steps=(*DELETED_INDEX, back_up(20 * DAY, 21 * DAY)),
        audit_delay=HOUR,
        change=delete_orphan,
        violations=on_deleted_index(VANISHED),
    ),
    Case(
        label="the last backup of a deleted index is deleted",
        steps=(*DELETED_INDEX, back_up(20 * DAY)),
        audit_delay=HOUR,
        change=delete_orphan,
        violations=on_deleted_index(VANISHED),
    ),
    Case(
        label="every backup of an index without a schedule is deleted",
        steps=MANUAL_BACKUPS_ONLY,
        policy=OPTIONAL,
        audit_delay=HOUR,
        change=delete_all_backups,
        violations=on(VANISHED, "index-has-recovery-point", "recovery-points-meet-minimum-copies"),
    ),
)
