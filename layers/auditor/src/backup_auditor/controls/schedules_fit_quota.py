"""Control `schedules-fit-quota`."""

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
from backup_auditor.domain.evaluation.quota_usage import QuotaUsage, ScheduleUsage
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import days


def judge(subject: ProjectContext) -> Verdict:
    """Judge the project."""
    quota = subject.policy.project.quota
    if quota is None:
        return not_applicable("The project has no quota of backups: its plan has none, and the policy gives none.")
    filled = subject.quota
    manual = filled.manual.total()
    slots = sum(it.least for it in filled.holdings)
    indexes = len({it.index for it in filled.holdings})
    evidence: dict[str, object] = {
        "slots": slots,
        "manual": manual,
        "quota": quota,
        "per_index": per_index(_share(filled, name, held) for name, held in filled.by_index().items()),
    }
    reason = (
        f"Enabled schedules hold up to {pluralize(slots, 'backup')}, and people took {manual:,} by hand;"
        f" the quota is {quota:,}"
    )
    if slots + manual > quota:
        fit = best_schedule_fit(indexes, quota - manual)
        evidence["fits"] = fit_evidence(fit, indexes)
        return non_compliant(f"{reason}; {describe_fit(fit, indexes)}.", evidence)
    unknown = [f"what schedule {it.schedule.schedule_id} holds" for it in filled.holdings if it.slots is None]
    unknown += filled.unread()
    if slots + manual + filled.perhaps_manual > quota:
        unknown.append(f"how many of {pluralize(filled.perhaps_manual, 'backup')} were taken by hand")
    broken = subject.inventory.backups.broken
    if broken is not None:
        unknown.append(f"what else there is ({broken.what}: {broken.error})")
    if unknown:
        raise InsufficientDataError(
            f"{reason}, and it is not known {unknown[0]}.", {**evidence, "unknown": len(unknown)}
        )
    if not indexes:
        return not_applicable("No schedule is enabled.", evidence)
    return compliant(f"{reason}.", evidence)


def _share(filled: QuotaUsage, name: str, holdings: list[ScheduleUsage]) -> Share:
    slots, manual = sum(it.least for it in holdings), filled.manual.get(name, 0)
    schedules = [
        {
            "frequency": it.schedule.frequency,
            "retention_days": None if it.schedule.retention is None else days(it.schedule.retention),
            "slots": it.slots,
        }
        for it in holdings
    ]
    return Share(name, slots + manual, {"schedules": schedules, "slots": slots, "manual": manual})


SCHEDULES_FIT_QUOTA = Control(
    id="schedules-fit-quota",
    title="What the enabled schedules hold fits the project's quota of backups",
    fails_when="The quota is less than what the enabled schedules hold at most (for each, its retention divided by its"
    " longest interval, rounded down, and one more) and the manual backups, those of deleted indexes included.",
    severity=Severity.HIGH,
    scopes=(ResourceType.PROJECT,),
    family=Family.QUOTA,
    rationale="Schedules that hold more than the quota run well for weeks, and fail when it is full: all at once.",
    remediation="Shorten retentions of the schedules of {name} or lower their frequency by PATCH"
    " /backup-schedules/SCHEDULE_ID (GET /indexes/INDEX/backup-schedules tells it), delete manual backups that nobody"
    " needs by DELETE /backups/BACKUP_ID (GET /backups tells it), or ask Pinecone for a greater quota.",
    guidance=Guidance(
        looks_at="The frequency and the retention of every enabled schedule, and the backups that no schedule made.",
        console=(
            "Open the indexes that take most slots, and edit their schedules: the evidence says what would fit.",
            "Open Backups of the project, and delete manual backups that nobody needs.",
        ),
        api=("PATCH /backup-schedules/SCHEDULE_ID.", "DELETE /backups/BACKUP_ID."),
        false_positives="A quota that Pinecone raised for the organization: state it as project.backup_quota.",
    ),
    judge=judge,
    parameters={
        "project.plan": "the plan, which gives the quota: standard 500, enterprise 1,000",
        "project.backup_quota": "the quota, where it is another",
    },
)
