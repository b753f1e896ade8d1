"""Judges an inventory against a policy: every control on every resource gives exactly one finding."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from backup_auditor.domain.control import Control, Family, InsufficientDataError, Verdict, not_applicable
from backup_auditor.domain.evaluation.index import DeletedIndexContext, IndexContext, deleted_indexes
from backup_auditor.domain.evaluation.project import ProjectContext, require_confirmed_absence
from backup_auditor.domain.evaluation.timeline import Timeline, Timelines
from backup_auditor.domain.finding import Compliance, Evidence, Finding, Resource, fingerprint
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import ListingId
from backup_auditor.domain.placeholders import fill_step, placeholder_values
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState

type AnyControl = Control[ProjectContext] | Control[IndexContext] | Control[DeletedIndexContext]


@dataclass(frozen=True, slots=True)
class ControlCatalog:
    """The controls, in order, by what they are judged for; one may stand under several."""

    project: tuple[Control[ProjectContext], ...] = ()
    index: tuple[Control[IndexContext], ...] = ()
    deleted_index: tuple[Control[DeletedIndexContext], ...] = ()

    @property
    def all(self) -> tuple[AnyControl, ...]:
        """Every control, once, in the order in which they are documented."""
        every: tuple[AnyControl, ...] = (*self.index, *self.deleted_index, *self.project)
        found: dict[str, AnyControl] = {}
        for control in every:
            found.setdefault(control.id, control)
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many indexes can be backed up and are not being created, and how many of them are protected."""

    indexes: int
    protected: int
    recovery_points: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that was judged, and what should be walked once more before it can stand."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    doubts: frozenset[ListingId]
    """The listings that a further walk should confirm: something seems missing in them."""
    timelines: Iterable[Timeline] = field(default=(), compare=False)
    """The nights of each index that can be backed up."""


def evaluate(
    inventory: Inventory, policy: Policy, catalogue: ControlCatalog, memory: ProjectState = EMPTY_STATE
) -> Evaluation:
    """Judge every control on every resource. A control that raises becomes a finding and silences no other."""
    project = ProjectContext(inventory, policy, memory)
    findings: list[Finding] = []
    doubts: set[ListingId] = set()
    indexes = protected = recovery_points = 0
    for control in catalogue.project:
        verdict = _evaluate_control(control, project, project, None, doubts)
        findings.append(_finding(control, project.resource, verdict, project, {}))
    for facts in inventory.indexes:
        subject = IndexContext(project, facts)  # one at a time: what is worked out for an index goes with it
        for index_control in catalogue.index:
            verdict = _evaluate_index_control(index_control, subject, project, doubts)
            findings.append(_finding(index_control, subject.resource, verdict, project, subject.schedules.only))
        if subject.unsupported is None and not subject.index.is_initializing:
            indexes += 1
            protected += subject.is_protected
            recovery_points += subject.known_recovery_points
    for deleted in deleted_indexes(project):
        for deleted_control in catalogue.deleted_index:
            verdict = _evaluate_control(deleted_control, deleted, project, deleted.name, doubts)
            findings.append(_finding(deleted_control, deleted.resource, verdict, project, {}))
    findings.sort(key=lambda it: (it.control, it.resource.type, it.resource.name, it.resource.id or ""))
    coverage = Coverage(indexes, protected, recovery_points)
    return Evaluation(tuple(findings), coverage, frozenset(doubts), Timelines(inventory, policy, memory))


def _evaluate_index_control(
    control: Control[IndexContext], subject: IndexContext, project: ProjectContext, doubts: set[ListingId]
) -> Verdict:
    if subject.excluded is not None:
        return not_applicable(subject.excluded)
    support, is_aside = subject.support, control.is_judged_without_support
    if support.reason is not None and not is_aside:
        verdict = Verdict(Compliance.NOT_APPLICABLE, support.reason, rests_on=support.rests_on)
        return require_confirmed_absence(verdict, project, subject.name, doubts)
    refusal = subject.schedules.plan_refusal
    if control.family is Family.SCHEDULES and refusal is not None:
        return not_applicable(f"The organization's plan has no backup schedules: {refusal.message}")
    if subject.index.is_initializing and not control.is_judged_while_created:
        return not_applicable("It is still being created (state Initializing): recovery points are not due yet.")
    verdict = _evaluate_control(control, subject, project, subject.name, doubts)
    if support.unknown is not None and not is_aside and verdict.compliance is not Compliance.NOT_APPLICABLE:
        return Verdict(Compliance.INSUFFICIENT_DATA, support.unknown.reason, support.unknown.evidence)
    return verdict


def _evaluate_control[Subject](
    control: Control[Subject],
    subject: Subject,
    project: ProjectContext,
    index: str | None,
    doubts: set[ListingId],
) -> Verdict:
    try:
        verdict = control.judge(subject)
    except InsufficientDataError as error:
        return Verdict(Compliance.INSUFFICIENT_DATA, error.reason, error.evidence, exemption=error.exemption)
    except Exception as error:  # noqa: BLE001  a broken control may not silence the others
        reason = f"The control itself failed with {type(error).__name__}: {error}; please report it."
        return Verdict(Compliance.INSUFFICIENT_DATA, reason)
    return require_confirmed_absence(verdict, project, index, doubts)


_FIND_OUT = "Nothing is known to be wrong here. Find out why it is not known, which the reason tells, and audit again."
"""What is to be done where nothing could be judged: the control's own remedy may be for a fault that is none."""


def _finding[Subject](
    control: Control[Subject],
    resource: Resource,
    verdict: Verdict,
    project: ProjectContext,
    known: Evidence,
) -> Finding:
    steps = {Compliance.NON_COMPLIANT: control.remediation, Compliance.INSUFFICIENT_DATA: _FIND_OUT}
    step = steps.get(verdict.compliance, "")
    exemption = (project.exemption_for(control.id, resource) or verdict.exemption) if step else None
    return Finding(
        control=control.id,
        resource=resource,
        compliance=verdict.compliance,
        severity=verdict.severity or control.severity,
        reason=verdict.reason,
        evidence=verdict.evidence,
        remediation=fill_step(step, placeholder_values(resource, known, verdict.evidence)),
        fingerprint=fingerprint(control.id, resource),
        exemption=exemption,
        known=known,
    )
