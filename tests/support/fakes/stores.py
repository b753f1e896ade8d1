"""A store, an outbox and a place for evidence that live as long as the test, and memories to be stored."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.finding import Resource, ResourceType, Severity
from backup_auditor.domain.lifecycle.state_change import Changes, StateChange, diff_states
from backup_auditor.domain.outbox import OutboxMessage
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
    """Keeps memories as they are, and applies recordings as a store must."""

    def __init__(self) -> None:
        """Remember nothing."""
        self.memories: dict[str, ProjectState] = {}
        self.recorded: dict[str, list[AuditRecord]] = {}
        self.outbox = FakeOutbox()

    def load(self, project: str) -> ProjectState:
        """Return what is remembered of a project."""
        return self.memories.get(project, EMPTY_STATE)

    def record(self, project: str, change: StateChange) -> None:
        """Apply the differences to the latest memory."""
        before = self.load(project)
        if before.revision != change.expected_revision:
            raise ConflictingRecordError("another audit was recorded meanwhile")
        self.memories[project] = ProjectState(
            revision=change.revision,
            audit_id=change.audit_id,
            observed_at=change.observed_at,
            complete_at=change.complete_at,
            policy_sha256=change.policy_sha256,
            pinecone_project_id=change.pinecone_project_id,
            findings=_applied(before.findings, change.findings, "fingerprint"),
            backups=_applied(before.backups, change.backups, "backup_id"),
            schedules=_applied(before.schedules, change.schedules, "schedule_id"),
            indexes=_applied(before.indexes, change.indexes, "name"),
            drift=change.drift,
            history=change.history,
        )
        self.recorded[project] = [it for it in self.recorded.get(project, []) if it not in change.discarded_audits]
        if change.audit is not None:
            self.recorded.setdefault(project, []).append(change.audit)
        self.outbox.waiting |= {it.message_id: Waiting(it) for it in change.messages}

    def list_audits(self, project: str, since: datetime) -> list[AuditRecord]:
        """Return the audits since a moment, the oldest first."""
        found = [it for it in self.recorded.get(project, []) if it.observed_at >= since]
        return sorted(found, key=lambda it: (it.observed_at, it.audit_id))


@dataclass
class Waiting:
    """A message that was not accepted yet."""

    message: OutboxMessage
    attempts: int = 0
    refusals: int = 0
    taken_until: datetime | None = None
    retry_at: datetime | None = None
    progress: str = ""
    why: str = ""


class FakeOutbox:
    """An outbox that lives as long as the test."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.waiting: dict[str, Waiting] = {}
        self.accepted: list[OutboxMessage] = []

    def list_pending(self, project: str | None, now: datetime) -> list[OutboxMessage]:
        """Return what is due, the oldest first."""
        found = [
            it.message
            for it in self.waiting.values()
            if project in (None, it.message.project)
            and (it.retry_at is None or it.retry_at <= now)
            and (it.taken_until is None or it.taken_until <= now)
        ]
        return sorted(found, key=lambda it: (it.observed_at, it.message_id))

    def claim(self, message: OutboxMessage, now: datetime, until: datetime) -> Claim | None:
        """Take a message that nobody has."""
        it = self.waiting.get(message.message_id)
        if it is None or (it.taken_until is not None and it.taken_until > now):
            return None
        it.attempts += 1
        it.taken_until = until
        return Claim(it.attempts, is_possible_duplicate=it.attempts - 1 > it.refusals)

    def mark_sent(self, message: OutboxMessage, now: datetime) -> None:  # noqa: ARG002  as the port has it
        """Put a message away."""
        if self.waiting.pop(message.message_id, None) is not None:
            self.accepted.append(message)

    def mark_failed(
        self, message: OutboxMessage, reason: str, retry_at: datetime, *, may_have_arrived: bool = False
    ) -> int:
        """Let a message go again."""
        it = self.waiting.get(message.message_id)
        if it is None:
            return 0
        if it.taken_until is not None:
            it.refusals += not may_have_arrived
            it.taken_until, it.retry_at, it.why = None, retry_at, reason
        return it.attempts

    def readdress(self, message: OutboxMessage, replacement: OutboxMessage) -> bool:
        """Put another in the place of a message."""
        known = (*self.waiting, *(it.message_id for it in self.accepted))
        if replacement.message_id in known:
            return False
        self.waiting.pop(message.message_id, None)
        self.waiting[replacement.message_id] = Waiting(replacement)
        return True

    def load_progress(self, message: OutboxMessage) -> str:
        """Return what was noted."""
        it = self.waiting.get(message.message_id)
        return it.progress if it else ""

    def record_progress(self, message: OutboxMessage, progress: str) -> None:
        """Note it."""
        if message.message_id in self.waiting:
            self.waiting[message.message_id].progress = progress


