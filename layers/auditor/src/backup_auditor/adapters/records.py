"""Convert state to rows and JSON of plain values that every store can hold, and back."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import Any

from backup_auditor.domain.audit_record import AuditRecord, StoredReport
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
)
from backup_auditor.domain.remediation.actions import Action, ActionKind, CreateBackup, CreateSchedule, UpdateSchedule
from backup_auditor.domain.remediation.plan import ActionRecord, ActionState, RemediationPlan, SkippedAction
from backup_auditor.domain.timefmt import format_moment, parse_moment, to_days

TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ticks(moment: datetime | None) -> int | None:
    """Return a time in microseconds since 1970."""
    return None if moment is None else (moment - _EPOCH) // TICK


def from_ticks(count: int | None) -> datetime | None:
    """Return the time that is so many microseconds after 1970."""
    return None if count is None else _EPOCH + timedelta(microseconds=count)


def from_required_ticks(count: int) -> datetime:
    """Return the time of a column that is never null."""
    return _EPOCH + timedelta(microseconds=count)


def encode_history(history: tuple[PastAudit, ...]) -> str:
    """Return audits as JSON: for each its time, whether it was complete, and its counts by severity, critical first."""
    rows = [
        [to_ticks(it.observed_at), int(it.is_complete), *(it.open_counts[severity] for severity in reversed(Severity))]
        for it in history
    ]
    return json.dumps(rows, separators=(",", ":"))


def decode_history(text: str) -> tuple[PastAudit, ...]:
    """Return the audits that `encode_history` wrote."""
    return tuple(
        PastAudit(
            from_required_ticks(observed_at), bool(is_complete), dict(zip(reversed(Severity), counts, strict=True))
        )
        for observed_at, is_complete, *counts in json.loads(text)
    )


type StoredRow = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RecordTable[Known]:
    """The table of one kind of record: its name, its columns after the project (the key first), and its codec."""

    name: str
    columns: tuple[str, ...]
    encode: Callable[[Known], StoredRow]
    decode: Callable[[str, StoredRow], Known]
    """Takes the project's name and a row."""

    def pad(self, row: StoredRow) -> StoredRow:
        """Return a row of an older version with `None` for each column that was added since."""
        return (*row, *(None,) * (len(self.columns) - len(row)))


def _decode_flag(number: int | None) -> bool | None:
    return None if number is None else bool(number)


def _encode_finding(finding: KnownFinding) -> StoredRow:
    resource, first_seen, changed_at = finding.resource, to_ticks(finding.first_seen), to_ticks(finding.changed_at)
    resource_fields = resource.type, resource.name, resource.id
    return (
        finding.fingerprint,
        finding.control,
        *resource_fields,
        finding.severity,
        finding.state,
        first_seen,
        finding.times_opened,
        changed_at,
        finding.changed_by,
    )


def _decode_finding(project: str, row: StoredRow) -> KnownFinding:
    fingerprint, control, kind, name, resource_id, severity, state, first_seen, times, changed_at, changed_by = row
    return KnownFinding(
        fingerprint=fingerprint,
        control=control,
        resource=Resource(ResourceType(kind), project, name, resource_id),
        severity=Severity(severity),
        state=FindingState(state),
        first_seen=from_required_ticks(first_seen),
        times_opened=times,
        changed_at=from_required_ticks(changed_at),
        changed_by=changed_by,
    )


def _encode_backup(backup: KnownBackup) -> StoredRow:
    identity = backup.backup_id, backup.index_id, backup.index_name, backup.name, backup.schedule_id
    times = to_ticks(backup.expires_at), to_ticks(backup.known_since), to_ticks(backup.missed_at)
    return *identity, to_ticks(backup.captured_at), backup.expires, *times


