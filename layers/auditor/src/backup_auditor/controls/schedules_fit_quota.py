"""Control `schedules-fit-quota`."""

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
from backup_auditor.domain.evaluation.project import ProjectContext, QuotaUsage, ScheduleUsage
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import to_days


def evaluate(subject: ProjectContext) -> Verdict:
    """Judge the project."""
    quota = subject.policy.project.quota
    if quota is None:
        return not_applicable("The project has no quota of backups: its plan has none, and the policy gives none.")
    quota_usage = subject.quota_usage
    manual_count = quota_usage.manual_counts.total()
    slot_count = sum(it.min_slots for it in quota_usage.schedule_usages)
    index_count = len({it.index for it in quota_usage.schedule_usages})
    evidence: dict[str, object] = {
        "slots": slot_count,
        "manual": manual_count,
        "quota": quota,
        "per_index": build_share_evidence(
            _make_share(quota_usage, name, schedule_usages)
            for name, schedule_usages in quota_usage.group_by_index().items()
        ),
    }
    reason = (
        f"Enabled schedules hold up to {pluralize(slot_count, 'backup')}, and people took {manual_count:,} by hand;"
        f" the quota is {quota:,}"
    )
    if slot_count + manual_count > quota:
        fit = find_best_schedule_fit(index_count, quota - manual_count)
        evidence["fits"] = build_fit_evidence(fit, index_count)
        return non_compliant(f"{reason}; {describe_fit(fit, index_count)}.", evidence)
    unknown_facts = [
        f"what schedule {it.schedule.schedule_id} holds" for it in quota_usage.schedule_usages if it.slots is None
    ]
    unknown_facts += quota_usage.describe_unknown_usage()
    if slot_count + manual_count + quota_usage.possibly_manual_count > quota:
        unknown_facts.append(f"how many of {pluralize(quota_usage.possibly_manual_count, 'backup')} were taken by hand")
    failure = subject.inventory.backups.failure
    if failure is not None:
        unknown_facts.append(f"what else there is ({failure.call}: {failure.error})")
    if unknown_facts:
        raise InsufficientDataError(
            f"{reason}, and it is not known {unknown_facts[0]}.", {**evidence, "unknown": len(unknown_facts)}
        )
    if not index_count:
        return not_applicable("No schedule is enabled.", evidence)
    return compliant(f"{reason}.", evidence)


def _make_share(quota_usage: QuotaUsage, name: str, schedule_usages: list[ScheduleUsage]) -> QuotaShare:
    slot_count, manual_count = sum(it.min_slots for it in schedule_usages), quota_usage.manual_counts.get(name, 0)
    schedules = [
        {
            "frequency": schedule_usage.schedule.frequency,
            "retention_days": None
            if schedule_usage.schedule.retention is None
            else to_days(schedule_usage.schedule.retention),
            "slots": schedule_usage.slots,
        }
        for schedule_usage in schedule_usages
    ]
    return QuotaShare(
        name, slot_count + manual_count, {"schedules": schedules, "slots": slot_count, "manual": manual_count}
    )


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
    evaluate=evaluate,
    parameters={
        "project.plan": "the plan, which gives the quota: standard 500, enterprise 1,000",
        "project.backup_quota": "the quota, where it is another",
    },
)
