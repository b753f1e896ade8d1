"""What another policy would make of the same facts: which findings it opens and closes, and how many slots it takes."""

from collections.abc import Iterator
from dataclasses import dataclass

from backup_auditor.domain.capacity import least_slots
from backup_auditor.domain.evaluation.evaluator import Evaluation
from backup_auditor.domain.evaluation.index import why_excluded
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.policy_warnings import policy_warnings


@dataclass(frozen=True, slots=True)
class Demand:
    """How much of the quota of backups a policy asks for, on the indexes of one inventory."""

    source: str
    schedules: int
    """How many indexes are to have one."""
    slots: int
    """What those schedules hold at the least."""
    quota: int | None


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """What becomes of the findings of an inventory when one policy takes the place of another."""

    before: Demand
    after: Demand
    opened: tuple[Finding, ...]
    """Those that only the new policy has open, as it judges them."""
    closed: tuple[Finding, ...]
    """Those that only the old policy has open, as the new one judges them."""
    unknown: tuple[Finding, ...]
    """Those that only the new policy cannot judge by these facts: the next audit may well open them."""
    kept: int
    """How many both have open."""
    warnings: tuple[str, ...]
    """What in the new policy deserves a look."""


def diff_policies(
    inventory: Inventory, policies: tuple[Policy, Policy], judgements: tuple[Evaluation, Evaluation]
) -> PolicyDiff:
    """Compare what two policies, the old one first, make of an inventory."""
    old, new = ({it.fingerprint: it for it in judgement.findings} for judgement in judgements)
    ended = [new[key] for key, it in old.items() if it.is_open and key in new and not new[key].is_open]
    return PolicyDiff(
        before=_demand(inventory, policies[0]),
        after=_demand(inventory, policies[1]),
        opened=tuple(it for key, it in new.items() if it.is_open and not (key in old and old[key].is_open)),
        closed=tuple(it for it in ended if not _is_unknown(it)),
        unknown=tuple(it for key, it in new.items() if _is_unknown(it) and not (key in old and _is_unknown(old[key]))),
        kept=sum(it.is_open and key in new and new[key].is_open for key, it in old.items()),
        warnings=policy_warnings(policies[1], inventory),
    )


def _is_unknown(finding: Finding) -> bool:
    return finding.compliance is Compliance.INSUFFICIENT_DATA and finding.exemption is None


def _demand(inventory: Inventory, policy: Policy) -> Demand:
    each = list(_slots(ProjectContext(inventory, policy)))
    return Demand(policy.source, len(each), sum(each), policy.project.quota)


def _slots(project: ProjectContext) -> Iterator[int]:
    for name, facts in project.facts.items():
        require = project.required_of(name).schedule
        is_left_out = why_excluded(facts.index, project.policy) or project.supports[name].reason
        if require.required and not is_left_out:
            yield least_slots(require)