def _decode_backup(_: str, row: StoredRow) -> KnownBackup:
    backup_id, index_id, index_name, name, schedule_id, captured_at, expires, expires_at, known_since, missed_at = row
    return KnownBackup(
        backup_id=backup_id,
        index_id=intern(index_id),
        index_name=intern(index_name),
        name=name,
        schedule_id=schedule_id and intern(schedule_id),
        captured_at=from_ticks(captured_at),
        expires=_decode_flag(expires),
        expires_at=from_ticks(expires_at),
        known_since=from_required_ticks(known_since),
        missed_at=from_ticks(missed_at),
    )


def _encode_schedule(schedule: KnownSchedule) -> StoredRow:
    settings = schedule.frequency, _length_to_ticks(schedule.retention), schedule.enabled
    earlier = [
        (
            to_ticks(earlier_settings.since),
            to_ticks(earlier_settings.until),
            earlier_settings.frequency,
            _length_to_ticks(earlier_settings.retention),
            earlier_settings.enabled,
        )
        for earlier_settings in schedule.earlier_settings
    ]
    text = json.dumps(earlier, separators=(",", ":")) if earlier else None
    return (
        schedule.schedule_id,
        schedule.index_name,
        schedule.name,
        *settings,
        to_ticks(schedule.since),
        to_ticks(schedule.seen_at),
        text,
    )


def _decode_schedule(_: str, row: StoredRow) -> KnownSchedule:
    schedule_id, index_name, name, frequency, retention, enabled, since, seen_at, text = row
    earlier = tuple(
        EarlierSettings(
            from_required_ticks(start),
            from_required_ticks(end),
            earlier_frequency,
            _length_from_ticks(earlier_retention),
            _decode_flag(is_enabled),
        )
        for start, end, earlier_frequency, earlier_retention, is_enabled in (json.loads(text) if text else ())
    )
    return KnownSchedule(
        schedule_id=schedule_id,
        index_name=index_name,
        name=name,
        frequency=frequency,
        retention=_length_from_ticks(retention),
        enabled=_decode_flag(enabled),
        since=from_ticks(since),
        seen_at=from_ticks(seen_at),
        earlier_settings=earlier,
    )


def _length_to_ticks(length: timedelta | None) -> int | None:
    return None if length is None else length // TICK


