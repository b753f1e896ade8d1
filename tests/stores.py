"""A store that remembers nothing beyond its own life, and memories to be stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from backup_auditor.domain.finding import Resource, ResourceType, Severity
from backup_auditor.domain.history import Drift
from backup_auditor.domain.memory import (
    NOTHING,
    FindingState,
    KnownBackup,
    KnownFinding,
    KnownIndex,
    KnownSchedule,
    Memory,
)
from backup_auditor.domain.recording import Changes, Recording, recording_of
from backup_auditor.errors import ConflictingRecordError
from backup_auditor.ports.state import StateStore

PROJECT = "default"


class FakeStore:
    """Keeps memories as they are, and applies recordings as a store must."""

    def __init__(self) -> None:
        """Remember nothing."""
        self.memories: dict[str, Memory] = {}

    def load(self, project: str) -> Memory:
        """Return what is remembered of a project."""
        return self.memories.get(project, NOTHING)

    def record(self, project: str, recording: Recording) -> None:
        """Apply the differences to the latest memory."""
        before = self.load(project)
        if before.revision != recording.expects:
            raise ConflictingRecordError("another audit was recorded meanwhile")
        self.memories[project] = Memory(
            revision=recording.revision,
            audit_id=recording.audit_id,
            observed_at=recording.observed_at,
            complete_at=recording.complete_at,
            policy_sha256=recording.policy_sha256,
            findings=_applied(before.findings, recording.findings, "fingerprint"),
            backups=_applied(before.backups, recording.backups, "backup_id"),
            schedules=_applied(before.schedules, recording.schedules, "schedule_id"),
            indexes=_applied(before.indexes, recording.indexes, "name"),
            drift=recording.drift,
        )


def _applied(before: Any, changes: Changes[Any], key: str) -> dict[str, Any]:
    after = {name: it for name, it in before.items() if name not in changes.deletes}
    return after | {getattr(it, key): it for it in changes.upserts}


def stored(store: StateStore, before: Memory, after: Memory, project: str = PROJECT) -> Memory:
    """Record that one memory takes the place of another, and load what is remembered then."""
    recording = recording_of(before, after)
    assert recording is not None
    store.record(project, recording)
    return store.load(project)


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
)
SCHEDULES = st.builds(
    KnownSchedule,
    schedule_id=st.sampled_from("abcdef"),
    index_name=NAMES,
    name=MAYBE_NAMES,
    frequency=MAYBE_NAMES,
    retention=st.none() | LENGTHS,
    enabled=FACTS,
)
INDEXES = st.builds(
    KnownIndex, name=st.sampled_from("abcdef"), index_id=MAYBE_NAMES, first_seen=MOMENTS, deletion_protection=FACTS
)
VALUES = st.none() | st.booleans() | st.integers(-9, 9) | NAMES
DRIFT = st.builds(Drift, NAMES, RESOURCES, VALUES, VALUES | st.dictionaries(NAMES, VALUES, max_size=2))
MEMORIES = st.builds(
    Memory,
    audit_id=NAMES,
    observed_at=MOMENTS,
    complete_at=st.none() | MOMENTS,
    policy_sha256=MAYBE_NAMES,
    findings=st.lists(FINDINGS, max_size=4).map(lambda rows: {it.fingerprint: it for it in rows}),
    backups=st.lists(BACKUPS, max_size=4).map(lambda rows: {it.backup_id: it for it in rows}),
    schedules=st.lists(SCHEDULES, max_size=4).map(lambda rows: {it.schedule_id: it for it in rows}),
    indexes=st.lists(INDEXES, max_size=4).map(lambda rows: {it.name: it for it in rows}),
    drift=st.lists(DRIFT, max_size=2).map(tuple),
)


def in_a_row(memories: list[Memory]) -> list[Memory]:
    """Give memories the revisions of audits that follow each other."""
    return [replace(it, revision=number) for number, it in enumerate(memories, 1)]
