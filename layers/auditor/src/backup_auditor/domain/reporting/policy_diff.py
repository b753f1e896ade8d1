"""Compare two policies on one inventory: the findings that open and close, and the backup slots that they need."""

from dataclasses import dataclass

from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.evaluation.results import Evaluation
from backup_auditor.domain.finding import Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.target_schedule import count_min_slots
from backup_auditor.domain.warnings import find_policy_warnings


@dataclass(frozen=True, slots=True)
class QuotaDemand:
    """The part of the backup quota that a policy needs for the indexes of one inventory."""

    source: str
    schedule_count: int
    """The number of indexes that must have a schedule."""
    slots: int
    """The minimum number of backups that those schedules store."""
    quota: int | None


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """The changes of an inventory's findings when a new policy replaces an old one."""

    before: QuotaDemand
    after: QuotaDemand
    opened_findings: tuple[Finding, ...]
    """Findings that are open only under the new policy, as it evaluates them."""
    closed_findings: tuple[Finding, ...]
    """Findings that are open only under the old policy, as the new policy evaluates them."""
    unknown_findings: tuple[Finding, ...]
    """Findings that only the new policy cannot evaluate from these facts. The next audit may open them."""
    unchanged_count: int
    """The number of findings that are open under both policies."""
    warnings: tuple[str, ...]
    """The warnings of the new policy."""


def diff_policies(
    inventory: Inventory, policies: tuple[Policy, Policy], evaluations: tuple[Evaluation, Evaluation]
) -> PolicyDiff:
    """Compare the evaluations of an inventory under two policies, the old one first."""
    old, new = ({it.fingerprint: it for it in evaluation.findings} for evaluation in evaluations)
    no_longer_open = [new[key] for key, it in old.items() if it.is_open and key in new and not new[key].is_open]
    return PolicyDiff(
        before=_compute_demand(inventory, policies[0]),
        after=_compute_demand(inventory, policies[1]),
        opened_findings=tuple(it for key, it in new.items() if it.is_open and not (key in old and old[key].is_open)),
        closed_findings=tuple(it for it in no_longer_open if not it.is_unknown),
        unknown_findings=tuple(
            it for key, it in new.items() if it.is_unknown and not (key in old and old[key].is_unknown)
        ),
        unchanged_count=sum(it.is_open and key in new and new[key].is_open for key, it in old.items()),
        warnings=find_policy_warnings(policies[1], inventory),
    )


def _compute_demand(inventory: Inventory, policy: Policy) -> QuotaDemand:
    slot_counts = [count_min_slots(it) for it in ProjectContext(inventory, policy).required_schedules.values()]
    return QuotaDemand(policy.source, len(slot_counts), sum(slot_counts), policy.project.quota)