def _length_from_ticks(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(microseconds=count)


def _encode_index(index: KnownIndex) -> StoredRow:
    return index.name, index.index_id, to_ticks(index.first_seen), index.deletion_protection


def _decode_index(_: str, row: StoredRow) -> KnownIndex:
    name, index_id, first_seen, deletion_protection = row
    return KnownIndex(name, index_id, from_required_ticks(first_seen), _decode_flag(deletion_protection))


def _encode_drift_row(drift: Drift) -> StoredRow:
    resource = drift.resource
    return drift.change, resource.type, resource.project, resource.name, resource.id, drift.before, drift.after


def _decode_drift_row(_: str, row: StoredRow) -> Drift:
    change, kind, project, name, resource_id, before, after = row
    return Drift(change, Resource(ResourceType(kind), project, name, resource_id), before, after)


def _encode_audit(audit: AuditRecord) -> StoredRow:
    # no page: only AWS stores pages, and its records are items of DynamoDB
    report = (audit.report.location, audit.report.sha256) if audit.report else (None, None)
    return audit.audit_id, to_ticks(audit.observed_at), audit.is_complete, audit.compliance, *report


def _decode_audit(_: str, row: StoredRow) -> AuditRecord:
    audit_id, observed_at, is_complete, compliance, location, sha256 = row
    report = None if location is None else StoredReport(location, sha256)
    return AuditRecord(audit_id, from_required_ticks(observed_at), bool(is_complete), Compliance(compliance), report)


FINDINGS = RecordTable(
    "finding",
    (
        *("fingerprint", "control", "resource_type", "resource_name", "resource_id", "severity", "state"),
        *("first_seen", "times", "changed_at", "changed_by"),
    ),
    _encode_finding,
    _decode_finding,
)
BACKUPS = RecordTable(
    "backup",
    (
        *("backup_id", "index_id", "index_name", "name", "schedule_id"),
        *("captured_at", "expires", "expires_at", "known_since", "missed_at"),
    ),
    _encode_backup,
    _decode_backup,
)
SCHEDULES = RecordTable(
    "schedule",
    ("schedule_id", "index_name", "name", "frequency", "retention", "enabled", "since", "seen_at", "earlier"),
    _encode_schedule,
    _decode_schedule,
)
INDEXES = RecordTable(
    "live_index", ("name", "index_id", "first_seen", "deletion_protection"), _encode_index, _decode_index
)
AUDITS = RecordTable(
    "audit", ("audit_id", "observed_at", "complete", "compliance", "location", "sha256"), _encode_audit, _decode_audit
)
DRIFT = RecordTable(
    "drift",
    ("what", "resource_type", "resource_project", "resource_name", "resource_id", "before", "after"),
    _encode_drift_row,
    _decode_drift_row,
)
"""Values are as in JSON. The rows have no key."""


_RENAMED_STATES = {
    "intended": ActionState.STARTED,
    "already there": ActionState.ALREADY_SATISFIED,
    "amiss": ActionState.VERIFICATION_FAILED,
    "not begun": ActionState.NOT_STARTED,
}
"""The states that earlier versions stored under another name."""
EARLIER_KINDS: Mapping[str, str] = {
    ActionKind.CREATE_SCHEDULE: "create schedule",
    ActionKind.UPDATE_SCHEDULE: "change schedule",
    ActionKind.FIRST_BACKUP: "first backup",
}
"""How earlier versions stored the kinds of action."""
_RENAMED_KINDS = {name: ActionKind(kind) for kind, name in EARLIER_KINDS.items()}


def decode_action_state(text: str) -> ActionState:
    """Read the state of an action, as this version or an earlier one stored it. Raises `ValueError`."""
    return _RENAMED_STATES.get(text) or ActionState(text)


def list_stored_names(states: Iterable[ActionState]) -> list[str]:
    """Return every name under which some states may be stored, the names of earlier versions included."""
    return sorted({*states, *(name for name, state in _RENAMED_STATES.items() if state in states)})


def decode_action_key(text: str) -> str:
    """Read the key of an action, as this version or an earlier one stored it."""
    kind, slash, target = text.partition("/")
    return f"{_RENAMED_KINDS.get(kind, kind)}{slash}{target}"


def encode_plan(plan: RemediationPlan) -> str:
    """Return a plan as JSON."""
    fields = {
        "project": plan.project,
        "policy_sha256": plan.policy_sha256,
        "made_at": format_moment(plan.created_at),
        "create_schedules": plan.create_schedules,
        "fix_schedules": plan.fix_schedules,
        "actions": [_encode_action(it) for it in plan.actions],
        "left_out": [[it.index, it.kind, it.reason, it.is_unknown] for it in plan.skipped_actions],
        "slots_before": plan.slots_before,
        "slots_after": plan.slots_after,
        "quota": plan.quota,
        "project_id": plan.project_id,
    }
    return json.dumps(fields)


def decode_plan(text: str, plan_id: str) -> RemediationPlan:
    """Read a plan that was stored under an id. Raises `ValueError`, `KeyError` and `TypeError` if it is not a plan."""
    fields = json.loads(text)
    return RemediationPlan(
        project=fields["project"],
        policy_sha256=fields["policy_sha256"],
        created_at=parse_moment(fields["made_at"]),
        create_schedules=Mode(fields["create_schedules"]),
        fix_schedules=Mode(fields["fix_schedules"]),
        actions=tuple(_decode_action(it) for it in fields["actions"]),
        skipped_actions=tuple(
            SkippedAction(index, _decode_kind(kind), *skip_fields) for index, kind, *skip_fields in fields["left_out"]
        ),
        slots_before=fields["slots_before"],
        slots_after=fields["slots_after"],
        quota=fields["quota"],
        project_id=fields.get("project_id"),
        stored_id=plan_id,
    )


def _decode_kind(text: str) -> ActionKind:
    return _RENAMED_KINDS.get(text) or ActionKind(text)


def _encode_action(action: Action) -> dict[str, object]:
    fields: dict[str, object] = {"kind": action.kind, "index": action.index, "name": action.name}
    match action:
        case CreateSchedule():
            fields |= {"frequency": action.frequency, "retention_days": to_days(action.retention)}
        case UpdateSchedule():
            settings = {"changes": _encode_settings(action.changes), "before": _encode_settings(action.before)}
            fields |= {"schedule_id": action.schedule_id, **settings}
        case CreateBackup():
            pass
    return {**fields, "slots": action.slots, "because": action.reason}


def _decode_action(fields: Mapping[str, Any]) -> Action:
    index, name, slots, reason = fields["index"], fields["name"], fields["slots"], fields["because"]
    match _decode_kind(fields["kind"]):
        case ActionKind.CREATE_SCHEDULE:
            retention = timedelta(days=fields["retention_days"])
            return CreateSchedule(index, name, Frequency(fields["frequency"]), retention, slots, reason)
        case ActionKind.UPDATE_SCHEDULE:
            changes, before = _decode_settings(fields["changes"]), _decode_settings(fields["before"])
            return UpdateSchedule(index, fields["schedule_id"], name, changes, before, slots, reason)
        case ActionKind.FIRST_BACKUP:
            return CreateBackup(index, name, reason, slots)


def _encode_settings(settings: ScheduleSettings) -> list[object]:
    return [settings.enabled, settings.frequency, None if settings.retention is None else to_days(settings.retention)]


def _decode_settings(values: list[Any]) -> ScheduleSettings:
    enabled, frequency, retention_days = values
    frequency_member = None if frequency is None else Frequency(frequency)
    return ScheduleSettings(
        enabled, frequency_member, None if retention_days is None else timedelta(days=retention_days)
    )


ATTEMPT_COLUMNS = (
    *("project", "key", "attempt", "plan_id", "who", "began_at", "call", "before"),
    *("state", "detail", "made_id", "after", "ended_at"),
)


def encode_attempt_values(record: ActionRecord) -> dict[str, Any]:
    """Return the values of an attempt by their columns; times stay times."""
    values = (
        *(record.project, record.key, record.attempt, record.plan_id, record.actor, record.started_at),
        *(record.call, json.dumps(record.before), record.state, record.detail, record.target_id),
        *(json.dumps(record.after), record.ended_at),
    )
    return dict(zip(ATTEMPT_COLUMNS, values, strict=True))


def decode_attempt_values(values: Mapping[str, Any]) -> ActionRecord:
    """Return the attempt of such values. Raises `ValueError`, `KeyError` and `TypeError` where they hold none."""
    return ActionRecord(
        project=values["project"],
        key=decode_action_key(values["key"]),
        attempt=values["attempt"],
        plan_id=values["plan_id"],
        actor=values["who"],
        started_at=values["began_at"],
        call=values["call"],
        before=json.loads(values["before"]),
        state=decode_action_state(values["state"]),
        detail=values["detail"],
        target_id=values.get("made_id"),
        after=json.loads(values["after"]),
        ended_at=values["ended_at"],
    )


def encode_drift(drift: tuple[Drift, ...]) -> str:
    """Return drift as JSON."""
    rows = []
    for change, *resource, before, after in map(_encode_drift_row, drift):
        rows.append({"what": change, "resource": resource, "before": before, "after": after})
    return json.dumps(rows)


def decode_drift(text: str) -> tuple[Drift, ...]:
    """Return the drift that JSON holds."""
    return tuple(
        _decode_drift_row("", (row["what"], *row["resource"], row["before"], row["after"])) for row in json.loads(text)
    )
