"""The use cases: an audit collects, judges, remembers and reports, once; a saved inventory is not collected."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from backup_auditor.controls.catalogue import CATALOGUE
from backup_auditor.domain.alerting.channel import Channel
from backup_auditor.domain.alerting.message import Message
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.evaluation import Judgement, evaluate
from backup_auditor.domain.exemptions import distant_exemptions
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advancing import Outcome, advance, doubts_of
from backup_auditor.domain.lifecycle.discard import is_ahead
from backup_auditor.domain.memory import NOTHING, Memory
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.policy_difference import PolicyDifference, difference
from backup_auditor.domain.report import Report, audit_id_of, report_of
from backup_auditor.domain.state_warnings import state_warnings
from backup_auditor.errors import (
    ConflictingRecordError,
    EvidenceError,
    FutureAuditError,
    OtherProjectError,
    PolicyError,
    StateError,
)
from backup_auditor.gathering.crew import Crew
from backup_auditor.gathering.gatherer import Gatherer
from backup_auditor.ports.evidence import Evidence
from backup_auditor.ports.reading import Progress, ProjectReader
from backup_auditor.ports.state import StateStore
from backup_auditor.service.keeping import Keeping, Recorded

type Clock = Callable[[], datetime]
type Unrecorded = StateError | ConflictingRecordError | EvidenceError

_ATTEMPTS = 10
"""How often a recording is made afresh because another audit was quicker."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What one audit read, and what it says."""

    inventory: Inventory
    report: Report
    notes: tuple[str, ...] = ()
    """What happened while it ran that is neither a finding nor unread, for the log."""
    unrecorded: Unrecorded | None = None
    """Why the next audit will not know of it, although it should."""
    record: AuditRecord | None = None
    """What was kept of it; `None` where it changed nothing, or is not recorded."""
    messages: tuple[Message, ...] = ()
    """What was recorded with it, for those who are to be told."""
    pageless: str | None = None
    """Why the report that was kept has no page beside it, although it should."""


def audit(  # noqa: PLR0913  each is one thing an audit needs, named by its caller
    reader: ProjectReader,
    policy: Policy,
    *,
    project: str,
    observed_at: datetime,
    progress: Progress,
    store: StateStore | None = None,
    evidence: Evidence | None = None,
    channels: tuple[Channel, ...] = (),
    clock: Clock | None = None,
    warnings: tuple[str, ...] = (),
) -> Audit:
    """Read a project, judge it, and read again what a verdict of absence rests on, until two walks agree.

    With a store it is recorded; what is recorded has its report kept as evidence first, where there is a place for it.
    The channels are told of reports that were kept: they take both. By this machine's clock the audit finds that the
    last recorded one lies in the future; without a clock it does not look. `warnings` are those of the registry.

    Raises `PolicyError` when an exemption ends too far ahead, `StateError` when what is remembered cannot be read,
    `OtherProjectError` when it belongs to another Pinecone project, and
    `BadKeyError`, `ForbiddenError`, `NotFoundError`, `PlanForbidsError` and `UnreachableError` when the list of indexes
    is answered so: then nothing was audited. Whatever else could not be read is part of the inventory.
    """
    check_usable(policy, observed_at)
    memory = store.load(project) if store else NOTHING
    with Crew(reader.ceiling) as crew:
        gatherer = Gatherer(reader, crew, progress)
        gatherer.gather()
        while True:
            inventory = gatherer.inventory(project, observed_at)
            check_same_project(memory, inventory)
            judgement = evaluate(inventory, policy, CATALOGUE, memory)
            doubts = judgement.doubts | doubts_of(memory, inventory)
            if not doubts or not gatherer.walk_again(doubts):
                break
    keeping = Keeping(store, evidence, channels) if store else None
    notes = (*gatherer.notes, *_notes_of(inventory))
    return _Conclusion(inventory, policy, notes, clock, warnings).reached(judgement, memory, keeping)


