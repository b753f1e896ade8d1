"""What a policy has proposed, or done, to put a project right, as far as a report tells of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.remediation.planner import make_plan


@dataclass(frozen=True, slots=True)
class Proposal:
    """One action of the plan that the facts of an audit make."""

    plan_id: str
    kind: str
    index: str
    mode: str
    """`propose`, or `apply` where the policy lets it be carried out."""
    because: str
    method: str
    path: str
    body: Mapping[str, object]
    """The exact call."""


def make_proposals(inventory: Inventory, policy: Policy, findings: Iterable[Finding]) -> tuple[Proposal, ...] | None:
    """Return what would put a project right, the worst protected first; `None` where the policy wants to hear of none.

    Nothing is proposed for a project of which it is not known what it has, or that is another than was expected.
    """
    wishes = policy.remediation
    if {wishes.create_schedules, wishes.fix_schedules} == {Mode.NEVER}:
        return None
    found = tuple(findings)
    if inventory.indexes_unread is not None or any(map(_is_of_another_project, found)):
        return ()
    plan = make_plan(inventory, policy, found)
    calls = ((it, it.call) for it in plan.actions)
    return tuple(
        Proposal(
            plan_id=plan.plan_id,
            kind=it.kind.value,
            index=it.index,
            mode=plan.mode_of(it.kind).value,
            because=it.because,
            method=call.method,
            path=call.path,
            body=call.body,
        )
        for it, call in calls
    )


def _is_of_another_project(finding: Finding) -> bool:
    return finding.control == "project-is-expected" and finding.compliance is Compliance.NON_COMPLIANT
