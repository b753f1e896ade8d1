"""Choose the drills of one run: which indexes are due, which recovery point of each, and what is left out and why."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord, parse_phase
from backup_auditor.domain.drills.drill import DrillRecord, RestorePoint, compute_drill_id
from backup_auditor.domain.drills.verification import ExpectedContent
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_backups import NO_RECOVERY_POINT_REASON
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.evaluation.restore_proofs import (
    PROOF_CONTROL,
    compute_due_time,
    find_last_success,
    find_unreadable_reason,
    require_drills,
)
from backup_auditor.domain.finding import Compliance, Exemption, Finding, InsufficientDataError, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Backup
from backup_auditor.domain.policy import Mode, PointChoice, Policy, RestoreDrillPolicy
from backup_auditor.domain.project_state import DrillResult, ProjectState
from backup_auditor.domain.text import GIB, format_sizes, quote_text
from backup_auditor.domain.timefmt import EARLIEST_MOMENT, format_length, format_minute

MAX_INDEX_NAME_LENGTH = 45
SUFFIX_LENGTH = 8
_SLOW_RECORD_COUNT = 1_000_000


class DurationClass(StrEnum):
    """How long Pinecone takes for a restore of this size, as far as its documents say."""

    MINUTES = "minutes"
    """Below a million records: about 10 minutes."""
    HOURS = "hours"
    """Up to 5 hours at 100 million records in a namespace."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """What a person asks for instead of the indexes that are due: an index by name, or a backup by id, or neither."""

    index: str | None = None
    backup_id: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class SkippedDrill:
    """An index, or a requested backup, that is left out of a plan, and why."""

    index: str
    """The name of the index; empty for a requested backup that the project does not have."""
    reason: str
    is_unknown: bool = False
    """Whether the reason is that something could not be read or is unknown."""
    is_due: bool = False
    """Whether its drill is due or requested, and does not start in this run."""
    violates_policy: bool = False
    """Whether its drill is due, no proof of the index counts, and the next run does not start the drill by itself."""
    backup_id: str | None = None
    """The id of a requested backup that the project does not have."""

    @property
    def label(self) -> str:
        """The name of the index, or the id of the backup that the project does not have."""
        return self.backup_id or self.index


@dataclass(frozen=True, slots=True)
class PlannedDrill:
    """One drill of a plan."""

    index: str
    index_id: str
    point: RestorePoint
    target_name: str
    duration: DurationClass
    cost: float | None
    """In the currency of `price_per_gib`; `None` if no price is set."""
    reason: str
    """Why this index is drilled now."""
    unreadable_reason: str | None = None
    """Why the records of the restored index cannot be read from here, if they cannot."""


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """The drills of one run, in the order in which they run, and what is left out."""

    project: str
    policy_sha256: str
    created_at: datetime
    """When the facts were read on which the plan is based."""
    restore_drills: RestoreDrillPolicy
    drills: tuple[PlannedDrill, ...]
    skipped_drills: tuple[SkippedDrill, ...]
    index_count: int
    """How many indexes the project has."""
    index_quota: int
    obstacle: str | None = None
    """Why no drill can start now, whatever index it is of, as a sentence; `None` if one is planned or none is due."""
    project_id: str | None = None
    """Pinecone's id of the project, if any schedule has it."""

    @property
    def plan_id(self) -> str:
        """The id of the plan: the same project, policy and backups give the same id, whenever the plan is made."""
        text = json.dumps([self.project, self.policy_sha256, [it.point.backup_id for it in self.drills]])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def mode(self) -> Mode:
        """What the policy allows."""
        return self.restore_drills.mode


def make_drill_plan(  # noqa: PLR0913  all facts that a choice depends on
    inventory: Inventory,
    policy: Policy,
    state: ProjectState,
    findings: Iterable[Finding],
    *,
    seed: str,
    request: DrillRequest | None = None,
) -> DrillPlan:
    """Return the plan for a project. The same facts, policy, state, findings, request and seed give the same plan.

    The seed is a random text. The random choice of a recovery point and the names of temporary indexes depend on it.
    """
    selector = _Selector(inventory, policy, state, findings, seed)
    drills, skipped_drills = selector.select(request or DrillRequest())
    return DrillPlan(
        project=inventory.project,
        policy_sha256=policy.sha256,
        created_at=inventory.observed_at,
        restore_drills=policy.restore_drills,
        drills=tuple(drills),
        skipped_drills=tuple(sorted(skipped_drills)),
        index_count=selector.index_count,
        index_quota=policy.project.index_quota,
        obstacle=selector.obstacle,
        project_id=inventory.project_id,
    )


