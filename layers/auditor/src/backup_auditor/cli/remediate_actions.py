"""`backup-auditor remediate`: shows a plan, asks, and carries it out."""

import os
from argparse import Namespace
from datetime import timedelta
from pathlib import Path

from backup_auditor.bootstrap import clock
from backup_auditor.bootstrap.remediation import open_log, open_project_for_changes, who
from backup_auditor.cli.asked import PROJECT, Asked, audited, check_name, chosen_policy, state_of
from backup_auditor.cli.consent import agreed, refuse_without_consent
from backup_auditor.cli.ending import plan_code, remediation_code, worst
from backup_auditor.cli.output import lines, put, say, terminal_width
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.remediation.record import Result, results_of
from backup_auditor.errors import PlanError, UsageError
from backup_auditor.ports.writing import RemediationLog
from backup_auditor.rendering.plan import plan_json, plan_table, results_table
from backup_auditor.service.carrying_out import Outcome, carry_out
from backup_auditor.service.remediating import check_may_write, check_project, found_plan, made_plan
from backup_auditor.settings.pinecone import read_settings

REFUSED = 2
_FRESH = timedelta(minutes=10)
"""How old the facts may be by which the room in the quota is known."""


def run(arguments: Namespace) -> int:
    """Show the plan, and carry it out where that is asked for."""
    project = PROJECT if arguments.project is None else arguments.project
    check_name(project)
    policy = chosen_policy(arguments.policy)
    wanted = Asked(policy, project, None, None, state_of(arguments, project, is_usual=True))
    if arguments.apply:
        _refuse_what_is_not_to_be_applied(wanted)
    refuse_without_consent(is_applied=arguments.apply, is_agreed=arguments.yes)
    with open_log(wanted.state or Path()) as log:
        inventory: Inventory | None = None
        if arguments.plan is None:
            inventory, plan = _planned(wanted, log)
        else:
            plan = found_plan(log, project, arguments.plan, policy, clock.now())
        if not arguments.apply:
            told = results_of(plan, log.actions(project, plan.plan_id)) if arguments.plan is not None else ()
            return _shown(arguments, plan, told)
        return _applied(arguments, wanted, log, plan, inventory)


def _refuse_what_is_not_to_be_applied(wanted: Asked) -> None:
    remediation = wanted.policy.remediation
    if Mode.APPLY not in {remediation.create_schedules, remediation.fix_schedules}:
        modes = f"create_schedules: {remediation.create_schedules} and fix_schedules: {remediation.fix_schedules}"
        remedy = "set what is to be carried out to apply, or leave out --apply"
        raise UsageError(f"{wanted.policy.source}: the policy says {modes}; {remedy}")


def _planned(wanted: Asked, log: RemediationLog) -> tuple[Inventory, Plan]:
    found = audited(wanted, is_recorded=False)
    for note in found.notes:
        say(note)
    if not found.report.is_complete:
        say(f"{len(found.report.unread):,} things could not be read; nothing is planned by them")
    return found.inventory, made_plan(found, wanted.policy, log)


def _shown(arguments: Namespace, plan: Plan, told: tuple[Result, ...]) -> int:
    if arguments.format == "json":
        put([plan_json(plan, told or None)], None)
        return plan_code(plan)
    put(lines(plan_table(plan, terminal_width())), None)
    if told:
        put(lines(["", *results_table(plan, told, terminal_width())]), None)
    return plan_code(plan)


def _applied(arguments: Namespace, wanted: Asked, log: RemediationLog, plan: Plan, inventory: Inventory | None) -> int:
    is_json = arguments.format == "json"
    if not is_json:
        put(lines(plan_table(plan, terminal_width())), None)
    if plan.actions and not plan.applicable:
        kinds = sorted({it.kind.value for it in plan.actions})
        raise PlanError(f"the policy lets none of this be carried out ({', '.join(kinds)}); nothing was changed")
    outcome = Outcome()
    if plan.applicable:
        if not arguments.yes and not agreed(plan, is_shown=not is_json):
            say("nothing was changed")
            return REFUSED
        why = plan.why_not_now(clock.now())
        if why is not None:
            raise PlanError(f"plan {plan.plan_id} {why}; run remediate without --plan to make another")
        outcome = _carried_out(wanted, log, plan, inventory)
    if is_json:
        put([plan_json(plan, outcome.results)], None)
    elif outcome.results:
        put(lines(["", *results_table(plan, outcome.results, terminal_width())]), None)
    if outcome.interrupted is not None:
        raise outcome.interrupted
    return worst([plan_code(plan), remediation_code(outcome.results, is_refused=outcome.stopped_by is not None)])


def _carried_out(wanted: Asked, log: RemediationLog, plan: Plan, inventory: Inventory | None) -> Outcome:
    if inventory is None or clock.now() - inventory.observed_at > _FRESH:
        found = audited(wanted, is_recorded=False)
        check_project(found, log, plan)
        inventory = found.inventory
    check_may_write(plan, wanted.policy, inventory, log)
    with open_project_for_changes(read_settings(os.environ)) as writer:
        return carry_out(plan, wanted.policy, inventory, writer=writer, log=log, who=who(), now=clock.now)
