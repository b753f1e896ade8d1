"""Scenarios whose listings fill their pages, or change during a read."""

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.control import parse_change
from scenarios.case import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Case,
    back_up,
    change_project,
    create_index,
    create_scheduled_index,
    on,
)

LARGE_QUOTA = "project: {backup_quota: 100000}"
OPTIONAL = "defaults: {schedule: {required: false}}"
NO_RECOVERY_POINT = on("index-has-recovery-point", "recovery-points-meet-minimum-copies")
OTHER_INDEX = (create_index(DAY, "carts"), back_up(*(3 * HOUR - it * MINUTE for it in range(100)), name="carts"))
"""Another index, whose 100 backups fill the first page of the project's listing."""


def make_shift_faults(
    change: str, path: str = "/backups", *, times: int | None = None
) -> tuple[dict[str, object], ...]:
    """Return a fault that changes the project before each second page, or this many times."""
    return ({"kind": "shift", "path": path, "after": 1, "times": times, "change": parse_change(change)},)


def create_paused_schedules(project: SimulatedProject) -> None:
    """Create and pause 99 schedules, and create one that stays enabled."""
    for number in range(99):
        project.update_schedule(project.create_schedule("orders", f"trial-{number}").id, enabled=False)
    project.create_schedule("orders", "nightly", retention_days=14)


FULL_PAGES = {
    rows: Case(
        label=f"{rows} backups in the project",
        steps=tuple(
            create_scheduled_index(name=f"fleet-{it}", days=10, since_run=(it + 1) * HOUR) for it in range(rows // 10)
        ),
        policy=LARGE_QUOTA,
    )
    for rows in (100, 200)
}
CASES = (
    *FULL_PAGES.values(),
    *(
        Case(
            label=f"{runs + 1} rows in a history, {'newest' if is_newest_first else 'oldest'} first",
            steps=(create_scheduled_index(days=runs, retention_days=300),),
            policy=LARGE_QUOTA,
            options={"is_newest_first": is_newest_first},
        )
        for runs in (99, 199)
        for is_newest_first in (False, True)
    ),
    Case(
        label="100 schedules of an index",
        steps=(create_index(30 * DAY), change_project(20 * DAY + 5 * HOUR, create_paused_schedules)),
    ),
    Case(
        label="100 backups of an index without a schedule",
        steps=(create_index(DAY), back_up(*(HOUR + it * MINUTE for it in range(100)))),
        policy=OPTIONAL,
    ),
    Case(
        label="a read skips a recovery point between two pages",
        steps=(create_index(DAY), back_up(4 * HOUR, 5 * HOUR), *OTHER_INDEX),
        policy=OPTIONAL,
        faults=make_shift_faults("delete-first-backup", times=1),
    ),
    Case(
        label="every read skips one of two recovery points",
        steps=(create_index(DAY), back_up(4 * HOUR, 5 * HOUR), *OTHER_INDEX),
        policy=OPTIONAL,
        faults=make_shift_faults("delete-first-backup"),
    ),
    Case(
        label="rows repeat in every read",
        steps=(create_index(DAY), back_up(4 * HOUR, 5 * HOUR), *OTHER_INDEX),
        policy=OPTIONAL,
        faults=make_shift_faults("create-backup carts"),
    ),
    Case(
        label="rows of another index shift in every read, and this index has none",
        steps=(create_index(DAY), *OTHER_INDEX, back_up(3 * HOUR, name="carts")),
        policy=OPTIONAL,
        faults=make_shift_faults("delete-first-backup"),
        violations=NO_RECOVERY_POINT,
    ),
    Case(
        label="a read skips a run between two pages of a history",
        steps=(create_scheduled_index(days=110, retention_days=300),),
        policy=LARGE_QUOTA,
        options={"is_newest_first": False},
        faults=make_shift_faults("delete-first-backup", "/backup-schedules/*/history", times=1),
    ),
    Case(
        label="a run starts while backups are listed",
        steps=(create_scheduled_index(since_run=DAY - SECOND),),
        faults=({"kind": "shift", "path": "/backups", "times": 1, "change": parse_change("advance 60")},),
    ),
    Case(
        label="a run starts between listing and history",
        steps=(create_scheduled_index(since_run=DAY - SECOND),),
        options={"lists_scheduled_runs": True},
        faults=({"kind": "shift", "path": "*/history", "times": 1, "change": parse_change("advance 60")},),
    ),
    Case(
        label="a run starts and ends between listing and history",
        steps=(create_scheduled_index(since_run=DAY - SECOND),),
        faults=({"kind": "shift", "path": "*/history", "times": 1, "change": parse_change("advance 1200")},),
    ),
    Case(
        label="an index is deleted while the audit runs",
        steps=(create_scheduled_index(name="carts"), create_scheduled_index()),
        faults=(
            {
                "kind": "shift",
                "path": "*/orders/backup-schedules",
                "times": 1,
                "change": parse_change("delete-index orders"),
            },
        ),
    ),
    Case(
        label="an index without schedules and backups is deleted while the audit runs",
        steps=(create_scheduled_index(name="carts"), create_index(DAY)),
        faults=(
            {
                "kind": "shift",
                "path": "*/orders/backup-schedules",
                "times": 1,
                "change": parse_change("delete-index orders"),
            },
        ),
    ),
)