def create_record(  # noqa: PLR0913  all facts of a new record
    plan: DrillPlan, drill: PlannedDrill, expected: ExpectedContent, *, number: int, actor: str, now: datetime
) -> DrillRecord:
    """Return the record of a planned drill, before anything is requested.

    `expected` are the figures of the backup itself, which a run reads before it starts a drill. `number` is the next
    number of a drill in the project.
    """
    return DrillRecord(
        drill_id=compute_drill_id(plan.project, drill.point.backup_id, drill.target_name),
        project=plan.project,
        number=number,
        index_name=drill.index,
        index_id=drill.index_id,
        point=replace(drill.point, expected=expected),
        target_name=drill.target_name,
        plan_id=plan.plan_id,
        actor=actor,
        max_duration=plan.restore_drills.max_duration,
        sample_size=plan.restore_drills.sample_records,
        chosen_at=now,
        pinecone_project_id=plan.project_id,
        unreadable_reason=drill.unreadable_reason,
    )


def build_target_name(prefix: str, index: str, suffix: str) -> str:
    """Return the name of a temporary index: prefix, index and suffix, the index shortened to fit.

    `suffix` has `SUFFIX_LENGTH` characters of a-z and 0-9.
    """
    room = MAX_INDEX_NAME_LENGTH - len(prefix) - len(suffix) - 2
    short_name = re.sub(r"[^a-z0-9-]", "-", index.lower())[:room].strip("-")
    return "-".join(it for it in (prefix, short_name, suffix) if it)


