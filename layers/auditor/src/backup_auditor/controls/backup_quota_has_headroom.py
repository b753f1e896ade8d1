"""Control `backup-quota-has-headroom`."""

from math import ceil

from backup_auditor.domain.capacity import Share, best_schedule_fit, describe_fit, fit_evidence, per_index
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

CRITICALLY_FULL = 95
"""Percent of the quota from which on it is of high severity."""


def judge(subject: ProjectContext) -> Verdict:
    """Judge the project."""
    quota, warn = subject.policy.project.quota, subject.policy.project.quota_warn_percent
    if quota is None:
        return not_applicable("The project has no quota of backups: its plan has none, and the policy gives none.")
    if warn is None:
        return not_applicable("The policy sets no limit to how full the quota may be.")
    filled = subject.quota
    count = filled.backups.total()
    percent = 100 * count / quota
    evidence: dict[str, object] = {
        "backups": count,
        "quota": quota,
        "percent": int(percent * 10) / 10,
        "warn_percent": warn,
        "per_index": per_index(Share(name, held, {"backups": held}) for name, held in filled.backups.items()),
    }
    reason = f"The project lists {pluralize(count, 'backup')}, {evidence['percent']} % of the quota of {quota:,}"
    if 100 * count >= warn * quota:
        if 100 * (count - filled.perhaps_planned) < warn * quota:
            raise InsufficientDataError(
                f"{reason}; whether {filled.perhaps_planned:,} of them began is not known.", evidence
            )
        indexes = len({it.index for it in filled.holdings})
        most = ceil(quota * warn / 100) - 1  # one more would reach it
        fit = best_schedule_fit(indexes, most - filled.manual.total())
        evidence["fits"] = fit_evidence(fit, indexes)
        severity = Severity.HIGH if 100 * count >= CRITICALLY_FULL * quota else None
        return non_compliant(
            f"{reason}, less than {warn:g} % is allowed; {describe_fit(fit, indexes)}.", evidence, severity=severity
        )
    unread = subject.inventory.backups.broken
    if unread is not None:
        raise InsufficientDataError(f"{reason}, and not all were read: {unread.what}: {unread.error}", evidence)
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
    judge=judge,
    parameters={
        "project.plan": "the plan, which gives the quota: standard 500, enterprise 1,000",
        "project.backup_quota": "the quota, where it is another",
        "project.quota_warn_percent": "how full the quota may be; null for no such limit",
    },
)
