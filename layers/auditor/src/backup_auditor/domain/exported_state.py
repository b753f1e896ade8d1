"""Everything that is stored about a project and can be moved to another store, and the change that imports it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.lifecycle.state_change import StateChange, diff_states
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.remediation.plan import ActionRecord, RemediationPlan
from backup_auditor.domain.timefmt import format_moment


@dataclass(frozen=True, slots=True)
class ExportedState:
    """The state of a project, with its audit records, its plans, the attempts at their actions, and its drills."""

    project: str
    state: ProjectState
    audits: tuple[AuditRecord, ...] = ()
    plans: tuple[RemediationPlan, ...] = ()
    attempts: tuple[ActionRecord, ...] = ()
    drills: tuple[DrillRecord, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is stored about the project."""
        return self.state == EMPTY_STATE and not (self.audits or self.plans or self.attempts or self.drills)


@dataclass(frozen=True, slots=True)
class RecordChanges[Record]:
    """The records of one kind to write and to delete."""

    upserts: tuple[Record, ...]
    deletes: tuple[Record, ...]
    replaced: tuple[Record, ...]
    """The earlier values of written records."""


@dataclass(frozen=True, slots=True)
class StateImport:
    """The change by which a store has an exported state."""

    project: str
    state_change: StateChange
    """It also deletes the audit records that the exported state does not have."""
    audits: RecordChanges[AuditRecord]
    plans: RecordChanges[RemediationPlan]
    attempts: RecordChanges[ActionRecord]
    drills: RecordChanges[DrillRecord]
    is_replacement: bool
    """Whether the store loses a record. An import that only adds records can be repeated after a failure."""


def build_import(exported: ExportedState, stored: ExportedState) -> StateImport | None:
    """Return the change by which a store has an exported state; `None` if it has exactly that state.

    The revision grows, so that an audit that has read the earlier state cannot be recorded.
    """
    audits = _diff_records(exported.audits, stored.audits, lambda it: (it.observed_at, it.audit_id))
    plans = _diff_records(exported.plans, stored.plans, lambda it: it.plan_id)
    attempts = _diff_records(exported.attempts, stored.attempts, lambda it: (it.key, it.attempt))
    drills = _diff_records(exported.drills, stored.drills, lambda it: it.number)
    exported_facts, stored_facts = _select_facts(exported.state), _select_facts(stored.state)
    all_changes: tuple[RecordChanges[object], ...] = (audits, plans, attempts, drills)
    if exported_facts == stored_facts and not any(it.upserts or it.deletes for it in all_changes):
        return None
    revision = max(exported.state.revision, stored.state.revision + 1)
    change = diff_states(stored.state, replace(exported.state, revision=revision))
    if change is None:
        raise ValueError("the states before and after an import have the same revision")
    return StateImport(
        exported.project,
        replace(change, discarded_audits=audits.deletes),
        audits,
        plans,
        attempts,
        drills,
        is_replacement=stored_facts not in (EMPTY_STATE, exported_facts)
        or any(it.deletes or it.replaced for it in all_changes),
    )


def _diff_records[Record](
    exported: Iterable[Record], stored: Iterable[Record], get_key: Callable[[Record], object]
) -> RecordChanges[Record]:
    exported_by_key = {get_key(it): it for it in exported}
    stored_by_key = {get_key(it): it for it in stored}
    upserts = {key: it for key, it in exported_by_key.items() if stored_by_key.get(key) != it}
    return RecordChanges(
        upserts=tuple(upserts.values()),
        deletes=tuple(it for key, it in stored_by_key.items() if key not in exported_by_key),
        replaced=tuple(stored_by_key[key] for key in upserts if key in stored_by_key),
    )


def _select_facts(state: ProjectState) -> ProjectState:
    """Return a state without its revision, and without what follows from attempts and drills."""
    return replace(state.without_derived(), revision=0)


_EARLIEST = datetime.min.replace(tzinfo=UTC)


def explain_refusal(
    exported: ExportedState, stored: ExportedState, state_import: StateImport, *, may_replace: bool
) -> str | None:
    """Return why a store must not import an exported state and what to do; `None` if it may."""
    exported_id, stored_id = exported.state.pinecone_project_id, stored.state.pinecone_project_id
    if None not in (exported_id, stored_id) and exported_id != stored_id:
        return (
            f"the file belongs to Pinecone project {exported_id}, and the stored state to {stored_id};"
            " import it under another project name, or into another store"
        )
    exported_at, stored_at = exported.state.observed_at, stored.state.observed_at
    if (stored_at or _EARLIEST) > (exported_at or _EARLIEST):
        return (
            f"the stored state is newer (last audit: {_format_last(stored_at)}; in the file:"
            f" {_format_last(exported_at)}); keep it, or discard its audits first"
        )
    if state_import.is_replacement and not may_replace:
        return f"the store has other records (last audit: {_format_last(stored_at)}); add --replace to replace them"
    return None


def _format_last(observed_at: datetime | None) -> str:
    return "none" if observed_at is None else format_moment(observed_at)
