"""Scenarios with indexes that cannot be backed up, are being created, or are being deleted."""

from backup_auditor_simulator.model import IndexKind
from backup_auditor_simulator.options import CustomerKeySupport
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.control import parse_change
from scenarios.case import (
    DAY,
    HOUR,
    MANUAL_BACKUPS_ONLY,
    Case,
    back_up,
    change_project,
    create_index,
    create_scheduled_index,
    delete_index,
    make_limit_cases,
    on,
    on_deleted_index,
    on_project,
)

BACKUP_SUPPORT = "index-can-be-backed-up"
NO_SCHEDULE = "index-has-schedule"
BARE_VIOLATIONS = (NO_SCHEDULE, "index-has-recovery-point", "recovery-points-meet-minimum-copies")
"""The controls that an index without schedule and backup fails."""
OPTIONAL = "defaults: {schedule: {required: false}}"
ENCRYPTED_INDEX = create_index(DAY, cmek_id="key-1")
LISTING_ONLY = {"customer_key_support": CustomerKeySupport.LISTING_ONLY}
SLOW_DELETION = {"index_deletion_duration": 2 * HOUR}
NO_PLAN = ({"kind": "refuse_plan", "path": "*backup-schedules*"},)


def make_deletion_faults(path: str) -> tuple[dict[str, object], ...]:
    """Return a fault that starts to delete the index before a call is answered."""
    return ({"kind": "shift", "path": path, "times": 1, "change": parse_change("delete-index orders")},)


def delete_with_backups(project: SimulatedProject) -> None:
    """Start to delete the index, and remove its backups."""
    project.delete_index("orders")
    for backup in list(project.backups.values()):
        project.remove_backup(backup)


CASES = (
    Case(label="a pod index", steps=(create_index(DAY, kind=IndexKind.POD),), violations=on(BACKUP_SUPPORT)),
    Case(
        label="a pod index that needs no schedule",
        steps=(create_index(DAY, kind=IndexKind.POD),),
        policy=OPTIONAL,
    ),
    Case(
        label="backup calls are answered with 400",
        steps=(create_index(DAY),),
        faults=({"status": 400, "path": "/indexes/orders/*"},),
        violations=on(BACKUP_SUPPORT),
    ),
    Case(
        label="an encrypted index whose backup calls are answered with 400",
        steps=(ENCRYPTED_INDEX,),
        violations=on(BACKUP_SUPPORT),
    ),
    Case(
        label="an encrypted index with empty listings",
        steps=(ENCRYPTED_INDEX,),
        options=LISTING_ONLY,
        violations=on(BACKUP_SUPPORT),
        old_family_violations=on(*BARE_VIOLATIONS),
    ),
    Case(
        label="an encrypted index that needs no schedule",
        steps=(ENCRYPTED_INDEX,),
        options=LISTING_ONLY,
        policy=OPTIONAL,
        old_family_violations=on(*BARE_VIOLATIONS[1:]),
    ),
    Case(
        label="an encrypted index with a backup",
        steps=(ENCRYPTED_INDEX, back_up(3 * HOUR)),
        options={"customer_key_support": CustomerKeySupport.FULL},
        violations=on(NO_SCHEDULE, "recovery-points-meet-minimum-copies"),
    ),
    Case(
        label="an encrypted index in place of one that had backups",
        steps=(create_index(9 * DAY), back_up(8 * DAY), delete_index(7 * DAY), ENCRYPTED_INDEX),
        options=LISTING_ONLY,
        violations=on(BACKUP_SUPPORT),
        old_family_violations=on(*BARE_VIOLATIONS, "recovery-points-belong-to-index"),
    ),
    Case(
        label="an encrypted index and too small a quota",
        steps=(ENCRYPTED_INDEX, create_index(DAY, "pods", kind=IndexKind.POD)),
        policy="project: {backup_quota: 7}",
        violations=on(BACKUP_SUPPORT) | on(BACKUP_SUPPORT, index="pods"),
    ),
    Case(
        label="every schedule call is refused because of the plan, and no schedule is required",
        steps=MANUAL_BACKUPS_ONLY,
        policy=OPTIONAL,
        faults=NO_PLAN,
    ),
    Case(
        label="every schedule call is refused because of the plan",
        steps=(*MANUAL_BACKUPS_ONLY, create_index(DAY, "carts"), back_up(3 * HOUR, 4 * HOUR, name="carts")),
        faults=NO_PLAN,
        violations=on_project("plan-allows-schedules"),
    ),
    Case(
        label="a plan without schedules whose listings answer",
        steps=(*MANUAL_BACKUPS_ONLY, change_project(HOUR, lambda project: setattr(project.options, "plan", "builder"))),
        violations=on(NO_SCHEDULE),
    ),
    *make_limit_cases(
        "an index is being created",
        create_index(HOUR),
        options={"index_creation_duration": HOUR + HOUR},
        violations_before=on(NO_SCHEDULE),
        violations_after=on(*BARE_VIOLATIONS),
        offset=HOUR,
    ),
    Case(
        label="an index that needs no schedule is being created",
        steps=(create_index(HOUR),),
        options={"index_creation_duration": DAY},
        policy=OPTIONAL,
    ),
    *make_limit_cases(
        "an index is being deleted",
        create_index(60 * DAY),
        back_up(40 * DAY),
        delete_index(HOUR),
        options=SLOW_DELETION,
        violations_after=on_deleted_index("backups-have-live-source"),
        offset=HOUR,
    ),
    Case(
        label="an index with a known finding is being deleted",
        steps=MANUAL_BACKUPS_ONLY,
        options=SLOW_DELETION,
        first_audit_violations=on(NO_SCHEDULE),
        change=lambda project: project.delete_index("orders"),
    ),
    Case(
        label="an index is being deleted and loses its backups",
        steps=(create_scheduled_index(),),
        options=SLOW_DELETION,
        change=delete_with_backups,
    ),
    Case(
        label="an exemption matches an index that is being deleted",
        steps=(create_index(DAY), delete_index(HOUR)),
        options=SLOW_DELETION,
        policy="exemptions:\n- {names: [orders], controls: ['*-schedule'], owner: o, reason: r, expires: 2027-01-31}",
    ),
    *(
        Case(
            label=f"the deletion of an index starts before {path} is answered",
            steps=(create_scheduled_index(name="carts"), *steps),
            options=SLOW_DELETION,
            faults=make_deletion_faults(path),
        )
        for path, steps in (
            ("/indexes/orders/backup-schedules", (create_scheduled_index(),)),
            ("/indexes/*/backup-schedules", (create_index(40 * DAY),)),
            ("/indexes/orders/backups", MANUAL_BACKUPS_ONLY),
        )
    ),
)
