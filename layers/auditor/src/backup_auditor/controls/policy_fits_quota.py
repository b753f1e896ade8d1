"""Control `policy-fits-quota`."""

from backup_auditor.domain.capacity import (
    Share,
    best_schedule_fit,
    describe_fit,
    fit_evidence,
    least_retention,
    least_slots,
    per_index,
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
from backup_auditor.domain.evaluation.index import why_excluded
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.policy import ScheduleRequirement
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import days


def judge(subject: ProjectContext) -> Verdict:
    """Judge the project."""
    quota = subject.policy.project.quota
    if quota is None:
        return not_applicable("The project has no quota of backups: its plan has none, and the policy gives none.")
    required = _required(subject)
    shares = [_share(name, require) for name, require in required]
    slots = sum(it.taken for it in shares)
    doubts = [it for name, _ in required if (it := subject.supports[name].unknown) is not None]
    certain = sum(least_slots(require) for name, require in required if subject.supports[name].unknown is None)
    evidence: dict[str, object] = {
        "indexes": len(shares),
        "slots": slots,
        "quota": quota,
        "per_index": per_index(shares),
    }
    reason = f"What the policy requires of {pluralize(len(shares), 'schedule')} takes {slots:,} of {quota:,} backups"
    if slots > quota >= certain and doubts:
        raise InsufficientDataError(f"{reason}, and not all of them may have one: {doubts[0].reason}", evidence)
    if slots > quota:
        fit = best_schedule_fit(len(shares), quota)
        evidence["fits"] = fit_evidence(fit, len(shares))
        return non_compliant(f"{reason}; {describe_fit(fit, len(shares))}.", evidence)
    unread = subject.inventory.indexes_unread
    if unread is not None:
        raise InsufficientDataError(f"{reason}, and not all indexes are known: {unread.what}: {unread.error}", evidence)
    if not shares:
        return not_applicable("The policy requires a schedule of no index.", evidence)
    return compliant(f"{reason}.", evidence)


def _required(subject: ProjectContext) -> list[tuple[str, ScheduleRequirement]]:
    """Return what the policy requires of the schedule of each index that is to have one."""
    supported = (
        name
        for name, facts in subject.facts.items()
        if why_excluded(facts.index, subject.policy) is None and subject.supports[name].reason is None
    )
    required = ((name, subject.required_of(name).schedule) for name in supported)
    return [(name, it) for name, it in required if it.required]


def _share(name: str, require: ScheduleRequirement) -> Share:
    slots = least_slots(require)
    detail = {
        "frequency": require.frequency.value,
        "retention_days": days(least_retention(require)),
        "slots": slots,
    }
    return Share(name, slots, detail)


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
    judge=judge,
    parameters={
        "project.plan": "the plan, which gives the quota: standard 500, enterprise 1,000",
        "project.backup_quota": "the quota, where it is another",
        "schedule.required": "whether an index must have a schedule",
        "schedule.frequency": "the slowest frequency that is enough",
        "schedule.retention_days.min": "the fewest days that backups are to be kept",
    },
)
