"""An exported state as JSON lines: a header, one record per line, and a last line with their number and hash."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from itertools import islice
from operator import attrgetter
from typing import Any

from pydantic import TypeAdapter

from backup_auditor.adapters.documents import (
    DocumentKind,
    DocumentProblemError,
    InputSource,
    read_bytes,
    strip_byte_order_mark,
)
from backup_auditor.adapters.drill_records import encode_drill
from backup_auditor.adapters.records import (
    ATTEMPTS,
    AUDITS,
    BACKUPS,
    DRIFT,
    FINDINGS,
    INDEXES,
    SCHEDULES,
    encode_history,
    to_ticks,
)
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.exported_state import ExportedState
from backup_auditor.domain.project_state import (
    Drift,
    KnownBackup,
    KnownFinding,
    KnownIndex,
    KnownSchedule,
    PastAudit,
    ProjectState,
)
from backup_auditor.domain.remediation.plan import ActionRecord, RemediationPlan
from backup_auditor.errors import StateError

_FORMAT = "backup-auditor-state"
_FORMAT_VERSION = 1
_MAX_BYTES = 1 << 30
_DOCUMENT_KIND = DocumentKind("exported state", "`backup-auditor state export --output FILE` writes one")
_HEADER_START = re.compile(rb'\{"format":"backup-auditor-state","version":(\d{1,9}),')
_RECORD = re.compile(rb'\{"kind":"([a-z_]+)","record":(.*)\}')
_LAST_LINE = re.compile(rb'\n\{"records":(\d{1,12}),"sha256":"([0-9a-f]{64})"\}\n\Z')
_LAST_LINE_LENGTH = 120
_INVALID = (KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class _Header:
    """The first line: whose state it is, and the values that it has once."""

    format: str
    version: int
    exported_by: str
    """The version of the program."""
    project: str
    pinecone_project_id: str | None
    revision: int
    audit_id: str | None
    observed_at: datetime | None
    complete_at: datetime | None
    policy_sha256: str | None


class _RecordKind[Record]:
    """How the records of one kind are written and read."""

    def __init__(
        self,
        record_type: type[Record],
        store: Callable[[Record], object],
        get_key: Callable[[Record], Any] | None = None,
    ) -> None:
        """Take the type, what encodes a record for a store (it refuses times without a zone), and what returns its key.

        Records without a key have only an order.
        """
        self._adapter = TypeAdapter(record_type)
        self._store = store
        self.get_key = get_key

    def encode(self, record: Record) -> bytes:
        """Return a record as JSON."""
        return self._adapter.dump_json(record)

    def decode(self, text: bytes) -> Record:
        """Return the record that `encode` wrote. Raises `ValueError`, `TypeError` or `KeyError` for any other text."""
        record = self._adapter.validate_json(text, strict=True)
        self._store(record)
        if self.encode(record) != text:
            raise ValueError("unknown fields, or another spelling of a value")
        return record


_HEADER = _RecordKind(_Header, lambda it: (to_ticks(it.observed_at), to_ticks(it.complete_at)))
_KINDS: Mapping[str, _RecordKind[Any]] = {
    "finding": _RecordKind(KnownFinding, FINDINGS.encode, attrgetter("fingerprint")),
    "backup": _RecordKind(KnownBackup, BACKUPS.encode, attrgetter("backup_id")),
    "schedule": _RecordKind(KnownSchedule, SCHEDULES.encode, attrgetter("schedule_id")),
    "index": _RecordKind(KnownIndex, INDEXES.encode, attrgetter("name")),
    "drift": _RecordKind(Drift, DRIFT.encode),
    "past_audit": _RecordKind(PastAudit, lambda it: encode_history((it,))),
    "audit": _RecordKind(AuditRecord, AUDITS.encode, attrgetter("observed_at", "audit_id")),
    "plan": _RecordKind(RemediationPlan, lambda it: to_ticks(it.created_at), attrgetter("plan_id")),
    "attempt": _RecordKind(ActionRecord, ATTEMPTS.encode, attrgetter("key", "attempt")),
    "drill": _RecordKind(DrillRecord, encode_drill, attrgetter("number")),
}


def encode_state(exported: ExportedState, program_version: str) -> Iterator[str]:
    """Yield the lines of an exported state. The same state gives the same lines, whatever store it comes from."""
    digest = sha256()
    count = -1
    for line in _encode_lines(exported, program_version):
        digest.update(line + b"\n")
        count += 1
        yield line.decode()
    yield f'{{"records":{count},"sha256":"{digest.hexdigest()}"}}'


def _encode_lines(exported: ExportedState, program_version: str) -> Iterator[bytes]:
    state = exported.state
    header = _Header(
        _FORMAT,
        _FORMAT_VERSION,
        program_version,
        exported.project,
        state.pinecone_project_id,
        state.revision,
        state.audit_id,
        state.observed_at,
        state.complete_at,
        state.policy_sha256,
    )
    yield _HEADER.encode(header)
    records_by_kind: Mapping[str, Iterable[Any]] = {
        "finding": state.findings.values(),
        "backup": state.backups.values(),
        "schedule": state.schedules.values(),
        "index": state.indexes.values(),
        "drift": state.drift,
        "past_audit": state.history,
        "audit": exported.audits,
        "plan": exported.plans,
        "attempt": exported.attempts,
        "drill": exported.drills,
    }
    for name, kind in _KINDS.items():
        records = records_by_kind[name]
        for record in records if kind.get_key is None else sorted(records, key=kind.get_key):
            yield b'{"kind":"%b","record":%b}' % (name.encode(), kind.encode(record))


def load_exported_state(source: InputSource) -> ExportedState:
    """Read an exported state from a file, a pipe, or standard input (`-`).

    Raises `StateError` for anything that `encode_state` of this version did not write.
    """
    content = _read_content(source)
    start = _HEADER_START.match(content)
    if start is None:
        raise StateError(f"{source}: this is not an exported state; `backup-auditor state export` writes one")
    if (version := int(start[1])) != _FORMAT_VERSION:
        raise StateError(
            f"{source}: another version of backup-auditor exported this state (format {version},"
            f" expected {_FORMAT_VERSION}); update backup-auditor, or export the state with this version"
        )
    last_line = _LAST_LINE.search(content, max(0, len(content) - _LAST_LINE_LENGTH))
    if last_line is None:
        raise StateError(f"{source}: the exported state is incomplete: its last line is missing; export it again")
    count = content.count(b"\n", 0, last_line.start())
    if count != int(last_line[1]):
        raise StateError(
            f"{source}: the exported state is damaged: it has {count:,} records, and its last line"
            f" states {int(last_line[1]):,}; copy or export it again"
        )
    if sha256(memoryview(content)[: last_line.start() + 1]).hexdigest() != last_line[2].decode():
        raise StateError(
            f"{source}: the exported state is damaged: its hash is not the one of its last line; copy or"
            " export it again"
        )
    lines = (line.removesuffix(b"\n") for line in islice(BytesIO(content), count + 1))
    try:
        header = _HEADER.decode(next(lines))
    except _INVALID:
        raise StateError(f"{source}: the header of the exported state is invalid; export it again") from None
    records: dict[str, dict[object, Any]] = {kind: {} for kind in _KINDS}
    for number, line in enumerate(lines, 2):
        try:
            _add_record(records, header.project, line)
        except _INVALID:
            raise StateError(f"{source}: line {number:,} is not a valid record; export the state again") from None
    return _build_state(header, records)


def _read_content(source: InputSource) -> bytes:
    try:
        return strip_byte_order_mark(read_bytes(source, _DOCUMENT_KIND, _MAX_BYTES))
    except DocumentProblemError as error:
        raise StateError(f"{source}: {error.problem.text}") from None


def _add_record(records: Mapping[str, dict[object, Any]], project: str, line: bytes) -> None:
    """Add the record of a line. Raises one of `_INVALID` if it is invalid, or not the only one of its key."""
    match = _RECORD.fullmatch(line)
    kind = "" if match is None else match[1].decode()
    if match is None or kind not in _KINDS:
        raise ValueError("no kind of record")
    record, get_key = _KINDS[kind].decode(match[2]), _KINDS[kind].get_key
    key = len(records[kind]) if get_key is None else get_key(record)
    if key in records[kind] or _find_project(record) not in (None, project):
        raise ValueError("the key of another record, or another project")
    records[kind][key] = record


def _find_project(record: object) -> str | None:
    """Return the project that a record names, if it names one."""
    match record:
        case KnownFinding():
            return record.resource.project
        case RemediationPlan() | ActionRecord() | DrillRecord():
            return record.project
        case _:
            return None


def _build_state(header: _Header, records: Mapping[str, dict[Any, Any]]) -> ExportedState:
    state = ProjectState(
        revision=header.revision,
        audit_id=header.audit_id,
        observed_at=header.observed_at,
        complete_at=header.complete_at,
        policy_sha256=header.policy_sha256,
        findings=records["finding"],
        backups=records["backup"],
        schedules=records["schedule"],
        indexes=records["index"],
        drift=tuple(records["drift"].values()),
        history=tuple(records["past_audit"].values()),
        pinecone_project_id=header.pinecone_project_id,
    )
    return ExportedState(
        header.project,
        state,
        tuple(records["audit"].values()),
        tuple(records["plan"].values()),
        tuple(records["attempt"].values()),
        tuple(records["drill"].values()),
    )
