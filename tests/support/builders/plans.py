"""Builders of plans, from facts of `builders.facts`."""

from dataclasses import replace
from datetime import date
from typing import Any

from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode, Policy, RemediationPolicy
from backup_auditor.domain.remediation.plan import ActionKind, RemediationPlan
from backup_auditor.domain.remediation.planner import make_plan
from support.builders.facts import (
    IndexCase,
    build_daily_runs,
    build_index,
    build_inventory,
    build_policy,
    build_schedule,
    evaluate_facts,
    rename_index,
)

FULL_EXEMPTION = Exemption(("*",), ("*",), "team", "rebuilt nightly", date(2027, 1, 1))


def build_remediation_policy(
    create_mode: Mode = Mode.APPLY,
    fix_mode: Mode = Mode.APPLY,
    *,
    quota: int | None = None,
    base: Policy | None = None,
    **facts: Any,
) -> Policy:
    """Build a policy that applies every action; other facts are requirements."""
    settings = {it: facts.pop(it) for it in ("first_backup", "max_creations", "schedule_name") if it in facts}
    policy = build_policy(base=base, **facts)
    remediation = RemediationPolicy(create_mode, fix_mode, **{"max_creations": 100, **settings})
    project = policy.project if quota is None else replace(policy.project, backup_quota=quota)
    return replace(policy, remediation=remediation, project=project)


def plan_remediation(policy: Policy, *cases: IndexCase, inventory: Inventory | None = None) -> RemediationPlan:
    """Evaluate some indexes, and return the plan for them."""
    planned_inventory = build_inventory(*cases) if inventory is None else inventory
    return make_plan(planned_inventory, policy, evaluate_facts(planned_inventory, policy).findings)


def build_unscheduled_index(name: str = "orders", **facts: Any) -> IndexCase:
    """Build a ready index without schedule and backup."""
    return rename_index(build_index(schedules=(), **{"state": "Ready", **facts}), name)


def list_calls(plan: RemediationPlan) -> list[str]:
    """Return the calls of a plan in order."""
    return [str(it.call) for it in plan.actions]


def find_skipped(plan: RemediationPlan, kind: ActionKind | None = None) -> dict[str, str]:
    """Return the reasons of the skipped actions, by index."""
    return {it.index: it.reason for it in plan.skipped_actions if kind in (None, it.kind)}


def build_scheduled_index(index_name: str = "orders", *, run_count: int | None = None, **facts: Any) -> IndexCase:
    """Build an index with one schedule of these settings, and optionally a number of runs."""
    runs = None if run_count is None else build_daily_runs(run_count)
    return rename_index(build_index(schedules=[build_schedule(**facts)], runs=runs, state="Ready"), index_name)
