"""Builds plans for tests, from facts that `builders` makes."""

from dataclasses import replace
from datetime import date
from typing import Any

from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode, Policy, RemediationPolicy
from backup_auditor.domain.remediation.actions import ActionKind
from backup_auditor.domain.remediation.plan import RemediationPlan
from backup_auditor.domain.remediation.planner import make_plan
from support.builders.facts import IndexCase, daily_runs, index, inventory, judged, policy, renamed, schedule

ACCEPTED = Exemption(("*",), ("*",), "team", "rebuilt nightly", date(2027, 1, 1))


def remedial(
    create: Mode = Mode.APPLY,
    fix: Mode = Mode.APPLY,
    *,
    quota: int | None = None,
    under: Policy | None = None,
    **facts: Any,
) -> Policy:
    """Build a policy that lets everything be done, and creates what it likes; other facts are its requirements."""
    told = {it: facts.pop(it) for it in ("first_backup", "max_creations", "schedule_name") if it in facts}
    required = policy(under=under, **facts)
    remediation = RemediationPolicy(create, fix, **{"max_creations": 100, **told})
    project = required.project if quota is None else replace(required.project, backup_quota=quota)
    return replace(required, remediation=remediation, project=project)


def planned(required: Policy, *cases: IndexCase, told: Inventory | None = None) -> RemediationPlan:
    """Judge some indexes and return the plan for them."""
    found = inventory(*cases) if told is None else told
    return make_plan(found, required, judged(found, required).findings)


def bare(name: str = "orders", **facts: Any) -> IndexCase:
    """Build an index that is ready and has no schedule and no backup."""
    return renamed(index(schedules=(), **{"state": "Ready", **facts}), name)


def calls(plan: RemediationPlan) -> list[str]:
    """Return the calls of a plan in their order."""
    return [str(it.call) for it in plan.actions]


def left_out(plan: RemediationPlan, kind: ActionKind | None = None) -> dict[str, str]:
    """Return why something is left out, by index."""
    return {it.index: it.reason for it in plan.skipped_actions if kind in (None, it.kind)}


def scheduled(called: str = "orders", *, held: int | None = None, **facts: Any) -> IndexCase:
    """Build an index with one schedule of these settings, and so many runs of it, where that matters."""
    runs = None if held is None else daily_runs(held)
    return renamed(index(schedules=[schedule(**facts)], runs=runs, state="Ready"), called)
