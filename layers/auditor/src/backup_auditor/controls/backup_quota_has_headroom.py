"""Control `backup-quota-has-headroom`."""

from math import ceil

from backup_auditor.domain.capacity import (
    QuotaShare,
    build_fit_evidence,
    build_share_evidence,
    describe_fit,
    find_best_schedule_fit,
)
from backup_auditor.domain.control import (
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize

CRITICAL_PERCENT = 95
"""Percent of the quota from which on it is of high severity."""


def evaluate(subject: ProjectContext) -> Verdict:
    """Judge the project."""
    quota, warn_percent = subject.policy.project.quota, subject.policy.project.quota_warn_percent
    if quota is None:
        return not_applicable("The project has no quota of backups: its plan has none, and the policy gives none.")
    if warn_percent is None:
        return not_applicable("The policy sets no limit to how full the quota may be.")
    usage = subject.quota_usage
    backup_count = usage.backup_counts.total()
    percent = 100 * backup_count / quota
    evidence: dict[str, object] = {
        "backups": backup_count,
        "quota": quota,
        "percent": int(percent * 10) / 10,
        "warn_percent": warn_percent,
        "per_index": build_share_evidence(
            QuotaShare(name, index_backup_count, {"backups": index_backup_count})
            for name, index_backup_count in usage.backup_counts.items()
        ),
    }
    reason = f"The project lists {pluralize(backup_count, 'backup')}, {evidence['percent']} % of the quota of {quota:,}"
    if 100 * backup_count >= warn_percent * quota:
        if 100 * (backup_count - usage.possibly_scheduled_count) < warn_percent * quota:
            raise InsufficientDataError(
                f"{reason}; whether {usage.possibly_scheduled_count:,} of them began is not known.", evidence
            )
        index_count = len({it.index for it in usage.schedule_usages})
        max_backups = ceil(quota * warn_percent / 100) - 1  # one more would reach it
        fit = find_best_schedule_fit(index_count, max_backups - usage.manual_counts.total())
        evidence["fits"] = build_fit_evidence(fit, index_count)
        severity = Severity.HIGH if 100 * backup_count >= CRITICAL_PERCENT * quota else None
        return non_compliant(
            f"{reason}, less than {warn_percent:g} % is allowed; {describe_fit(fit, index_count)}.",
            evidence,
            severity=severity,
        )
    failure = subject.inventory.backups.failure
    if failure is not None:
        raise InsufficientDataError(f"{reason}, and not all were read: {failure.call}: {failure.error}", evidence)
    return compliant(f"{reason}.", evidence)


BACKUP_QUOTA_HAS_HEADROOM = Control(
    id="backup-quota-has-headroom",
    title="The project's quota of backups has room",
    fails_when="The listed backups of the project, planned runs left out and those of deleted indexes included, reach"
    " the percentage of its quota. High from 95 percent on.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.PROJECT,),
    family=Family.QUOTA,
    rationale="When the quota is full no further backup is made, scheduled or manual, of any index.",
    remediation="Delete backups of {name} that nobody needs, those of deleted indexes first (GET /backups lists"
    " them, DELETE /backups/BACKUP_ID deletes one); shorten retentions by PATCH /backup-schedules/SCHEDULE_ID"
    " (GET /indexes/INDEX/backup-schedules tells it); or ask Pinecone for a greater quota.",
    guidance=Guidance(
        looks_at="How many backups the project lists, against the quota of its plan or of the policy.",
        console=(
            "Open Backups of the project, and delete those of deleted indexes that nobody needs.",
            "Open the indexes with the most backups, and shorten the retention of their schedules.",
        ),
        api=("GET /backups.", "DELETE /backups/BACKUP_ID.", "PATCH /backup-schedules/SCHEDULE_ID."),
        false_positives="A quota that Pinecone raised for the organization: state it as project.backup_quota.",
        corresponds_to=("AWS Trusted Advisor service limits",),
    ),
    evaluate=evaluate,
    parameters={
        "project.plan": "the plan, which gives the quota: standard 500, enterprise 1,000",
        "project.backup_quota": "the quota, where it is another",
        "project.quota_warn_percent": "how full the quota may be; null for no such limit",
    },
)
