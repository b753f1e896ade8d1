"""Control `backup-quota-has-headroom`."""

from math import ceil

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.project import NO_QUOTA_REASON, ProjectContext
from backup_auditor.domain.finding import (
    InsufficientDataError,
    ResourceType,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.target_schedule import (
    QuotaShare,
    build_fit_evidence,
    build_share_evidence,
    describe_fit,
    find_best_schedule_fit,
)
from backup_auditor.domain.text import pluralize

CRITICAL_PERCENT = 95
"""Percent of the quota from which the severity is high."""


def _evaluate(subject: ProjectContext) -> Verdict:
    quota, warn_percent = subject.policy.project.quota, subject.policy.project.quota_warn_percent
    if quota is None:
        return not_applicable(NO_QUOTA_REASON)
    if warn_percent is None:
        return not_applicable("The policy sets no warning limit for the quota.")
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
    percent_text = f"{evidence['percent']:g}% of the quota of {quota:,}; limit: below {warn_percent:g}%"
    reason = f"The project has {pluralize(backup_count, 'backup')} ({percent_text})"
    if 100 * backup_count >= warn_percent * quota:
        if 100 * (backup_count - usage.possibly_scheduled_count) < warn_percent * quota:
            raise InsufficientDataError(
                f"{reason}; it is unknown whether {usage.possibly_scheduled_count:,} of them started.", evidence
            )
        index_count = len({it.index for it in usage.schedule_usages})
        max_backups = ceil(quota * warn_percent / 100) - 1  # one more would reach it
        fit = find_best_schedule_fit(index_count, max_backups - usage.manual_counts.total())
        evidence["fits"] = build_fit_evidence(fit, index_count)
        severity = Severity.HIGH if 100 * backup_count >= CRITICAL_PERCENT * quota else None
        return non_compliant(f"{reason}; {describe_fit(fit, index_count)}.", evidence, severity=severity)
    failure = subject.inventory.backups.failure
    if failure is not None:
        raise InsufficientDataError(f"{reason}; not all backups could be read: {failure}", evidence)
    return compliant(f"{reason}.", evidence)


BACKUP_QUOTA_HAS_HEADROOM = Control(
    id="backup-quota-has-headroom",
    title="The backup quota of the project has headroom",
    fails_when="The listed backups of the project reach the warning percentage of its quota. Backups of deleted"
    " indexes count; planned runs do not. The severity is high from 95%.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.PROJECT,),
    family=Family.QUOTA,
    rationale="When the quota is full, no further backup of any index is made, scheduled or manual.",
    remediation="Delete backups of {name} that are no longer needed, those of deleted indexes first (list them with"
    " GET /backups, delete with DELETE /backups/BACKUP_ID); shorten the retention of schedules with PATCH"
    " /backup-schedules/SCHEDULE_ID (ids: GET /indexes/INDEX/backup-schedules); or ask Pinecone to raise the quota.",
    looks_at="The number of backups in the project, and the quota of its plan or policy.",
    console=(
        "Open Backups of the project and delete backups of deleted indexes that are no longer needed.",
        "Open the indexes with the most backups and shorten the retention of their schedules.",
    ),
    api=("GET /backups.", "DELETE /backups/BACKUP_ID.", "PATCH /backup-schedules/SCHEDULE_ID."),
    false_positives="A quota that Pinecone raised for the organization: set project.backup_quota.",
    corresponds_to=("AWS Trusted Advisor service limits",),
    evaluate=_evaluate,
    parameters={
        "project.plan": "the plan, which determines the quota: standard 500, enterprise 1,000",
        "project.backup_quota": "the quota, if it differs from the plan's",
        "project.quota_warn_percent": "the warning limit in percent of the quota; null: no limit",
    },
)
