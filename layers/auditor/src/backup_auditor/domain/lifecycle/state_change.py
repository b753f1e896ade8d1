"""Compare two states: what a store must write and delete."""

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
    """The records of one kind to write and to delete."""

    upserts: tuple[Known, ...]
    deletes: tuple[str, ...]
    """The keys of the deleted records."""
    previous: tuple[Known, ...] = ()
    """The earlier values of written and deleted records, for stores that group many records in one item."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """One audit as a store records it: completely or not at all."""

    expected_revision: int
    """The revision that must still be the latest; 0 where nothing is recorded."""
    revision: int
    audit_id: str | None
    """The id of the last audit from now on; `None` where there is none."""
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
    """The record of the audit, which `evidence list` and `evidence verify` read."""
    messages: tuple[OutboxMessage, ...] = ()
    """The messages to channels about it, recorded in the same transaction."""
    fleet_row: str | None = None
    """The row of the audit in the page of the fleet, as JSON. Only the store on AWS records it."""
    discarded_audits: tuple[AuditRecord, ...] = ()
    """Audits whose records are deleted with it."""


def diff_states(before: ProjectState, after: ProjectState) -> StateChange | None:
    """Return the changes for a store to record; `None` where an audit changed nothing."""
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
    """The state after an audit, and what its report states about earlier audits."""

    audit_id: str
    state: ProjectState
    """The same object as before where the audit changes nothing."""
    findings: tuple[Finding, ...]
    """The evaluated findings, each with its lifecycle."""
    resolved_findings: tuple[ResolvedFinding, ...] = ()
    drift: tuple[Drift, ...] = ()
    note: str | None = None
    """A sentence for the log."""
