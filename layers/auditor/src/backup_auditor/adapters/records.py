"""State as rows and texts of plain values that every store can keep, and back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import Any

from backup_auditor.domain.audit_record import AuditRecord, StoredReport
from backup_auditor.domain.finding import Compliance, Resource, ResourceType, Severity
from backup_auditor.domain.model import Frequency
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
from backup_auditor.domain.remediation.actions import (
    Action,
    ActionKind,
    CreateBackup,
    CreateSchedule,
    ScheduleSettings,
    UpdateSchedule,
)
from backup_auditor.domain.remediation.plan import Plan, SkippedAction
from backup_auditor.domain.timefmt import days, format_moment, parse_moment

TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ticks(moment: datetime | None) -> int | None:
    """Return a moment in microseconds since 1970."""
    return None if moment is None else (moment - _EPOCH) // TICK


def moment(count: int | None) -> datetime | None:
    """Return the moment so many microseconds after 1970."""
    return None if count is None else _EPOCH + timedelta(microseconds=count)


def certain_moment(count: int) -> datetime:
    """Return the moment of a column that is never null."""
    return _EPOCH + timedelta(microseconds=count)


def history_text(history: tuple[PastAudit, ...]) -> str:
    """Write audits as JSON: of each its moment, whether it was complete, and its counts, the worst first."""
    rows = [[ticks(it.observed_at), int(it.is_complete), *(it.open[at] for at in reversed(Severity))] for it in history]
    return json.dumps(rows, separators=(",", ":"))


def history_of(text: str) -> tuple[PastAudit, ...]:
    """Read audits that were written so."""
    return tuple(
        PastAudit(certain_moment(at), bool(is_complete), dict(zip(reversed(Severity), counts, strict=True)))
        for at, is_complete, *counts in json.loads(text)
    )


type Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table[Known]:
    """One kind: its name, its columns after the project's, the key first, and how a row becomes a fact."""

    name: str
    columns: tuple[str, ...]
    row_of: Callable[[Known], Row]
    known_of: Callable[[str, Row], Known]
    """Takes the project's name and a row."""

    def padded(self, row: Row) -> Row:
        """Return a row of an older version with an empty value for each column that was added since."""
        return (*row, *(None,) * (len(self.columns) - len(row)))


def _fact(number: int | None) -> bool | None:
    return None if number is None else bool(number)


def _finding_row(it: KnownFinding) -> Row:
    resource, first_seen, changed_at = it.resource, ticks(it.first_seen), ticks(it.changed_at)
    place = resource.type, resource.name, resource.id
    return it.fingerprint, it.control, *place, it.severity, it.state, first_seen, it.times, changed_at, it.changed_by


def _finding(project: str, row: Row) -> KnownFinding:
    fingerprint, control, kind, name, resource_id, severity, state, first_seen, times, changed_at, changed_by = row
    return KnownFinding(
        fingerprint=fingerprint,
        control=control,
        resource=Resource(ResourceType(kind), project, name, resource_id),
        severity=Severity(severity),
        state=FindingState(state),
        first_seen=certain_moment(first_seen),
        times=times,
        changed_at=certain_moment(changed_at),
        changed_by=changed_by,
    )


def _backup_row(it: KnownBackup) -> Row:
    where = it.backup_id, it.index_id, it.index_name, it.name, it.schedule_id
    times = ticks(it.expires_at), ticks(it.known_since), ticks(it.missed_at)
    return *where, ticks(it.captured_at), it.expires, *times


def _backup(_: str, row: Row) -> KnownBackup:
    backup_id, index_id, index_name, name, schedule_id, captured_at, expires, expires_at, known_since, missed_at = row
    return KnownBackup(
        backup_id=backup_id,
        index_id=intern(index_id),
        index_name=intern(index_name),
        name=name,
        schedule_id=schedule_id and intern(schedule_id),
        captured_at=moment(captured_at),
        expires=_fact(expires),
        expires_at=moment(expires_at),
        known_since=certain_moment(known_since),
        missed_at=moment(missed_at),
    )


def _schedule_row(it: KnownSchedule) -> Row:
    settings = it.frequency, _length_ticks(it.retention), it.enabled
    earlier = [
        (ticks(old.since), ticks(old.until), old.frequency, _length_ticks(old.retention), old.enabled)
        for old in it.earlier
    ]
    text = json.dumps(earlier, separators=(",", ":")) if earlier else None
    return it.schedule_id, it.index_name, it.name, *settings, ticks(it.since), ticks(it.seen_at), text


def _schedule(_: str, row: Row) -> KnownSchedule:
    schedule_id, index_name, name, frequency, retention, enabled, since, seen_at, text = row
    earlier = tuple(
        EarlierSettings(certain_moment(first), certain_moment(last), often, _length(kept), _fact(is_on))
        for first, last, often, kept, is_on in (json.loads(text) if text else ())
    )
    return KnownSchedule(
        schedule_id=schedule_id,
        index_name=index_name,
        name=name,
        frequency=frequency,
        retention=_length(retention),
        enabled=_fact(enabled),
        since=moment(since),
        seen_at=moment(seen_at),
        earlier=earlier,
    )


def _length_ticks(length: timedelta | None) -> int | None:
    return None if length is None else length // TICK


