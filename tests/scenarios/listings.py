"""Worlds whose listings fill their pages, or change while they are walked."""

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.control import change_of
from scenarios.case import DAY, HOUR, MINUTE, SECOND, Case, by_hand, created, done, life, on

ROOM = "project: {backup_quota: 100000}"
OPTIONAL = "defaults: {schedule: {required: false}}"
FEW = on("index-has-recovery-point", "recovery-points-meet-minimum-copies")
OTHERS = (created(DAY, "carts"), by_hand(*(3 * HOUR - it * MINUTE for it in range(100)), name="carts"))
"""Another index, whose 100 backups fill the first page of the project's listing."""


def shifting(change: str, path: str = "/backups", *, times: int | None = None) -> tuple[dict[str, object], ...]:
    """Change the project before each second page, or so many times."""
    return ({"kind": "shift", "path": path, "after": 1, "times": times, "change": change_of(change)},)


def many_paused(world: SimulatedProject) -> None:
    """Make 99 schedules and pause them, and then one that stays enabled."""
    for number in range(99):
        world.update_schedule(world.create_schedule("orders", f"trial-{number}").id, enabled=False)
    world.create_schedule("orders", "nightly", retention_days=14)


FULL = {
    rows: Case(
        label=f"{rows} backups in the project",
        happen=tuple(life(name=f"fleet-{it}", days=10, since_run=(it + 1) * HOUR) for it in range(rows // 10)),
        policy=ROOM,
    )
    for rows in (100, 200)
}
CASES = (
    *FULL.values(),
    *(
        Case(
            label=f"{runs + 1} rows in a history, {'newest' if is_newest_first else 'oldest'} first",
            happen=(life(days=runs, retention_days=300),),
            policy=ROOM,
            conduct={"newest_first": is_newest_first},
        )
        for runs in (99, 199)
        for is_newest_first in (False, True)
    ),
    Case(label="100 schedules of an index", happen=(created(30 * DAY), done(20 * DAY + 5 * HOUR, many_paused))),
    Case(
        label="100 backups of an index without a schedule",
        happen=(created(DAY), by_hand(*(HOUR + it * MINUTE for it in range(100)))),
        policy=OPTIONAL,
    ),
    Case(
        label="a recovery point slips through between two pages",
        happen=(created(DAY), by_hand(4 * HOUR, 5 * HOUR), *OTHERS),
        policy=OPTIONAL,
        faults=shifting("delete-first-backup", times=1),
    ),
    Case(
        label="one recovery point or the other slips through in every walk",
        happen=(created(DAY), by_hand(4 * HOUR, 5 * HOUR), *OTHERS),
        policy=OPTIONAL,
        faults=shifting("delete-first-backup"),
    ),
    Case(
        label="rows repeat in every walk",
        happen=(created(DAY), by_hand(4 * HOUR, 5 * HOUR), *OTHERS),
        policy=OPTIONAL,
        faults=shifting("create-backup carts"),
    ),
    Case(
        label="rows of another index shift in every walk, and this one has none",
        happen=(created(DAY), *OTHERS, by_hand(3 * HOUR, name="carts")),
        policy=OPTIONAL,
        faults=shifting("delete-first-backup"),
        fails=FEW,
    ),
    Case(
        label="a run slips through between two pages of a history",
        happen=(life(days=110, retention_days=300),),
        policy=ROOM,
        conduct={"newest_first": False},
        faults=shifting("delete-first-backup", "/backup-schedules/*/history", times=1),
    ),
    Case(
        label="a run begins while backups are listed",
        happen=(life(since_run=DAY - SECOND),),
        faults=({"kind": "shift", "path": "/backups", "times": 1, "change": change_of("advance 60")},),
    ),
    Case(
        label="a run begins between listing and history",
        happen=(life(since_run=DAY - SECOND),),
        conduct={"planned_in_listing": True},
        faults=({"kind": "shift", "path": "*/history", "times": 1, "change": change_of("advance 60")},),
    ),
    Case(
        label="a run begins and ends between listing and history",
        happen=(life(since_run=DAY - SECOND),),
        faults=({"kind": "shift", "path": "*/history", "times": 1, "change": change_of("advance 1200")},),
    ),
    Case(
        label="an index is deleted while the audit runs",
        happen=(life(name="carts"), life()),
        faults=(
            {
                "kind": "shift",
                "path": "*/orders/backup-schedules",
                "times": 1,
                "change": change_of("delete-index orders"),
            },
        ),
    ),
    Case(
        label="an index that has nothing is deleted while the audit runs",
        happen=(life(name="carts"), created(DAY)),
        faults=(
            {
                "kind": "shift",
                "path": "*/orders/backup-schedules",
                "times": 1,
                "change": change_of("delete-index orders"),
            },
        ),
    ),
)
