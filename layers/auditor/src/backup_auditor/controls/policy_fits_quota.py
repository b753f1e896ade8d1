"""Control `policy-fits-quota`."""

from backup_auditor.domain.capacity import (
    QuotaShare,
    build_fit_evidence,
    build_share_evidence,
    count_min_slots,
    describe_fit,
    find_best_schedule_fit,
    find_min_retention,
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
from backup_auditor.domain.evaluation.index import explain_exclusion
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.policy import ScheduleRequirement
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import to_days


def evaluate(subject: ProjectContext) -> Verdict:
    """Judge the project."""
    quota = subject.policy.project.quota
    if quota is None:
        return not_applicable("The project has no quota of backups: its plan has none, and the policy gives none.")
    requirements = _find_requirements(subject)
    shares = [_make_share(name, requirement) for name, requirement in requirements]
    slot_count = sum(it.slots for it in shares)
    unknown_errors = [it for name, _ in requirements if (it := subject.support_by_name[name].unknown_error) is not None]
    certain_slot_count = sum(
        count_min_slots(requirement)
        for name, requirement in requirements
        if subject.support_by_name[name].unknown_error is None
    )
    evidence: dict[str, object] = {
        "indexes": len(shares),
        "slots": slot_count,
        "quota": quota,
        "per_index": build_share_evidence(shares),
    }
    reason = (
        f"What the policy requires of {pluralize(len(shares), 'schedule')} takes {slot_count:,} of {quota:,} backups"
    )
    if slot_count > quota >= certain_slot_count and unknown_errors:
        raise InsufficientDataError(f"{reason}, and not all of them may have one: {unknown_errors[0].reason}", evidence)
    if slot_count > quota:
        fit = find_best_schedule_fit(len(shares), quota)
        evidence["fits"] = build_fit_evidence(fit, len(shares))
        return non_compliant(f"{reason}; {describe_fit(fit, len(shares))}.", evidence)
    failure = subject.inventory.indexes_failure
    if failure is not None:
        raise InsufficientDataError(
            f"{reason}, and not all indexes are known: {failure.call}: {failure.error}", evidence
        )
    if not shares:
        return not_applicable("The policy requires a schedule of no index.", evidence)
    return compliant(f"{reason}.", evidence)


def _find_requirements(subject: ProjectContext) -> list[tuple[str, ScheduleRequirement]]:
    """Return what the policy requires of the schedule of each index that is to have one."""
    supported_names = (
        name
        for name, facts in subject.facts_by_name.items()
        if explain_exclusion(facts.index, subject.policy) is None and subject.support_by_name[name].reason is None
    )
    requirements = ((name, subject.find_requirements(name).schedule) for name in supported_names)
    return [(name, it) for name, it in requirements if it.required]


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
    title="What the policy requires fits the project's quota of backups",
    fails_when="The quota is less than what the policy's own schedules would hold at the least: for each index that is"
    " to have one, the shortest retention that is allowed divided by the longest interval of the required frequency,"
    " rounded down, and one more.",
    severity=Severity.HIGH,
    scopes=(ResourceType.PROJECT,),
    family=Family.QUOTA,
    rationale="A policy that cannot be met by all indexes at once will be met by some, and nobody chose which.",
    remediation="Ask less of some indexes of {name} by a rule (the evidence of this finding says what would fit; policy"
    " documentation: rules), spread the indexes over several projects, or ask Pinecone for a greater quota.",
    guidance=Guidance(
        looks_at="The indexes that can be backed up, the frequency and the shortest retention that the policy requires"
        " of each, and the quota.",
        console=(),
        api=("None: this is a matter between the policy and the plan.",),
        false_positives="A quota that Pinecone raised for the organization: state it as project.backup_quota.",
    ),
    evaluate=evaluate,
    parameters={
        "project.plan": "the plan, which gives the quota: standard 500, enterprise 1,000",
        "project.backup_quota": "the quota, where it is another",
        "schedule.required": "whether an index must have a schedule",
        "schedule.frequency": "the slowest frequency that is enough",
        "schedule.retention_days.min": "the fewest days that backups are to be kept",
    },
)
