"""In-memory fakes of the state store, the outbox, the evidence store and the ledger of drills; states at random."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Lock
from typing import Any

from hypothesis import strategies as st

from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.drills.drill import DrillRecord, build_known_drill
from backup_auditor.domain.finding import Resource, ResourceType, Severity
from backup_auditor.domain.lifecycle.state_change import Changes, StateChange, diff_states
from backup_auditor.domain.outbox import OutboxMessage, list_due
from backup_auditor.domain.project_state import (
    EMPTY_STATE,
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
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import ConflictingRecordError, EvidenceError
from backup_auditor.ports.stores import Claim, StateStore
from backup_auditor.rendering.formats.json import render_json

PROJECT = "default"


class FakeStore:
    """A state store in memory that applies state changes as a real store must."""

    def __init__(self, ledger: "FakeDrillLedger | None" = None) -> None:
        """Start without states. The drills of a state are those of the ledger."""
        self.states: dict[str, ProjectState] = {}
        self.ledger = ledger or FakeDrillLedger()
        self.audits_by_project: dict[str, list[AuditRecord]] = {}
        self.outbox = FakeOutbox()

    def load(self, project: str) -> ProjectState:
        """Return the stored state of a project."""
        state = self.states.get(project, EMPTY_STATE)
        known_drills = map(build_known_drill, self.ledger.list_drills(project))
        return replace(state, drills={**state.drills, **{it.drill_id: it for it in known_drills}})

    def record(self, project: str, change: StateChange) -> None:
        """Apply a change to the latest state."""
        previous = self.load(project)
        if previous.revision != change.expected_revision:
            raise ConflictingRecordError("another audit was recorded at the same time")
        self.states[project] = ProjectState(
            revision=change.revision,
            audit_id=change.audit_id,
            observed_at=change.observed_at,
            complete_at=change.complete_at,
            policy_sha256=change.policy_sha256,
            pinecone_project_id=change.pinecone_project_id,
            findings=_apply_changes(previous.findings, change.findings, "fingerprint"),
            backups=_apply_changes(previous.backups, change.backups, "backup_id"),
            schedules=_apply_changes(previous.schedules, change.schedules, "schedule_id"),
            indexes=_apply_changes(previous.indexes, change.indexes, "name"),
            drills=self.states.get(project, EMPTY_STATE).drills,
            drift=change.drift,
            history=change.history,
        )
        self.audits_by_project[project] = [
            it for it in self.audits_by_project.get(project, []) if it not in change.discarded_audits
        ]
        if change.audit is not None:
            self.audits_by_project.setdefault(project, []).append(change.audit)
        self.outbox.pending_by_id |= {it.message_id: PendingMessage(it) for it in change.messages}

    def list_audits(self, project: str, since: datetime) -> list[AuditRecord]:
        """Return the audits since a time, the oldest first."""
        audits = [it for it in self.audits_by_project.get(project, []) if it.observed_at >= since]
        return sorted(audits, key=lambda it: (it.observed_at, it.audit_id))


class FakeDrillLedger:
    """A ledger of restore drills in memory."""

    def __init__(self) -> None:
        """Start without drills."""
        self._records: dict[tuple[str, int], DrillRecord] = {}
        self._lock = Lock()

    def list_drills(self, project: str) -> list[DrillRecord]:
        """Return the drills of a project, by number."""
        return [record for (name, _), record in sorted(self._records.items()) if name == project]

    def load_drill(self, project: str, number: int) -> DrillRecord | None:
        """Return one drill."""
        return self._records.get((project, number))

    def create_drill(self, record: DrillRecord) -> bool:
        """Store a drill whose number is free."""
        return self._store(record, None)

    def replace_drill(self, record: DrillRecord) -> bool:
        """Store the next revision of a drill."""
        return self._store(record, record.revision - 1)

    def _store(self, record: DrillRecord, expected_revision: int | None) -> bool:
        key = (record.project, record.number)
        with self._lock:
            stored_record = self._records.get(key)
            if (None if stored_record is None else stored_record.revision) != expected_revision:
                return False
            self._records[key] = record
            return True


@dataclass
class PendingMessage:
    """A message that is not accepted yet."""

    message: OutboxMessage
    attempts: int = 0
    refusal_count: int = 0
    claimed_until: datetime | None = None
    retry_at: datetime | None = None
    progress: str = ""
    reason: str = ""


class FakeOutbox:
    """An outbox in memory."""

    def __init__(self) -> None:
        """Start without messages."""
        self.pending_by_id: dict[str, PendingMessage] = {}
        self.accepted_messages: list[OutboxMessage] = []

    def list_pending(self, project: str | None, now: datetime) -> list[OutboxMessage]:
        """Return the messages that are due, the oldest first."""
        return list_due(
            (
                pending_message.message,
                (pending_message.retry_at is None or pending_message.retry_at <= now)
                and (pending_message.claimed_until is None or pending_message.claimed_until <= now),
            )
            for pending_message in self.pending_by_id.values()
            if project in (None, pending_message.message.project)
        )

    def claim(self, message: OutboxMessage, now: datetime, until: datetime) -> Claim | None:
        """Claim a message that has no current claim."""
        pending_message = self.pending_by_id.get(message.message_id)
        if pending_message is None or (
            pending_message.claimed_until is not None and pending_message.claimed_until > now
        ):
            return None
        pending_message.attempts += 1
        pending_message.claimed_until = until
        return Claim(
            pending_message.attempts, is_possible_duplicate=pending_message.attempts - 1 > pending_message.refusal_count
        )

    def mark_sent(self, message: OutboxMessage, now: datetime) -> None:  # noqa: ARG002  the port requires it
        """Move a message to the accepted ones."""
        if self.pending_by_id.pop(message.message_id, None) is not None:
            self.accepted_messages.append(message)

    def mark_failed(
        self, message: OutboxMessage, reason: str, retry_at: datetime, *, may_have_arrived: bool = False
    ) -> int:
        """Release the claim on a message, and set the time of its next attempt."""
        pending_message = self.pending_by_id.get(message.message_id)
        if pending_message is None:
            return 0
        if pending_message.claimed_until is not None:
            pending_message.refusal_count += not may_have_arrived
            pending_message.claimed_until, pending_message.retry_at, pending_message.reason = None, retry_at, reason
        return pending_message.attempts

    def readdress(self, message: OutboxMessage, replacement: OutboxMessage) -> bool:
        """Replace a message."""
        known_ids = (*self.pending_by_id, *(it.message_id for it in self.accepted_messages))
        if replacement.message_id in known_ids:
            return False
        self.pending_by_id.pop(message.message_id, None)
        self.pending_by_id[replacement.message_id] = PendingMessage(replacement)
        return True

    def load_progress(self, message: OutboxMessage) -> str:
        """Return the recorded progress of a message."""
        pending_message = self.pending_by_id.get(message.message_id)
        return pending_message.progress if pending_message else ""

    def record_progress(self, message: OutboxMessage, progress: str) -> None:
        """Record the progress of a message."""
        if message.message_id in self.pending_by_id:
            self.pending_by_id[message.message_id].progress = progress


class FakeEvidence:
    """An evidence store in memory: one file per report; a second report of the same audit gets its own file."""

    def __init__(self) -> None:
        """Start without files."""
        self.files: dict[str, bytes] = {}

    def store_report(self, report: Report) -> StoredReport:
        """Store a report, once."""
        content = "".join(render_json(report)).encode() + b"\n"
        stored_report = StoredReport("", hashlib.sha256(content).hexdigest())
        for number in count(1):
            stored_report = replace(stored_report, location=f"memory:{report.audit_id}/{number}")
            if self.files.setdefault(stored_report.location, content) == content:
                break
        return stored_report

    def store_page(self, report: Report, stored_report: StoredReport) -> StoredFile | None:
        """Store no page."""

    def read(self, file: StoredFile) -> bytes:
        """Return the content of a file."""
        try:
            return self.files[file.location]
        except KeyError:
            raise EvidenceError(f"{file.location} is gone") from None


def _apply_changes(previous: Any, changes: Changes[Any], key: str) -> dict[str, Any]:
    remaining = {name: it for name, it in previous.items() if name not in changes.deletes}
    return remaining | {getattr(it, key): it for it in changes.upserts}


def record_and_load(
    store: StateStore, previous: ProjectState, current: ProjectState, project: str = PROJECT
) -> ProjectState:
    """Record the change from one state to another, and load the stored state."""
    record_change(store, previous, current, project)
    return store.load(project)


def record_change(  # noqa: PLR0913  the facts of one recording
    store: StateStore,
    previous: ProjectState,
    current: ProjectState,
    project: str = PROJECT,
    *,
    audit: AuditRecord | None = None,
    messages: tuple[OutboxMessage, ...] = (),
) -> None:
    """Record the change from one state to another, with the audit and its messages."""
    change = diff_states(previous, current)
    assert change is not None
    store.record(project, replace(change, audit=audit, messages=messages))


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)
OPTIONAL_NAMES = st.none() | NAMES
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds the zone
DURATIONS = st.timedeltas(timedelta(), timedelta(days=4000))
OPTIONAL_FLAGS = st.none() | st.booleans()
RESOURCES = st.builds(Resource, st.sampled_from(ResourceType), st.just(PROJECT), NAMES, OPTIONAL_NAMES)
FINDINGS = st.builds(
    KnownFinding,
    fingerprint=st.sampled_from("abcdef"),
    control=NAMES,
    resource=RESOURCES,
    severity=st.sampled_from(Severity),
    state=st.sampled_from(FindingState),
    first_seen=MOMENTS,
    times_opened=st.integers(0, 9),
    changed_at=MOMENTS,
    changed_by=NAMES,
)
BACKUPS = st.builds(
    KnownBackup,
    backup_id=st.sampled_from("abcdef"),
    index_id=NAMES,
    index_name=NAMES,
    name=OPTIONAL_NAMES,
    schedule_id=OPTIONAL_NAMES,
    captured_at=st.none() | MOMENTS,
    expires=OPTIONAL_FLAGS,
    expires_at=st.none() | MOMENTS,
    known_since=MOMENTS,
    missed_at=st.none() | MOMENTS,
)
EARLIER_SETTINGS = st.builds(
    EarlierSettings,
    since=MOMENTS,
    until=MOMENTS,
    frequency=OPTIONAL_NAMES,
    retention=st.none() | DURATIONS,
    enabled=OPTIONAL_FLAGS,
)
SCHEDULES = st.builds(
    KnownSchedule,
    schedule_id=st.sampled_from("abcdef"),
    index_name=NAMES,
    name=OPTIONAL_NAMES,
    frequency=OPTIONAL_NAMES,
    retention=st.none() | DURATIONS,
    enabled=OPTIONAL_FLAGS,
    since=st.none() | MOMENTS,
    seen_at=st.none() | MOMENTS,
    earlier_settings=st.lists(EARLIER_SETTINGS, max_size=2).map(tuple),
)
INDEXES = st.builds(
    KnownIndex,
    name=st.sampled_from("abcdef"),
    index_id=OPTIONAL_NAMES,
    first_seen=MOMENTS,
    deletion_protection=OPTIONAL_FLAGS,
)
VALUES = st.none() | st.booleans() | st.integers(-9, 9) | NAMES
DRIFTS = st.builds(Drift, NAMES, RESOURCES, VALUES, VALUES | st.dictionaries(NAMES, VALUES, max_size=2))
SEVERITY_COUNTS = st.fixed_dictionaries({it: st.integers(0, 10**6) for it in Severity})
PAST_AUDITS = st.builds(PastAudit, MOMENTS, st.booleans(), SEVERITY_COUNTS)
STATES = st.builds(
    ProjectState,
    audit_id=NAMES,
    observed_at=MOMENTS,
    complete_at=st.none() | MOMENTS,
    policy_sha256=OPTIONAL_NAMES,
    pinecone_project_id=OPTIONAL_NAMES,
    findings=st.lists(FINDINGS, max_size=4).map(lambda rows: {it.fingerprint: it for it in rows}),
    backups=st.lists(BACKUPS, max_size=4).map(lambda rows: {it.backup_id: it for it in rows}),
    schedules=st.lists(SCHEDULES, max_size=4).map(lambda rows: {it.schedule_id: it for it in rows}),
    indexes=st.lists(INDEXES, max_size=4).map(lambda rows: {it.name: it for it in rows}),
    drift=st.lists(DRIFTS, max_size=2).map(tuple),
    history=st.lists(PAST_AUDITS, max_size=2).map(tuple),
)


def number_revisions(states: list[ProjectState]) -> list[ProjectState]:
    """Return states with the revisions of consecutive audits."""
    return [replace(it, revision=number) for number, it in enumerate(states, 1)]
