"""Worlds in which an index cannot be backed up, is being created, or is being deleted."""

from backup_auditor_simulator.model import Kind
from backup_auditor_simulator.options import CustomerKeys
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.control import change_of
from scenarios.case import (
    BY_HAND,
    DAY,
    HOUR,
    Case,
    by_hand,
    created,
    deleted,
    done,
    edge,
    life,
    on,
    on_deleted,
    on_project,
)

CAN = "index-can-be-backed-up"
NO_SCHEDULE = "index-has-schedule"
BARE = (NO_SCHEDULE, "index-has-recovery-point", "recovery-points-meet-minimum-copies")
"""What an index without a schedule and without a backup fails."""
OPTIONAL = "defaults: {schedule: {required: false}}"
ENCRYPTED = created(DAY, cmek_id="key-1")
LISTED = {"customer_keys": CustomerKeys.LISTED}
SLOW_DELETION = {"index_deletion_takes": 2 * HOUR}
NO_PLAN = ({"kind": "refuse_plan", "path": "*backup-schedules*"},)


def deletion_begins(path: str) -> tuple[dict[str, object], ...]:
    """Begin to delete the index before a call is answered."""
    return ({"kind": "shift", "path": path, "times": 1, "change": change_of("delete-index orders")},)


def deleted_with_backups(world: SimulatedProject) -> None:
    """Begin to delete the index, and remove its backups."""
    world.delete_index("orders")
    for backup in list(world.backups.values()):
        world.remove_backup(backup)


CASES = (
    Case(label="a pod index", happen=(created(DAY, kind=Kind.POD),), fails=on(CAN)),
    Case(label="a pod index of which no schedule is required", happen=(created(DAY, kind=Kind.POD),), policy=OPTIONAL),
    Case(
        label="backup calls are answered with 400",
        happen=(created(DAY),),
        faults=({"status": 400, "path": "/indexes/orders/*"},),
        fails=on(CAN),
    ),
    Case(label="an encrypted index whose backup calls are answered with 400", happen=(ENCRYPTED,), fails=on(CAN)),
    Case(
        label="an encrypted index of which nothing is listed",
        happen=(ENCRYPTED,),
        conduct=LISTED,
        fails=on(CAN),
        fails_old=on(*BARE),
    ),
    Case(
        label="an encrypted index of which no schedule is required",
        happen=(ENCRYPTED,),
        conduct=LISTED,
        policy=OPTIONAL,
        fails_old=on(*BARE[1:]),
    ),
    Case(
        label="an encrypted index with a backup",
        happen=(ENCRYPTED, by_hand(3 * HOUR)),
        conduct={"customer_keys": CustomerKeys.BACKED_UP},
        fails=on(NO_SCHEDULE, "recovery-points-meet-minimum-copies"),
    ),
    Case(
        label="an encrypted index in place of one that had backups",
        happen=(created(9 * DAY), by_hand(8 * DAY), deleted(7 * DAY), ENCRYPTED),
        conduct=LISTED,
        fails=on(CAN),
        fails_old=on(*BARE, "recovery-points-belong-to-index"),
    ),
    Case(
        label="an encrypted index and too small a quota",
        happen=(ENCRYPTED, created(DAY, "pods", kind=Kind.POD)),
        policy="project: {backup_quota: 7}",
        fails=on(CAN) | on(CAN, index="pods"),
    ),
    Case(
        label="every schedule call is refused because of the plan, and no schedule is required",
        happen=BY_HAND,
        policy=OPTIONAL,
        faults=NO_PLAN,
    ),
    Case(
        label="every schedule call is refused because of the plan",
        happen=(*BY_HAND, created(DAY, "carts"), by_hand(3 * HOUR, 4 * HOUR, name="carts")),
        faults=NO_PLAN,
        fails=on_project("plan-allows-schedules"),
    ),
    Case(
        label="a plan without schedules whose listings answer",
        happen=(*BY_HAND, done(HOUR, lambda world: setattr(world.conduct, "plan", "builder"))),
        fails=on(NO_SCHEDULE),
    ),
    *edge(
        "an index is being created",
        created(HOUR),
        conduct={"index_takes": HOUR + HOUR},
        first=on(NO_SCHEDULE),
        then=on(*BARE),
        apart=HOUR,
    ),
    Case(
        label="an index is being created of which no schedule is required",
        happen=(created(HOUR),),
        conduct={"index_takes": DAY},
        policy=OPTIONAL,
    ),
    *edge(
        "an index is being deleted",
        created(60 * DAY),
        by_hand(40 * DAY),
        deleted(HOUR),
        conduct=SLOW_DELETION,
        then=on_deleted("backups-have-live-source"),
        apart=HOUR,
    ),
    Case(
        label="an index whose finding is known is being deleted",
        happen=BY_HAND,
        conduct=SLOW_DELETION,
        known=on(NO_SCHEDULE),
        change=lambda world: world.delete_index("orders"),
    ),
    Case(
        label="an index is being deleted and loses its backups",
        happen=(life(),),
        conduct=SLOW_DELETION,
        change=deleted_with_backups,
    ),
    Case(
        label="an exemption speaks of an index that is being deleted",
        happen=(created(DAY), deleted(HOUR)),
        conduct=SLOW_DELETION,
        policy="exemptions:\n- {names: [orders], controls: ['*-schedule'], owner: o, reason: r, expires: 2027-01-31}",
    ),
    *(
        Case(
            label=f"the deletion of an index begins before {path} is answered",
            happen=(life(name="carts"), *happen),
            conduct=SLOW_DELETION,
            faults=deletion_begins(path),
        )
        for path, happen in (
            ("/indexes/orders/backup-schedules", (life(),)),
            ("/indexes/*/backup-schedules", (created(40 * DAY),)),
            ("/indexes/orders/backups", BY_HAND),
        )
    ),
)
