"""What has to be written so that one memory takes the place of another: the differences alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.finding import Finding
from backup_auditor.domain.outbox import OutboxMessage
from backup_auditor.domain.project_state import (
    Drift,
    KnownBackup,
    KnownFinding,
    KnownIndex,
    KnownSchedule,
    PastAudit,
    ProjectState,
    ResolvedFinding,
)


@dataclass(frozen=True, slots=True)
class Changes[Known]:
    """What to write and what to delete of one kind."""

    upserts: tuple[Known, ...]
    deletes: tuple[str, ...]
    """By the key that the memory keeps them under."""
    previous: tuple[Known, ...] = ()
    """What is written over or deleted, as it was: stores that keep many together find them by it."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """One audit, as a store is to record it: all of it or nothing."""

    expected_revision: int
    """The revision that must still be the latest; 0 where nothing was recorded."""
    revision: int
    audit_id: str | None
    """The audit that is the last one from now on; `None` where none is."""
    observed_at: datetime | None
    complete_at: datetime | None
    policy_sha256: str | None
    pinecone_project_id: str | None
    drift: tuple[Drift, ...]
    history: tuple[PastAudit, ...]
    findings: Changes[KnownFinding]
    backups: Changes[KnownBackup]
    schedules: Changes[KnownSchedule]
    indexes: Changes[KnownIndex]
    audit: AuditRecord | None = None
    """What is kept for those who ask later which nights were audited."""
    messages: tuple[OutboxMessage, ...] = ()
    """What somebody has to be told of it: recorded with it, or not at all."""
    discarded_audits: tuple[AuditRecord, ...] = ()
    """Audits whose records are deleted with it."""


def diff_states(before: ProjectState, after: ProjectState) -> StateChange | None:
    """Return what a store has to record; `None` where an audit changed nothing."""
    if after.revision == before.revision:
        return None
    return StateChange(
        expected_revision=before.revision,
        revision=after.revision,
        audit_id=after.audit_id,
        observed_at=after.observed_at,
        complete_at=after.complete_at,
        policy_sha256=after.policy_sha256,
        pinecone_project_id=after.pinecone_project_id,
        drift=after.drift,
        history=after.history,
        findings=_compare(before.findings, after.findings),
        backups=_compare(before.backups, after.backups),
        schedules=_compare(before.schedules, after.schedules),
        indexes=_compare(before.indexes, after.indexes),
    )


def _compare[Known](before: Mapping[str, Known], after: Mapping[str, Known]) -> Changes[Known]:
    changed_entries = {key: it for key, it in after.items() if before.get(key) is not it and before.get(key) != it}
    deletes = tuple(key for key in before if key not in after)
    return Changes(
        upserts=tuple(changed_entries.values()),
        deletes=deletes,
        previous=tuple(before[key] for key in (*changed_entries, *deletes) if key in before),
    )


@dataclass(frozen=True, slots=True)
class LifecycleResult:
    """What is remembered after an audit, and what its report says of the time before it."""

    audit_id: str
    state: ProjectState
    """The very memory it began with, where the audit changes nothing."""
    findings: tuple[Finding, ...]
    """Those of the judgement, each with its lifecycle."""
    resolved_findings: tuple[ResolvedFinding, ...] = ()
    drift: tuple[Drift, ...] = ()
    note: str | None = None
    """What the log should say of it."""
