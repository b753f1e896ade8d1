"""Summarize the report of one project as a row of the fleet."""

from backup_auditor.domain.evaluation.results import QuotaFigures
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.reporting.fleet import FindingChanges, FleetProject, QuotaUse, RestoreProof
from backup_auditor.domain.reporting.metrics import ConfirmedFigures
from backup_auditor.domain.reporting.report import Report

_QUOTA_CONTROLS = ("backup-quota-has-headroom", "schedules-fit-quota")
"""The controls whose verdicts confirm how much of the quota is used now, and when the schedules have filled up."""


def summarize_project(report: Report) -> FleetProject:
    """Return the row of one report: it has all that the fleet needs of it."""
    summary, figures = report.summary, ConfirmedFigures(report)
    ages, ends = figures.list_ages(), figures.list_ends()
    new_count = sum(it.is_opened for it in report.findings)
    is_proof_known = all(it.unknown_reason is None for it in report.restore_drills)
    return FleetProject(
        name=report.project,
        project_id=report.project_id,
        audit_id=report.audit_id,
        observed_at=report.observed_at,
        compliance=report.compliance,
        index_count=report.inventory.indexes,
        coverage=report.coverage if figures.is_coverage_known else None,
        coverage_percent=summary.coverage_percent if figures.is_coverage_known else None,
        is_coverage_known=figures.is_coverage_known,
        open_counts=summary.open,
        unknown_count=sum(it.is_unknown for it in report.findings),
        exempted_count=summary.exempted,
        worst_age=min(ages or (), key=lambda it: (-it.ratio, -it.age, it.index), default=None),
        is_age_known=ages is not None,
        first_end=min(ends or (), key=lambda it: (it.at, it.index), default=None),
        is_end_known=ends is not None,
        quota=None if report.figures.quota is None else _compute_quota_use(report, report.figures.quota),
        last_proof=_find_last_proof(report) if is_proof_known else None,
        is_proof_known=is_proof_known,
        read_error_count=len(report.read_failures),
        changes=FindingChanges(new_count, len(report.resolved_findings)) if report.has_history else None,
    )


def _find_last_proof(report: Report) -> RestoreProof | None:
    proofs = [
        RestoreProof(it.resource.name, it.last_proof.ended_at)
        for it in report.restore_drills
        if it.last_proof is not None
    ]
    return max(proofs, key=lambda it: (it.ended_at, it.index), default=None)


def _compute_quota_use(report: Report, figures: QuotaFigures) -> QuotaUse:
    compliance_by_control = {it.control: it.compliance for it in report.findings if it.control in _QUOTA_CONTROLS}
    numbers = (figures.backups, figures.slots + figures.manual)
    used, used_when_full = (
        None if compliance_by_control.get(control) in {None, Compliance.INSUFFICIENT_DATA} else number
        for control, number in zip(_QUOTA_CONTROLS, numbers, strict=True)
    )
    return QuotaUse(figures.quota, used, used_when_full)
