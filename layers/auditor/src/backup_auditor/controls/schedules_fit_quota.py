"""Control `schedules-fit-quota`."""

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.project import NO_QUOTA_REASON, ProjectContext, QuotaUsage, ScheduleUsage
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
from backup_auditor.domain.timefmt import to_days


def _evaluate(subject: ProjectContext) -> Verdict:
    quota = subject.policy.project.quota
    if quota is None:
        return not_applicable(NO_QUOTA_REASON)
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
        f"Enabled schedules need up to {pluralize(slot_count, 'backup')}, in addition to"
        f" {pluralize(manual_count, 'manual backup')} (quota: {quota:,})"
    )
    if slot_count + manual_count > quota:
        fit = find_best_schedule_fit(index_count, quota - manual_count)
        evidence["fits"] = build_fit_evidence(fit, index_count)
        return non_compliant(f"{reason}; {describe_fit(fit, index_count)}.", evidence)
    unknown_facts = [
        f"how many backups schedule {it.schedule.schedule_id} needs"
        for it in quota_usage.schedule_usages
        if it.slots is None
    ]
    unknown_facts += quota_usage.describe_unknown_usage()
    if slot_count + manual_count + quota_usage.possibly_manual_count > quota:
        unknown_facts.append(f"how many of {pluralize(quota_usage.possibly_manual_count, 'backup')} are manual")
    failure = subject.inventory.backups.failure
    if failure is not None:
        unknown_facts.append(f"what else uses the quota ({failure})")
    if unknown_facts:
        raise InsufficientDataError(
            f"{reason}; it is unknown {unknown_facts[0]}.", {**evidence, "unknown": len(unknown_facts)}
        )
    if not index_count:
        return not_applicable("The project has no enabled schedule.", evidence)
    return compliant(f"{reason}.", evidence)


def _make_share(quota_usage: QuotaUsage, name: str, schedule_usages: list[ScheduleUsage]) -> QuotaShare:
    slot_count, manual_count = sum(it.min_slots for it in schedule_usages), quota_usage.manual_counts.get(name, 0)
    schedules = [
        {
            "frequency": it.schedule.frequency,
            "retention_days": None if it.schedule.retention is None else to_days(it.schedule.retention),
            "slots": it.slots,
        }
        for it in schedule_usages
    ]
    return QuotaShare(
        name, slot_count + manual_count, {"schedules": schedules, "slots": slot_count, "manual": manual_count}
    )


SCHEDULES_FIT_QUOTA = Control(
    id="schedules-fit-quota",
    title="The enabled schedules fit the backup quota of the project",
    fails_when="The enabled schedules and the manual backups, including those of deleted indexes, need more backups"
    " than the quota. Each schedule needs at most its retention divided by its longest interval, rounded down, plus"
    " one.",
    severity=Severity.HIGH,
    scopes=(ResourceType.PROJECT,),
    family=Family.QUOTA,
    rationale="Schedules that need more than the quota run well for weeks. When the quota is full, all of them fail"
    " at once.",
    remediation="Shorten the retention of schedules of {name} or lower their frequency with PATCH"
    " /backup-schedules/SCHEDULE_ID (ids: GET /indexes/INDEX/backup-schedules), delete manual backups that are no"
    " longer needed with DELETE /backups/BACKUP_ID (ids: GET /backups), or ask Pinecone to raise the quota.",
    looks_at="The frequency and retention of every enabled schedule, and the manual backups.",
    console=(
        ("Open the indexes that need the most backups and edit their schedules (the evidence shows what would fit)."),
        "Open Backups of the project and delete manual backups that are no longer needed.",
    ),
    api=("PATCH /backup-schedules/SCHEDULE_ID.", "DELETE /backups/BACKUP_ID."),
    false_positives="A quota that Pinecone raised for the organization: set project.backup_quota.",
    evaluate=_evaluate,
    parameters={
        "project.plan": "the plan, which determines the quota: standard 500, enterprise 1,000",
        "project.backup_quota": "the quota, if it differs from the plan's",
    },
)
