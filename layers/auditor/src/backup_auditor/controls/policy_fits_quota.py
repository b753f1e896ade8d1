"""Control `policy-fits-quota`."""

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
from backup_auditor.domain.policy import ScheduleRequirement
from backup_auditor.domain.target_schedule import (
    QuotaShare,
    build_fit_evidence,
    build_share_evidence,
    count_min_slots,
    describe_fit,
    find_best_schedule_fit,
    find_min_retention,
)
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import to_days


def _evaluate(subject: ProjectContext) -> Verdict:
    quota = subject.policy.project.quota
    if quota is None:
        return not_applicable(NO_QUOTA_REASON)
    requirements = subject.required_schedules
    shares = [_make_share(name, requirement) for name, requirement in requirements.items()]
    slot_count = sum(it.slots for it in shares)
    unknown_errors = [it for name in requirements if (it := subject.support_by_name[name].unknown_error) is not None]
    certain_slot_count = sum(
        count_min_slots(requirement)
        for name, requirement in requirements.items()
        if subject.support_by_name[name].unknown_error is None
    )
    evidence: dict[str, object] = {
        "indexes": len(shares),
        "slots": slot_count,
        "quota": quota,
        "per_index": build_share_evidence(shares),
    }
    need_text = f"schedules of {pluralize(len(shares), 'index', 'indexes')} need {pluralize(slot_count, 'backup')}"
    reason = f"At minimum retention, {need_text} (quota: {quota:,})"
    if slot_count > quota >= certain_slot_count and unknown_errors:
        raise InsufficientDataError(
            f"{reason}, but some indexes may not support backups: {unknown_errors[0].reason}", evidence
        )
    if slot_count > quota:
        fit = find_best_schedule_fit(len(shares), quota)
        evidence["fits"] = build_fit_evidence(fit, len(shares))
        return non_compliant(f"{reason}; {describe_fit(fit, len(shares))}.", evidence)
    failure = subject.inventory.indexes_failure
    if failure is not None:
        raise InsufficientDataError(f"{reason}; not all indexes could be read: {failure}", evidence)
    if not shares:
        return not_applicable("The policy requires no schedule of any index.", evidence)
    return compliant(f"{reason}.", evidence)


def _make_share(name: str, requirement: ScheduleRequirement) -> QuotaShare:
    slot_count = count_min_slots(requirement)
    detail = {
        "frequency": requirement.frequency.value,
        "retention_days": to_days(find_min_retention(requirement)),
        "slots": slot_count,
    }
    return QuotaShare(name, slot_count, detail)


POLICY_FITS_QUOTA = Control(
    id="policy-fits-quota",
    title="The schedules that the policy requires fit the backup quota of the project",
    fails_when="The schedules that the policy requires need more backups than the quota. Each required schedule needs"
    " its minimum retention divided by the longest interval of the required frequency, rounded down, plus one.",
    severity=Severity.HIGH,
    scopes=(ResourceType.PROJECT,),
    family=Family.QUOTA,
    rationale="If the policy cannot be met by all indexes at once, some will have no backups, and no one chose which.",
    remediation="Add a policy rule with lower requirements for some indexes of {name} (see Rules in the policy"
    " documentation; the evidence shows what would fit), distribute the indexes over several projects, or ask"
    " Pinecone to raise the quota.",
    looks_at="The indexes that can be backed up, the frequency and minimum retention that the policy requires of"
    " each, and the quota.",
    console=(),
    api=("None: change the policy or the plan.",),
    false_positives="A quota that Pinecone raised for the organization: set project.backup_quota.",
    evaluate=_evaluate,
    parameters={
        "project.plan": "the plan, which determines the quota: standard 500, enterprise 1,000",
        "project.backup_quota": "the quota, if it differs from the plan's",
        "schedule.required": "whether a schedule is required",
        "schedule.frequency": "the slowest allowed frequency",
        "schedule.retention_days.min": "the minimum retention in days",
    },
)
