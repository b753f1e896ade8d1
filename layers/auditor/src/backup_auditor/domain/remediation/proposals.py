"""The remediation that a policy proposes or applies, as a report shows it."""

from collections.abc import Iterable

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.remediation.plan import Proposal
from backup_auditor.domain.remediation.planner import make_plan


def make_proposals(inventory: Inventory, policy: Policy, findings: Iterable[Finding]) -> tuple[Proposal, ...] | None:
    """Return the actions that correct a project, the least protected index first; `None` if the policy wants none.

    Nothing is proposed for a project whose indexes are unknown, or that is not the expected one.
    """
    remediation = policy.remediation
    if {remediation.create_schedules, remediation.fix_schedules} == {Mode.NEVER}:
        return None
    all_findings = tuple(findings)
    if inventory.indexes_failure is not None or any(map(_is_of_another_project, all_findings)):
        return ()
    plan = make_plan(inventory, policy, all_findings)
    action_calls = ((it, it.call) for it in plan.actions)
    return tuple(
        Proposal(
            plan_id=plan.plan_id,
            kind=action.kind,
            index=action.index,
            mode=plan.find_mode(action.kind).value,
            reason=action.reason,
            method=call.method,
            path=call.path,
            body=call.body,
        )
        for action, call in action_calls
    )


def _is_of_another_project(finding: Finding) -> bool:
    return finding.control == "project-is-expected" and finding.compliance is Compliance.NON_COMPLIANT