class FakeEvidence:
    """Keeps reports as long as the test, each under its audit's id; another one of the same audit beside it."""

    def __init__(self) -> None:
        """Keep nothing."""
        self.kept: dict[str, bytes] = {}

    def store_report(self, report: Report) -> StoredReport:
        """Keep a report, once."""
        content = "".join(render_json(report)).encode() + b"\n"
        kept = StoredReport("", hashlib.sha256(content).hexdigest())
        for number in count(1):
            kept = replace(kept, location=f"memory:{report.audit_id}/{number}")
            if self.kept.setdefault(kept.location, content) == content:
                break
        return kept

    def store_page(self, report: Report, stored_report: StoredReport) -> StoredFile | None:
        """Keep none."""

    def read(self, file: StoredFile) -> bytes:
        """Return what is kept."""
        try:
            return self.kept[file.location]
        except KeyError:
            raise EvidenceError(f"{file.location} is gone") from None


def _applied(before: Any, changes: Changes[Any], key: str) -> dict[str, Any]:
    after = {name: it for name, it in before.items() if name not in changes.deletes}
    return after | {getattr(it, key): it for it in changes.upserts}


def stored(store: StateStore, before: ProjectState, after: ProjectState, project: str = PROJECT) -> ProjectState:
    """Record that one memory takes the place of another, and load what is remembered then."""
    recorded(store, before, after, project)
    return store.load(project)


def recorded(  # noqa: PLR0913  the facts of one recording
    store: StateStore,
    before: ProjectState,
    after: ProjectState,
    project: str = PROJECT,
    *,
    audit: AuditRecord | None = None,
    messages: tuple[OutboxMessage, ...] = (),
) -> None:
    """Record that one memory takes the place of another, with what is kept of the audit, and whom it has to be told."""
    recording = diff_states(before, after)
    assert recording is not None
    store.record(project, replace(recording, audit=audit, messages=messages))


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)
MAYBE_NAMES = st.none() | NAMES
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds the zone
LENGTHS = st.timedeltas(timedelta(), timedelta(days=4000))
FACTS = st.none() | st.booleans()
RESOURCES = st.builds(Resource, st.sampled_from(ResourceType), st.just(PROJECT), NAMES, MAYBE_NAMES)
FINDINGS = st.builds(
    KnownFinding,
    fingerprint=st.sampled_from("abcdef"),
    control=NAMES,
    resource=RESOURCES,
    severity=st.sampled_from(Severity),
    state=st.sampled_from(FindingState),
    first_seen=MOMENTS,
    times=st.integers(0, 9),
    changed_at=MOMENTS,
    changed_by=NAMES,
)
BACKUPS = st.builds(
    KnownBackup,
    backup_id=st.sampled_from("abcdef"),
    index_id=NAMES,
    index_name=NAMES,
    name=MAYBE_NAMES,
    schedule_id=MAYBE_NAMES,
    captured_at=st.none() | MOMENTS,
    expires=FACTS,
    expires_at=st.none() | MOMENTS,
    known_since=MOMENTS,
    missed_at=st.none() | MOMENTS,
)
EARLIER = st.builds(
    EarlierSettings,
    since=MOMENTS,
    until=MOMENTS,
    frequency=MAYBE_NAMES,
    retention=st.none() | LENGTHS,
    enabled=FACTS,
)
SCHEDULES = st.builds(
    KnownSchedule,
    schedule_id=st.sampled_from("abcdef"),
    index_name=NAMES,
    name=MAYBE_NAMES,
    frequency=MAYBE_NAMES,
    retention=st.none() | LENGTHS,
    enabled=FACTS,
    since=st.none() | MOMENTS,
    seen_at=st.none() | MOMENTS,
    earlier=st.lists(EARLIER, max_size=2).map(tuple),
)
INDEXES = st.builds(
    KnownIndex, name=st.sampled_from("abcdef"), index_id=MAYBE_NAMES, first_seen=MOMENTS, deletion_protection=FACTS
)
VALUES = st.none() | st.booleans() | st.integers(-9, 9) | NAMES
DRIFT = st.builds(Drift, NAMES, RESOURCES, VALUES, VALUES | st.dictionaries(NAMES, VALUES, max_size=2))
COUNTS = st.fixed_dictionaries({it: st.integers(0, 10**6) for it in Severity})
PAST_AUDITS = st.builds(PastAudit, MOMENTS, st.booleans(), COUNTS)
MEMORIES = st.builds(
    ProjectState,
    audit_id=NAMES,
    observed_at=MOMENTS,
    complete_at=st.none() | MOMENTS,
    policy_sha256=MAYBE_NAMES,
    pinecone_project_id=MAYBE_NAMES,
    findings=st.lists(FINDINGS, max_size=4).map(lambda rows: {it.fingerprint: it for it in rows}),
    backups=st.lists(BACKUPS, max_size=4).map(lambda rows: {it.backup_id: it for it in rows}),
    schedules=st.lists(SCHEDULES, max_size=4).map(lambda rows: {it.schedule_id: it for it in rows}),
    indexes=st.lists(INDEXES, max_size=4).map(lambda rows: {it.name: it for it in rows}),
    drift=st.lists(DRIFT, max_size=2).map(tuple),
    history=st.lists(PAST_AUDITS, max_size=2).map(tuple),
)


def in_a_row(memories: list[ProjectState]) -> list[ProjectState]:
    """Give memories the revisions of audits that follow each other."""
    return [replace(it, revision=number) for number, it in enumerate(memories, 1)]
