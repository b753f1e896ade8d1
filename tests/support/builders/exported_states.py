"""Builders of exported states: with records of every kind, or of a size."""

from dataclasses import replace
from datetime import timedelta

from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.drills.drill import DeletionState, RestoreState, ValidationState, build_known_drill
from backup_auditor.domain.drills.verification import CheckState
from backup_auditor.domain.exported_state import ExportedState
from backup_auditor.domain.finding import Compliance, Resource, ResourceType, Severity
from backup_auditor.domain.model import Frequency, ScheduleSettings
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.project_state import (
    Drift,
    EarlierSettings,
    FindingState,
    KnownBackup,
    KnownFinding,
    KnownIndex,
    KnownSchedule,
    PastAudit,
    ProjectState,
)
from backup_auditor.domain.remediation.plan import (
    ActionKind,
    ActionRecord,
    ActionState,
    CreateBackup,
    CreateSchedule,
    RemediationPlan,
    SkippedAction,
    UpdateSchedule,
)
from support.builders.drills import build_checked, build_drill, build_job
from support.builders.facts import DAY, HOUR, NOW

PROJECT = "default"
_RESOURCE = Resource(ResourceType.INDEX, PROJECT, "orders", "i-1")
_REPORT = StoredReport("s3://reports/default/1.json", "5f" * 32, StoredFile("s3://reports/default/1.html", "6e" * 32))
PLAN = RemediationPlan(
    project=PROJECT,
    policy_sha256="5f" * 32,
    created_at=NOW,
    create_schedules=Mode.APPLY,
    fix_schedules=Mode.PROPOSE,
    actions=(
        CreateSchedule("orders", "auditor", Frequency.DAILY, 7 * DAY, 8, "It has no schedule."),
        UpdateSchedule(
            "carts",
            "s-1",
            "own",
            ScheduleSettings(enabled=True),
            ScheduleSettings(False, Frequency.WEEKLY, DAY),
            3,
            "Paused.",
        ),
        CreateBackup("orders", "auditor-first-20261122", "It has no recovery point."),
    ),
    skipped_actions=(SkippedAction("logs", ActionKind.CREATE_SCHEDULE, "It is not ready."),),
    slots_before=3,
    slots_after=15,
    quota=None,
    project_id="p-1",
)
ATTEMPT = ActionRecord(
    project=PROJECT,
    key=PLAN.actions[2].key,
    attempt=1,
    plan_id=PLAN.plan_id,
    actor="user@first-host",
    started_at=NOW,
    call=str(PLAN.actions[2].call),
    before={"s-9": {"enabled": False, "share": 0.5}},
    state=ActionState.DONE,
    detail="Verified “as read”.",
    target_id="b-1",
    after={"name": "a\nb", "tags": [1, None]},
    ended_at=NOW + timedelta(microseconds=1),
)
AUDIT = AuditRecord("a-2", NOW, is_complete=False, compliance=Compliance.NON_COMPLIANT, report=_REPORT)
EARLIER_AUDIT = replace(AUDIT, audit_id="a-1", observed_at=NOW - DAY, is_complete=True, report=None)

FINISHED_DRILL = build_drill(
    drill_id="d-1",
    restore=RestoreState.COMPLETED,
    validation=ValidationState.PASSED,
    deletion=DeletionState.CONFIRMED,
    requested_at=NOW - DAY,
    restored_at=NOW - DAY + HOUR,
    verified_at=NOW - DAY + HOUR,
    deleted_at=NOW - DAY + 2 * HOUR,
    is_accepted=True,
    job_id="job-1",
    job=build_job(document={"status": "Completed", "percent_complete": 99.5, "ä": [None, True, {"a": 1e-7}]}),
    verification=build_checked(CheckState.PASSED),
    evidence=StoredFile("s3://reports/drills/default/d-1-7.json", "4d" * 32),
    published_at=NOW - DAY + timedelta(microseconds=1),
    revision=7,
)
RUNNING_DRILL = build_drill(drill_id="d-2", number=2, restore=RestoreState.REQUESTED, requested_at=NOW, revision=1)
DRILLS = (FINISHED_DRILL, RUNNING_DRILL)


def build_exported_state(backup_count: int = 1) -> ExportedState:
    """Build an exported state with records of every kind, and this many known backups."""
    finding = KnownFinding(
        "f-1", "index-has-schedule", _RESOURCE, Severity.HIGH, FindingState.OPEN, NOW - DAY, 2, NOW, "a-2"
    )
    earlier_settings = EarlierSettings(NOW - 2 * DAY, NOW - DAY, "weekly", 7 * DAY, None)
    schedule = KnownSchedule("s-1", "orders", None, "daily", 7 * DAY, True, NOW - DAY, None, (earlier_settings,))
    state = ProjectState(
        revision=12,
        audit_id="a-2",
        observed_at=NOW,
        complete_at=NOW - DAY,
        policy_sha256="5f" * 32,
        findings={it.fingerprint: it for it in (finding, replace(finding, fingerprint="f-0"))},
        backups={it.backup_id: it for it in map(_build_backup, range(backup_count))},
        schedules={"s-1": schedule},
        indexes={"orders": KnownIndex("orders", "i-1", NOW - DAY, None)},
        drills={it.drill_id: it for it in map(build_known_drill, DRILLS)},
        drift=(Drift("schedule was paused", _RESOURCE, {"enabled": True}, None),),
        history=(PastAudit(NOW - DAY, is_complete=True, open_counts={it: it.rank for it in reversed(Severity)}),),
        pinecone_project_id="p-1",
        first_backup_ids=frozenset({"b-1"}),
    )
    plan = replace(PLAN, stored_id=PLAN.plan_id)
    return ExportedState(PROJECT, state, (EARLIER_AUDIT, AUDIT), (plan,), (ATTEMPT,), DRILLS)


def _build_backup(number: int) -> KnownBackup:
    """Build a backup with an id as long as Pinecone's: 50 of an index, one a day."""
    index, day = divmod(number, 50)
    captured_at = NOW - day * DAY
    name = f"nightly-{captured_at:%Y%m%dT%H%M%SZ}"
    index_id = f"8c85e612-ed1c-4f97-9f8c-{index:012d}"
    backup_id = f"670e8400-e29b-41d4-a716-{number:012d}"
    return KnownBackup(
        backup_id, index_id, f"index-{index}", name, f"s-{index}", captured_at, True, NOW + 50 * DAY, captured_at
    )
