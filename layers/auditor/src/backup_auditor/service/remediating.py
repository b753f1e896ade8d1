"""The use cases of remediation: a plan is made of what an audit found, or found again."""

from datetime import datetime

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.actions import ChangeSchedule
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.remediation.planning import plan_of
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import PlanError, UnavailableError
from backup_auditor.ports.writing import RemediationLog
from backup_auditor.service.auditing import Audit


def made_plan(audit: Audit, policy: Policy, log: RemediationLog) -> Plan:
    """Make the plan for what an audit found, and remember it.

    Raises `UnavailableError` where it is not known which indexes there are, `PlanError` where this is not the project
    that the policy is for, and `StateError`.
    """
    check_project(audit, log)
    attempts = log.attempts(audit.inventory.project)
    plan = plan_of(audit.inventory, policy, audit.report.findings, attempts)
    log.keep(plan)
    return plan


def check_project(audit: Audit, log: RemediationLog, plan: Plan | None = None) -> None:
    """Raise what `made_plan` does, and `PlanError` where a plan was made of another project than was audited.

    Projects bear the names that their owners type: a key of another one is told by Pinecone's id, where it is known.
    """
    unread, found = audit.inventory.indexes_unread, audit.inventory.project_id
    if unread is not None:
        raise UnavailableError(f"which indexes there are could not be read: {unread.what}: {unread.error}; try again")
    for it in audit.report.findings:
        if it.control == "project-is-expected" and it.compliance is Compliance.NON_COMPLIANT:
            raise PlanError(f"this is not the project that the policy is for: {it.reason}")
    known = log.pinecone_project_id(audit.inventory.project)
    if None not in {found, known} and found != known:
        told = f"the state of {audit.inventory.project} is of Pinecone project {known}, and the key opens {found}"
        raise PlanError(f"{told}; use a key of that project, or another --project or --state")
    if plan is not None and None not in {found, plan.project_id} and found != plan.project_id:
        told = f"plan {plan.plan_id} is of the project {plan.project_id} of Pinecone, and the key is of {found}"
        raise PlanError(f"{told}; use the key that it was made with")


def check_may_write(plan: Plan, policy: Policy, inventory: Inventory, log: RemediationLog) -> None:
    """Raise `PlanError` before the first write where it must be known which project the key opens, and nothing tells.

    Only schedules tell it, and what an audit recorded of them. Raises `StateError`.
    """
    creates = any(not isinstance(it, ChangeSchedule) for it in plan.applicable)  # a schedule has an id of its own
    if inventory.project_id is not None or not creates:
        return
    unknown, known = "no schedule tells which Pinecone project the key opens", log.pinecone_project_id(plan.project)
    if plan.project_id not in {None, known}:
        made = f"plan {plan.plan_id} was made for Pinecone project {plan.project_id}"
        raise PlanError(f"{made}, and {unknown} now; run remediate without --plan to make another")
    expected = policy.project.expected_id
    if expected in {None, known}:
        return
    if known is not None:
        raise PlanError(f"the policy expects project {expected}, and the state is of {known}; correct one of them")
    remedy = "create the first schedule by hand and run an audit, or leave out expected_id until there is one"
    raise PlanError(f"the policy expects project {expected}, and {unknown}; {remedy}")


def meant_project(plan: Plan, policy: Policy, inventory: Inventory, log: RemediationLog) -> str | None:
    """Return Pinecone's id of the project that is meant, where anything tells it. Raises `StateError`."""
    told = policy.project.expected_id or plan.project_id or inventory.project_id
    return told or log.pinecone_project_id(plan.project)


def found_plan(log: RemediationLog, project: str, plan_id: str, policy: Policy, now: datetime) -> Plan:
    """Return a plan that was shown before. Raises `PlanError` unless it may still be carried out, and `StateError`."""
    plan = log.plan(project, plan_id)
    remedy = "run remediate without --plan to make another"
    if plan is None:
        raise PlanError(f"no plan {quote_text(plan_id, 80)} of project {quote_text(project)} is known; {remedy}")
    if plan.policy_sha256 != policy.sha256:
        raise PlanError(f"plan {plan_id} was made under another policy than {policy.source}; {remedy}")
    why = plan.why_not_now(now)
    if why is not None:
        raise PlanError(f"plan {plan_id} {why} (of {format_moment(plan.made_at)}); {remedy}")
    return plan