def judge(
    inventory: Inventory,
    policy: Policy,
    store: StateStore | None = None,
    evidence: Evidence | None = None,
    clock: Clock | None = None,
) -> Audit:
    """Judge an inventory that was read before, without a call.

    Raises `PolicyError`, `StateError` and `OtherProjectError` as `audit` does.
    """
    check_usable(policy, inventory.observed_at)
    memory = store.load(inventory.project) if store else NOTHING
    check_same_project(memory, inventory)
    judgement = evaluate(inventory, policy, CATALOGUE, memory)
    keeping = Keeping(store, evidence) if store else None
    return _Conclusion(inventory, policy, _notes_of(inventory), clock).reached(judgement, memory, keeping)


def _notes_of(inventory: Inventory) -> tuple[str, ...]:
    names = sorted(inventory.terminating_names)
    return tuple(f"The index {name} is being deleted (state Terminating): it is not audited." for name in names)


def check_usable(policy: Policy, observed_at: datetime) -> None:
    """Raise `PolicyError` where a policy, well in itself, may not be used at a moment."""
    problems = distant_exemptions(policy, observed_at.astimezone(UTC).date())
    if problems:
        raise PolicyError(*(f"{policy.source}: {it}" for it in problems), path=policy.source)


def check_same_project(memory: Memory, inventory: Inventory) -> None:
    """Raise `OtherProjectError` where a memory belongs to another Pinecone project than was read.

    Without an id on either side nothing is known, and nothing is raised.
    """
    known, found = memory.pinecone_project_id, inventory.project_ids
    if known is not None and found and known not in found:
        raise OtherProjectError(inventory.project, known, ", ".join(sorted(found)))


def compare(inventory: Inventory, old: Policy, new: Policy) -> PolicyDifference:
    """Judge an inventory by two policies, without a call and by nothing that is remembered."""
    judgements = evaluate(inventory, old, CATALOGUE), evaluate(inventory, new, CATALOGUE)
    return difference(inventory, (old, new), judgements)


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """What is left to do once everything is read."""

    inventory: Inventory
    policy: Policy
    notes: tuple[str, ...]
    clock: Clock | None
    warnings: tuple[str, ...] = ()

    def reached(self, judgement: Judgement, memory: Memory, keeping: Keeping | None) -> Audit:
        """Report, and record before anything is said; what was recorded meanwhile is judged by, not written over."""
        if keeping is None:
            report = report_of(self.inventory, self.policy, judgement, warnings=self.warnings)
            return Audit(self.inventory, report, self.notes)
        outcome, report = self._told(judgement, memory)
        recorded = Recorded()
        unrecorded: Unrecorded | None = None
        try:
            for _ in range(_ATTEMPTS):
                try:
                    recorded, unrecorded = keeping.record(memory, outcome, report), None
                    break
                except ConflictingRecordError as error:
                    unrecorded = error
                memory = keeping.store.load(self.inventory.project)
                check_same_project(memory, self.inventory)
                judgement = evaluate(self.inventory, self.policy, CATALOGUE, memory)
                outcome, report = self._told(judgement, memory)
        except (EvidenceError, StateError) as error:  # the audit stands all the same
            unrecorded = error
        unrecorded = unrecorded or self._why_overtaken(memory)
        notes = (*self.notes, outcome.note) if outcome.note else self.notes
        return Audit(self.inventory, report, notes, unrecorded, recorded.audit, recorded.messages, recorded.pageless)

    def _why_overtaken(self, memory: Memory) -> FutureAuditError | None:
        """Return an error where this audit is older than a recorded one that lies in the future of the clock."""
        last = memory.observed_at
        if last is None or self.clock is None or last <= self.inventory.observed_at:
            return None
        now = self.clock()
        if not is_ahead(last, now):
            return None
        return FutureAuditError(self.inventory.project, format_moment(last), format_moment(now))

    def _told(self, judgement: Judgement, memory: Memory) -> tuple[Outcome, Report]:
        """Take what is remembered past this audit, and report."""
        audit_id = audit_id_of(self.inventory, self.policy)
        outcome = advance(memory, self.inventory, self.policy, judgement, audit_id)
        warnings = (*self.warnings, *state_warnings(memory, self.inventory))
        return outcome, report_of(self.inventory, self.policy, judgement, outcome, warnings)
