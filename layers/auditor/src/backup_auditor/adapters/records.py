"""Convert state to rows and JSON of plain values that every store can hold, and back."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from sys import intern
from typing import Any, NamedTuple

from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance, Resource, ResourceType, Severity
from backup_auditor.domain.model import Frequency, ScheduleSettings
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.project_state import (
    Drift,
    DrillResult,
    EarlierSettings,
    FindingState,
    KnownBackup,
    KnownDrill,
    KnownFinding,
    KnownIndex,
    KnownSchedule,
    PastAudit,
)
from backup_auditor.domain.remediation.plan import (
    Action,
    ActionKind,
    ActionRecord,
    ActionState,
    CreateBackup,
    CreateSchedule,
    RemediationPlan,
    SkippedAction,
    UpdateSchedule,
)
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


class _Codec(NamedTuple):
    """How the values of a column are stored. `None` keeps a value as it is."""

    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None


class _Column(NamedTuple):
    name: str
    codec: _Codec = _Codec()
    field: str = ""
    """The path of the attribute, if it is not named as the column."""


class RecordTable[Known]:
    """The table of one kind of record: its name, its columns after the project (the key first), and its codec."""

    def __init__(self, name: str, build: Callable[..., Known], *columns: _Column) -> None:
        """Take what builds a record from its project and the decoded values of its columns."""
        self.name = name
        self.columns = tuple(it.name for it in columns)
        self.fields = tuple(it.field or it.name for it in columns)
        """The path of the attribute of each column."""
        self._build = build
        self._get_values: Callable[[Known], StoredRow] = attrgetter(*self.fields)
        self._encoders = [(at, encode) for at, it in enumerate(columns) if (encode := it.codec.encode)]
        self._decoders = [(at, decode) for at, it in enumerate(columns) if (decode := it.codec.decode)]

    def encode(self, record: Known) -> StoredRow:
        """Return the row of a record."""
        values = list(self._get_values(record))
        for position, encode in self._encoders:
            values[position] = encode(values[position])
        return tuple(values)

    def decode(self, project: str, row: StoredRow) -> Known:
        """Return the record of a row of a project."""
        values = list(row)
        for position, decode in self._decoders:
            values[position] = decode(values[position])
        return self._build(project, *values)

    def pad(self, row: StoredRow) -> StoredRow:
        """Return a row of an older version with `None` for each column that was added since."""
        return (*row, *(None,) * (len(self.columns) - len(row)))


def _encode_length(length: timedelta | None) -> int | None:
    return None if length is None else length // TICK


def _decode_length(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(microseconds=count)


def _decode_flag(number: int | None) -> bool | None:
    return None if number is None else bool(number)


_TIME = _Codec(to_ticks, from_required_ticks)
_OPTIONAL_TIME = _Codec(to_ticks, from_ticks)
_LENGTH = _Codec(_encode_length, _decode_length)
_FLAG = _Codec(decode=_decode_flag)
_SHARED_TEXT = _Codec(decode=intern)
"""A text that many records have: it is in memory once."""
_JSON = _Codec(json.dumps, json.loads)


def _encode_settings_history(history: tuple[EarlierSettings, ...]) -> str | None:
    rows = [
        (to_ticks(it.since), to_ticks(it.until), it.frequency, _encode_length(it.retention), it.enabled)
        for it in history
    ]
    return json.dumps(rows, separators=(",", ":")) if rows else None


def _decode_settings_history(text: str | None) -> tuple[EarlierSettings, ...]:
    return tuple(
        EarlierSettings(
            from_required_ticks(since),
            from_required_ticks(until),
            frequency,
            _decode_length(retention),
            _decode_flag(enabled),
        )
        for since, until, frequency, retention, enabled in (json.loads(text) if text else ())
    )


def _build_report(
    location: str | None, sha256: str, page_location: str | None, page_sha256: str
) -> StoredReport | None:
    if location is None:
        return None
    return StoredReport(location, sha256, None if page_location is None else StoredFile(page_location, page_sha256))


FINDINGS = RecordTable(
    "finding",
    lambda project, fingerprint, control, kind, name, resource_id, *values: KnownFinding(
        fingerprint, control, Resource(kind, project, name, resource_id), *values
    ),
    _Column("fingerprint"),
    _Column("control"),
    _Column("resource_type", _Codec(decode=ResourceType), "resource.type"),
    _Column("resource_name", field="resource.name"),
    _Column("resource_id", field="resource.id"),
    _Column("severity", _Codec(decode=Severity)),
    _Column("state", _Codec(decode=FindingState)),
    _Column("first_seen", _TIME),
    _Column("times", field="times_opened"),
    _Column("changed_at", _TIME),
    _Column("changed_by"),
)
BACKUPS = RecordTable(
    "backup",
    lambda _, *values: KnownBackup(*values),
    _Column("backup_id"),
    _Column("index_id", _SHARED_TEXT),
    _Column("index_name", _SHARED_TEXT),
    _Column("name"),
    _Column("schedule_id", _Codec(decode=lambda text: text and intern(text))),
    _Column("captured_at", _OPTIONAL_TIME),
    _Column("expires", _FLAG),
    _Column("expires_at", _OPTIONAL_TIME),
    _Column("known_since", _TIME),
    _Column("missed_at", _OPTIONAL_TIME),
)
SCHEDULES = RecordTable(
    "schedule",
    lambda _, *values: KnownSchedule(*values),
    _Column("schedule_id"),
    _Column("index_name"),
    _Column("name"),
    _Column("frequency"),
    _Column("retention", _LENGTH),
    _Column("enabled", _FLAG),
    _Column("since", _OPTIONAL_TIME),
    _Column("seen_at", _OPTIONAL_TIME),
    _Column("earlier", _Codec(_encode_settings_history, _decode_settings_history), "earlier_settings"),
)
INDEXES = RecordTable(
    "live_index",
    lambda _, *values: KnownIndex(*values),
    _Column("name"),
    _Column("index_id"),
    _Column("first_seen", _TIME),
    _Column("deletion_protection", _FLAG),
)
DRILLS = RecordTable(
    "drill",
    lambda _, *values: KnownDrill(*values),
    _Column("drill_id"),
    _Column("index_id"),
    _Column("index_name"),
    _Column("backup_id"),
    _Column("target_name"),
    _Column("started_at", _TIME),
    _Column("ends_by", _TIME),
    _Column("result", _Codec(decode=lambda text: text and DrillResult(text))),
    _Column("ended_at", _OPTIONAL_TIME),
    _Column("restore_time", _LENGTH),
    _Column("is_target_deleted", _FLAG),
    _Column("least_restore_time", _LENGTH),
    _Column("is_deletion_failed", _FLAG),
)
"""What audits know about restore drills."""
AUDITS = RecordTable(
    "audit",
    lambda _, audit_id, observed_at, is_complete, compliance, *files: AuditRecord(
        audit_id, observed_at, is_complete, compliance, _build_report(*files)
    ),
    _Column("audit_id"),
    _Column("observed_at", _TIME),
    _Column("complete", _FLAG, "is_complete"),
    _Column("compliance", _Codec(decode=Compliance)),
    _Column("location", _Codec(lambda report: report and report.location), "report"),
    _Column("sha256", _Codec(lambda report: report and report.sha256), "report"),
    # only AWS stores pages; their records come into a file by an import
    _Column("page_location", _Codec(lambda report: report and report.page and report.page.location), "report"),
    _Column("page_sha256", _Codec(lambda report: report and report.page and report.page.sha256), "report"),
)
DRIFT = RecordTable(
    "drift",
    lambda _, change, kind, project, name, resource_id, before, after: Drift(
        change, Resource(kind, project, name, resource_id), before, after
    ),
    _Column("what", field="change"),
    _Column("resource_type", _Codec(decode=ResourceType), "resource.type"),
    _Column("resource_project", field="resource.project"),
    _Column("resource_name", field="resource.name"),
    _Column("resource_id", field="resource.id"),
    _Column("before"),
    _Column("after"),
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


_PLAN_FIELDS = ("project", "policy_sha256", "slots_before", "slots_after", "quota", "project_id")
"""The fields of a plan that are stored as they are. Earlier versions stored no `project_id`."""


def encode_plan(plan: RemediationPlan) -> str:
    """Return a plan as JSON."""
    fields = {
        **{it: getattr(plan, it) for it in _PLAN_FIELDS},
        "made_at": format_moment(plan.created_at),
        "create_schedules": plan.create_schedules,
        "fix_schedules": plan.fix_schedules,
        "actions": [_encode_action(it) for it in plan.actions],
        "left_out": [[it.index, it.kind, it.reason, it.is_unknown] for it in plan.skipped_actions],
    }
    return json.dumps(fields)


def decode_plan(text: str, plan_id: str) -> RemediationPlan:
    """Read a plan that was stored under an id. Raises `ValueError`, `KeyError` and `TypeError` if it is not a plan."""
    fields = {"project_id": None, **json.loads(text)}
    return RemediationPlan(
        **{it: fields[it] for it in _PLAN_FIELDS},
        created_at=parse_moment(fields["made_at"]),
        create_schedules=Mode(fields["create_schedules"]),
        fix_schedules=Mode(fields["fix_schedules"]),
        actions=tuple(_decode_action(it) for it in fields["actions"]),
        skipped_actions=tuple(
            SkippedAction(index, _decode_kind(kind), *skip_fields) for index, kind, *skip_fields in fields["left_out"]
        ),
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


ATTEMPTS = RecordTable(
    "action",
    lambda _, *values: ActionRecord(*values),
    _Column("project"),
    _Column("key", _Codec(decode=decode_action_key)),
    _Column("attempt"),
    _Column("plan_id"),
    _Column("who", field="actor"),
    _Column("began_at", _TIME, "started_at"),
    _Column("call"),
    _Column("before", _JSON),
    _Column("state", _Codec(decode=decode_action_state)),
    _Column("detail"),
    _Column("made_id", field="target_id"),
    _Column("after", _JSON),
    _Column("ended_at", _OPTIONAL_TIME),
)
"""The attempts at actions."""


def encode_drift(drift: tuple[Drift, ...]) -> str:
    """Return drift as JSON."""
    return json.dumps(
        [
            {"what": change, "resource": resource, "before": before, "after": after}
            for change, *resource, before, after in map(DRIFT.encode, drift)
        ]
    )


def decode_drift(text: str) -> tuple[Drift, ...]:
    """Return the drift that JSON holds."""
    return tuple(
        DRIFT.decode("", (row["what"], *row["resource"], row["before"], row["after"])) for row in json.loads(text)
    )