def estimate_duration(record_count: int | None) -> DurationClass:
    """Return how long a restore of so many records may take."""
    if record_count is None:
        return DurationClass.UNKNOWN
    return DurationClass.MINUTES if record_count < _SLOW_RECORD_COUNT else DurationClass.HOURS


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An index that is to be drilled."""

    subject: IndexContext
    point: BackupRecord
    reason: str
    last_drilled_at: datetime
    """When its last drill ended, whatever its result; the earliest time if there was none."""
    severity: int
    """The highest severity of its open findings; -1 without one."""

    @property
    def sort_key(self) -> tuple[datetime, int, str]:
        return self.last_drilled_at, -self.severity, self.subject.name


class _Selector:
    def __init__(
        self, inventory: Inventory, policy: Policy, state: ProjectState, findings: Iterable[Finding], seed: str
    ) -> None:
        self._project = ProjectContext(inventory, policy, state)
        self._limits = policy.restore_drills
        self._state = state
        self._observed_at = inventory.observed_at
        self._seed = seed
        self._severities: dict[str, int] = {}
        self._proven_names: set[str] = set()
        """The indexes of which the policy requires no newer proof yet."""
        for finding in findings:
            if finding.resource.type is not ResourceType.INDEX:
                continue
            name = finding.resource.name
            if finding.is_open:
                self._severities[name] = max(self._severities.get(name, -1), finding.severity.rank)
            if finding.control == PROOF_CONTROL and finding.compliance is Compliance.COMPLIANT:
                self._proven_names.add(name)
        self.obstacle: str | None = None
        """Why no drill of the project can start now."""
        self.index_count = len(inventory.indexes) + len(inventory.drill_indexes) + len(inventory.terminating)

    def select(self, request: DrillRequest) -> tuple[list[PlannedDrill], list[SkippedDrill]]:
        candidates: list[_Candidate] = []
        skipped_drills: list[SkippedDrill] = []
        for proposal in self._find_proposals(request):
            if isinstance(proposal, _Candidate):
                candidates.append(proposal)
            else:
                skipped_drills.append(proposal)
        drills: list[PlannedDrill] = []
        for candidate in sorted(candidates, key=lambda it: it.sort_key):
            skipped_drill = self._find_obstacle(candidate.subject, len(drills))
            if skipped_drill is None:
                drills.append(self._plan_drill(candidate))
                continue
            skipped_drills.append(skipped_drill)
            if not drills and not skipped_drill.is_unknown:
                self.obstacle = skipped_drill.reason
        return drills, skipped_drills

    def _find_proposals(self, request: DrillRequest) -> Iterator[_Candidate | SkippedDrill]:
        if request.backup_id is not None:
            yield self._propose_backup(request.backup_id)
            return
        facts_by_name = self._project.facts_by_name
        if request.index is None:
            yield from (self._propose_due(IndexContext(self._project, it)) for it in facts_by_name.values())
        elif request.index in facts_by_name:
            subject = IndexContext(self._project, facts_by_name[request.index])
            yield self._propose(subject, f"The index {subject.name} was requested.")
        else:
            failure = self._project.inventory.indexes_failure
            reason = (
                "The project has no such index." if failure is None else f"The indexes could not be read: {failure}."
            )
            yield SkippedDrill(request.index, reason, is_unknown=failure is not None)

    def _propose_due(self, subject: IndexContext) -> _Candidate | SkippedDrill:
        within = subject.requirements.recovery.restore_drill_within
        if within is None:
            return SkippedDrill(subject.name, "The policy requires no restore drill of it.")
        exemption = self._project.find_exemption(PROOF_CONTROL, subject.resource)
        if exemption is not None:
            return SkippedDrill(subject.name, _describe_exemption(exemption))
        is_id_known = subject.backups.live_id.unknown_reason is None  # else it is left out below
        last_success = find_last_success(subject, require_drills(subject)) if is_id_known else None
        if last_success is None or last_success.ended_at is None:
            is_readable = find_unreadable_reason(subject) is None
            reason = "No drill of the index has passed." if is_readable else "No restore of the index has completed."
            return self._propose(subject, reason)
        due_at = compute_due_time(last_success.ended_at, within)
        label = "proof" if last_success.result is DrillResult.PASSED else "completed restore"
        success_text = f"its last {label} is of {format_minute(last_success.ended_at)}"
        if self._observed_at < due_at:
            return SkippedDrill(subject.name, f"It is not due before {format_minute(due_at)}: {success_text}.")
        return self._propose(subject, f"The index is due: {success_text} (limit: {format_length(within)}).")

    def _propose(self, subject: IndexContext, reason: str, backup_id: str | None = None) -> _Candidate | SkippedDrill:
        """Return an index with its recovery point, or why it cannot be drilled."""
        if subject.unsupported_reason is not None:
            return SkippedDrill(subject.name, subject.unsupported_reason)
        try:
            subject.backups.require_live_id()
            points = subject.backups.require_recovery_points()
            if not points:
                subject.backups.require_backup_listing()
        except InsufficientDataError as error:
            return SkippedDrill(subject.name, error.reason, is_unknown=True)
        if not points:
            return SkippedDrill(subject.name, NO_RECOVERY_POINT_REASON)
        if backup_id is not None:
            point = next(it for it in points if it.backup.backup_id == backup_id)
        elif (chosen_point := self._choose_point(subject, points)) is not None:
            point = chosen_point
        else:
            limit = format_length(self._limits.max_duration)
            return self._skip_due(subject, f"Every recovery point expires within {limit} (max_duration).")
        obstacle = _find_size_obstacle(point.backup, self._limits.max_size_gib)
        if obstacle is not None:
            return self._skip_due(subject, obstacle, is_unknown=point.backup.size_bytes is None)
        last_drilled_at = next((it.ended_at for it in require_drills(subject)), None) or EARLIEST_MOMENT
        return _Candidate(subject, point, reason, last_drilled_at, self._severities.get(subject.name, -1))

    def _skip_due(self, subject: IndexContext, reason: str, *, is_unknown: bool = False) -> SkippedDrill:
        """Leave out an index whose drill no later run starts by itself."""
        violates_policy = subject.name not in self._proven_names
        return SkippedDrill(subject.name, reason, is_unknown, is_due=True, violates_policy=violates_policy)

    def _choose_point(self, subject: IndexContext, points: list[BackupRecord]) -> BackupRecord | None:
        """Return the recovery point that the policy chooses, of those that no drill can outlast."""
        first_expiry = self._observed_at + self._limits.max_duration
        lasting_points = []
        for point in points:
            expires_at = subject.backups.find_expiry(point).expires_at
            if expires_at is None or expires_at > first_expiry:
                lasting_points.append(point)
        if not lasting_points:
            return None
        match self._limits.choose:
            case PointChoice.NEWEST:
                return lasting_points[0]
            case PointChoice.OLDEST:
                return lasting_points[-1]
            case PointChoice.RANDOM:
                return min(lasting_points, key=lambda it: _hash_text(self._seed, it.backup.backup_id))

    def _propose_backup(self, backup_id: str) -> _Candidate | SkippedDrill:
        backups = {it.backup_id: it for it in self._project.inventory.iter_listed_backups()}
        backup = backups.get(backup_id)
        if backup is None:
            failure = self._project.inventory.backups.failure
            reason = (
                "The project has no such backup." if failure is None else f"Not all backups could be read: {failure}."
            )
            return SkippedDrill("", reason, is_unknown=failure is not None, backup_id=backup_id)
        facts = self._project.facts_by_name.get(backup.index_name)
        subject = None if facts is None else IndexContext(self._project, facts)
        obstacle = _find_point_obstacle(backup, subject)
        if subject is None or obstacle is not None:
            is_unknown = self._project.inventory.indexes_failure is not None
            return SkippedDrill(backup.index_name, obstacle or "", is_unknown)
        return self._propose(subject, f"The backup {backup_id} was requested.", backup_id)

    def _find_obstacle(self, subject: IndexContext, drill_count: int) -> SkippedDrill | None:
        """Return an index whose drill does not fit into this run, with the reason; `None` if it fits."""
        delay = self._find_delay(drill_count)
        if delay is not None:
            return SkippedDrill(subject.name, delay, is_due=True)
        failure = self._project.inventory.indexes_failure
        if failure is not None:
            return self._skip_due(subject, f"It is unknown whether an index is free: {failure}.", is_unknown=True)
        quota, used_count = self._project.policy.project.index_quota, self.index_count + drill_count
        if used_count + 1 >= quota:
            reason = f"The project has {used_count:,} of {quota:,} indexes; one must be free beside that of a drill."
            is_delay = drill_count > 0  # the drills before it delete their indexes
            return SkippedDrill(subject.name, reason, is_due=True) if is_delay else self._skip_due(subject, reason)
        return None

    def _find_delay(self, drill_count: int) -> str | None:
        """Return why a further drill has to wait for a later run, if it has to."""
        running_drill = next((it for it in self._state.drills.values() if it.is_running(self._observed_at)), None)
        if running_drill is not None:
            return (
                f"Restore drill {running_drill.drill_id} of {running_drill.index_name} is running, since"
                f" {format_minute(running_drill.started_at)}."
            )
        if drill_count >= self._limits.max_per_run:
            return f"The limit of drills per run is {self._limits.max_per_run:,} (max_per_run); the next run continues."
        return None

    def _plan_drill(self, candidate: _Candidate) -> PlannedDrill:
        backup, limits = candidate.point.backup, self._limits
        size_bytes = backup.size_bytes or 0
        suffix = _hash_text(self._seed, backup.backup_id, candidate.subject.name)[:SUFFIX_LENGTH]
        return PlannedDrill(
            index=candidate.subject.name,
            index_id=backup.index_id,
            point=RestorePoint(
                backup_id=backup.backup_id,
                captured_at=candidate.point.captured_at,
                size_bytes=size_bytes,
                expected=ExpectedContent(backup.record_count, backup.namespace_count),
            ),
            target_name=build_target_name(limits.index_prefix, candidate.subject.name, suffix),
            duration=estimate_duration(backup.record_count),
            cost=None if limits.price_per_gib is None else limits.price_per_gib * size_bytes / GIB,
            reason=candidate.reason,
            unreadable_reason=find_unreadable_reason(candidate.subject),
        )


def _describe_exemption(exemption: Exemption) -> str:
    return f"Exempted by {exemption.owner} until {exemption.expires}: {exemption.reason}"


def _find_point_obstacle(backup: Backup, subject: IndexContext | None) -> str | None:
    """Return why a listed backup is no recovery point of a live index; `None` if it is one, or if that is unknown."""
    if parse_phase(backup.status) is not BackupPhase.READY:
        return f"The backup {backup.backup_id} is not Ready (status: {quote_text(backup.status)})."
    if subject is None:
        return f"The backup {backup.backup_id} belongs to an index that is not live."
    live_id = subject.backups.live_id
    if live_id.unknown_reason is not None:
        return None
    if backup.index_id != live_id.id:
        return f"The backup {backup.backup_id} belongs to an earlier index of this name ({backup.index_id})."
    if any(it.backup.backup_id == backup.backup_id for it in subject.backups.require_recovery_points()):
        return None
    return f"The backup {backup.backup_id} has no capture time, or one in the future."


def _find_size_obstacle(backup: Backup, max_size_gib: float) -> str | None:
    if backup.size_bytes is None:
        return f"The size of the backup {backup.backup_id} is unknown."
    limit = int(max_size_gib * GIB)
    if backup.size_bytes <= limit:
        return None
    size_text, limit_text = format_sizes(backup.size_bytes, limit)
    return f"The backup {backup.backup_id} has {size_text} (limit: {limit_text}, max_size_gib)."


def _hash_text(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()
