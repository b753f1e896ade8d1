"""The evaluation of an inventory against a policy: one finding for every control and resource."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backup_auditor.domain.control import Control, Family, build_placeholder_values, fill_step
from backup_auditor.domain.evaluation.absence import require_confirmed_absence
from backup_auditor.domain.evaluation.index import DeletedIndexContext, IndexContext, find_deleted_indexes
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.evaluation.restore_proofs import summarize_drills
from backup_auditor.domain.evaluation.results import (
    AuditFigures,
    Coverage,
    Evaluation,
    IndexDrills,
    IndexFigures,
    QuotaFigures,
)
from backup_auditor.domain.evaluation.timeline import Timelines
from backup_auditor.domain.finding import (
    Compliance,
    Evidence,
    Finding,
    InsufficientDataError,
    Resource,
    ResourceType,
    Verdict,
    compute_fingerprint,
    not_applicable,
)
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import ListingId
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState

type AnyControl = Control[ProjectContext] | Control[IndexContext] | Control[DeletedIndexContext]


@dataclass(frozen=True, slots=True)
class ControlCatalog:
    """The controls, in order, by the resource type that they evaluate; a control may evaluate several types."""

    project_controls: tuple[Control[ProjectContext], ...] = ()
    index_controls: tuple[Control[IndexContext], ...] = ()
    deleted_index_controls: tuple[Control[DeletedIndexContext], ...] = ()

    @property
    def all_controls(self) -> tuple[AnyControl, ...]:
        """Every control, once, in the order in which they are documented."""
        controls: tuple[AnyControl, ...] = (*self.index_controls, *self.deleted_index_controls, *self.project_controls)
        return tuple({it.id: it for it in controls}.values())

    @property
    def ids_by_type(self) -> Mapping[ResourceType, Sequence[str]]:
        """The ids of the controls, by the type of resource that they evaluate."""
        return {
            ResourceType.INDEX: [it.id for it in self.index_controls],
            ResourceType.DELETED_INDEX: [it.id for it in self.deleted_index_controls],
            ResourceType.PROJECT: [it.id for it in self.project_controls],
        }


def evaluate_controls(
    inventory: Inventory, policy: Policy, catalog: ControlCatalog, state: ProjectState = EMPTY_STATE
) -> Evaluation:
    """Evaluate every control on every resource. A control that raises becomes a finding and does not affect others."""
    project = ProjectContext(inventory, policy, state)
    findings: list[Finding] = []
    unconfirmed_listings: set[ListingId] = set()
    index_count = protected_count = recovery_point_count = 0
    figures_by_name: dict[str, IndexFigures] = {}
    restore_drills: list[IndexDrills] = []
    for control in catalog.project_controls:
        verdict = _evaluate_control(control, project, project, None, unconfirmed_listings)
        findings.append(_create_finding(control, project.resource, verdict, project, {}))
    for facts in inventory.indexes:
        subject = IndexContext(project, facts)  # one at a time, to release the memory of each index
        for index_control in catalog.index_controls:
            verdict = _evaluate_index_control(index_control, subject, project, unconfirmed_listings)
            values = subject.schedules.single_schedule_evidence
            findings.append(_create_finding(index_control, subject.resource, verdict, project, values))
        if subject.unsupported_reason is None and not subject.index.is_initializing:
            index_count += 1
            protected_count += subject.is_protected
            recovery_point_count += subject.known_recovery_point_count
            if (figures := _compute_index_figures(subject)) is not None:
                figures_by_name[subject.name] = figures
        if (index_drills := summarize_drills(subject)) is not None:
            restore_drills.append(index_drills)
    for deleted_index in find_deleted_indexes(project):
        for deleted_control in catalog.deleted_index_controls:
            subject_name = deleted_index.name
            verdict = _evaluate_control(deleted_control, deleted_index, project, subject_name, unconfirmed_listings)
            findings.append(_create_finding(deleted_control, deleted_index.resource, verdict, project, {}))
    findings.sort(key=lambda it: (it.control, it.resource.type, it.resource.name, it.resource.id or ""))
    coverage = Coverage(index_count, protected_count, recovery_point_count)
    return Evaluation(
        tuple(findings),
        coverage,
        frozenset(unconfirmed_listings),
        AuditFigures(
            figures_by_name,
            _compute_quota_figures(project),
            are_listings_complete=inventory.indexes_failure is None and inventory.backups.failure is None,
        ),
        Timelines(inventory, policy, state),
        tuple(restore_drills),
    )


def _compute_index_figures(subject: IndexContext) -> IndexFigures | None:
    """Return the figures of an index; `None` if it is unknown which backups are its own."""
    try:
        newest_at = subject.backups.require_newest_capture_time()
        return IndexFigures(
            None if newest_at is None else subject.observed_at - newest_at,
            subject.requirements.max_age,
            subject.backups.require_expiry_summary(),
        )
    except InsufficientDataError:
        return None


def _compute_quota_figures(project: ProjectContext) -> QuotaFigures | None:
    quota = project.policy.project.quota
    if not quota:
        return None
    usage = project.quota_usage
    slots = sum(it.min_slots for it in usage.schedule_usages)
    return QuotaFigures(quota, usage.backup_counts.total(), slots, usage.manual_counts.total())


def _evaluate_index_control(
    control: Control[IndexContext], subject: IndexContext, project: ProjectContext, unconfirmed_listings: set[ListingId]
) -> Verdict:
    if subject.exclusion_reason is not None:
        return not_applicable(subject.exclusion_reason)
    support, is_independent_of_support = subject.support, control.is_evaluated_without_support
    if support.reason is not None and not is_independent_of_support:
        verdict = Verdict(
            Compliance.NOT_APPLICABLE, support.reason, depends_on_absence_in=support.depends_on_absence_in
        )
        return require_confirmed_absence(verdict, project, subject.name, unconfirmed_listings)
    plan_denial = subject.schedules.plan_denial
    if control.family is Family.SCHEDULES and plan_denial is not None:
        return not_applicable(f"The organization's plan has no backup schedules: {plan_denial.message}")
    if subject.index.is_initializing and not control.is_evaluated_while_initializing:
        return not_applicable(
            "The index is still being created (state Initializing), so recovery points are not due yet."
        )
    verdict = _evaluate_control(control, subject, project, subject.name, unconfirmed_listings)
    if (
        support.unknown_error is not None
        and not is_independent_of_support
        and verdict.compliance is not Compliance.NOT_APPLICABLE
    ):
        return Verdict(Compliance.INSUFFICIENT_DATA, support.unknown_error.reason, support.unknown_error.evidence)
    return verdict


def _evaluate_control[Subject](
    control: Control[Subject],
    subject: Subject,
    project: ProjectContext,
    index: str | None,
    unconfirmed_listings: set[ListingId],
) -> Verdict:
    try:
        verdict = control.evaluate(subject)
    except InsufficientDataError as error:
        return Verdict(Compliance.INSUFFICIENT_DATA, error.reason, error.evidence, exemption=error.exemption)
    except Exception as error:  # noqa: BLE001  a broken control must not affect the others
        reason = f"The control failed with {type(error).__name__}: {error}; report this error."
        return Verdict(Compliance.INSUFFICIENT_DATA, reason)
    return require_confirmed_absence(verdict, project, index, unconfirmed_listings)


_UNKNOWN_STEP = "No violation is known. Resolve the cause that the reason names, then audit again."
"""The remediation of an unknown result: the remediation of the control may not apply."""


def _create_finding[Subject](
    control: Control[Subject],
    resource: Resource,
    verdict: Verdict,
    project: ProjectContext,
    remediation_values: Evidence,
) -> Finding:
    steps = {Compliance.NON_COMPLIANT: control.remediation, Compliance.INSUFFICIENT_DATA: _UNKNOWN_STEP}
    step = steps.get(verdict.compliance, "")
    exemption = (project.find_exemption(control.id, resource) or verdict.exemption) if step else None
    return Finding(
        control=control.id,
        resource=resource,
        compliance=verdict.compliance,
        severity=verdict.severity or control.severity,
        reason=verdict.reason,
        evidence=verdict.evidence,
        remediation=fill_step(step, build_placeholder_values(resource, remediation_values, verdict.evidence)),
        fingerprint=compute_fingerprint(control.id, resource),
        exemption=exemption,
        remediation_values=remediation_values,
    )