def _length(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(microseconds=count)


def _index_row(it: KnownIndex) -> Row:
    return it.name, it.index_id, ticks(it.first_seen), it.deletion_protection


def _index(_: str, row: Row) -> KnownIndex:
    name, index_id, first_seen, deletion_protection = row
    return KnownIndex(name, index_id, certain_moment(first_seen), _fact(deletion_protection))


def _drift_row(it: Drift) -> Row:
    resource = it.resource
    return it.what, resource.type, resource.project, resource.name, resource.id, it.before, it.after


def _drift(_: str, row: Row) -> Drift:
    what, kind, project, name, resource_id, before, after = row
    return Drift(what, Resource(ResourceType(kind), project, name, resource_id), before, after)


def _audit_row(it: AuditRecord) -> Row:
    # a page is not remembered: a state in a file is that of a laptop, where none is kept
    report = (it.report.location, it.report.sha256) if it.report else (None, None)
    return it.audit_id, ticks(it.observed_at), it.is_complete, it.compliance, *report


def _audit(_: str, row: Row) -> AuditRecord:
    audit_id, observed_at, is_complete, compliance, location, sha256 = row
    report = None if location is None else StoredReport(location, sha256)
    return AuditRecord(audit_id, certain_moment(observed_at), bool(is_complete), Compliance(compliance), report)


FINDINGS = Table(
    "finding",
    (
        *("fingerprint", "control", "resource_type", "resource_name", "resource_id", "severity", "state"),
        *("first_seen", "times", "changed_at", "changed_by"),
    ),
    _finding_row,
    _finding,
)
BACKUPS = Table(
    "backup",
    (
        *("backup_id", "index_id", "index_name", "name", "schedule_id"),
        *("captured_at", "expires", "expires_at", "known_since", "missed_at"),
    ),
    _backup_row,
    _backup,
)
SCHEDULES = Table(
    "schedule",
    ("schedule_id", "index_name", "name", "frequency", "retention", "enabled", "since", "seen_at", "earlier"),
    _schedule_row,
    _schedule,
)
INDEXES = Table("live_index", ("name", "index_id", "first_seen", "deletion_protection"), _index_row, _index)
AUDITS = Table("audit", ("audit_id", "observed_at", "complete", "compliance", "location", "sha256"), _audit_row, _audit)
DRIFT = Table(
    "drift",
    ("what", "resource_type", "resource_project", "resource_name", "resource_id", "before", "after"),
    _drift_row,
    _drift,
)
"""As JSON has it; no key tells one from another."""


def plan_text(plan: Plan) -> str:
    """Write a plan."""
    told = {
        "project": plan.project,
        "policy_sha256": plan.policy_sha256,
        "made_at": format_moment(plan.made_at),
        "create_schedules": plan.create_schedules,
        "fix_schedules": plan.fix_schedules,
        "actions": [_action_told(it) for it in plan.actions],
        "left_out": [[it.index, it.kind, it.reason, it.is_unknown] for it in plan.left_out],
        "slots_before": plan.slots_before,
        "slots_after": plan.slots_after,
        "quota": plan.quota,
        "project_id": plan.project_id,
    }
    return json.dumps(told)


def plan_in(text: str) -> Plan:
    """Read a plan that was written so. Raises `ValueError`, `KeyError` and `TypeError` where it is none."""
    told = json.loads(text)
    return Plan(
        project=told["project"],
        policy_sha256=told["policy_sha256"],
        made_at=parse_moment(told["made_at"]),
        create_schedules=Mode(told["create_schedules"]),
        fix_schedules=Mode(told["fix_schedules"]),
        actions=tuple(_action_in(it) for it in told["actions"]),
        left_out=tuple(SkippedAction(index, ActionKind(kind), *rest) for index, kind, *rest in told["left_out"]),
        slots_before=told["slots_before"],
        slots_after=told["slots_after"],
        quota=told["quota"],
        project_id=told.get("project_id"),
    )


def _action_told(action: Action) -> dict[str, object]:
    found: dict[str, object] = {"kind": action.kind, "index": action.index, "name": action.name}
    match action:
        case CreateSchedule():
            found |= {"frequency": action.frequency, "retention_days": days(action.retention)}
        case UpdateSchedule():
            told = {"changes": _settings_told(action.changes), "before": _settings_told(action.before)}
            found |= {"schedule_id": action.schedule_id, **told}
        case CreateBackup():
            pass
    return {**found, "slots": action.slots, "because": action.because}


def _action_in(told: Mapping[str, Any]) -> Action:
    index, name, slots, because = told["index"], told["name"], told["slots"], told["because"]
    match ActionKind(told["kind"]):
        case ActionKind.CREATE_SCHEDULE:
            retention = timedelta(days=told["retention_days"])
            return CreateSchedule(index, name, Frequency(told["frequency"]), retention, slots, because)
        case ActionKind.CHANGE_SCHEDULE:
            changes, before = _settings_in(told["changes"]), _settings_in(told["before"])
            return UpdateSchedule(index, told["schedule_id"], name, changes, before, slots, because)
        case ActionKind.FIRST_BACKUP:
            return CreateBackup(index, name, because, slots)


def _settings_told(it: ScheduleSettings) -> list[object]:
    return [it.enabled, it.frequency, None if it.retention is None else days(it.retention)]


def _settings_in(told: list[Any]) -> ScheduleSettings:
    enabled, frequency, length = told
    known = None if frequency is None else Frequency(frequency)
    return ScheduleSettings(enabled, known, None if length is None else timedelta(days=length))


def drift_text(drift: tuple[Drift, ...]) -> str:
    """Write drift as JSON."""
    rows = [
        {
            "what": it.what,
            "resource": [it.resource.type, it.resource.project, it.resource.name, it.resource.id],
            "before": it.before,
            "after": it.after,
        }
        for it in drift
    ]
    return json.dumps(rows)


def drift_of(text: str) -> tuple[Drift, ...]:
    """Read drift that was written so."""
    found = []
    for row in json.loads(text):
        kind, project, name, resource_id = row["resource"]
        resource = Resource(ResourceType(kind), project, name, resource_id)
        found.append(Drift(row["what"], resource, row["before"], row["after"]))
    return tuple(found)
