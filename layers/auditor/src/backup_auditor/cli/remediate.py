"""`backup-auditor remediate`: show a plan, ask for consent, apply it."""

import os
import sys
from argparse import Namespace
from datetime import timedelta
from pathlib import Path

from backup_auditor.application.remediation.executor import ExecutionResult, execute_plan
from backup_auditor.application.remediation.service import check_may_write, check_project, create_plan, find_plan
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.remediation import open_log, open_project_for_changes, who
from backup_auditor.cli.audit import plan_code, remediation_code, worst
from backup_auditor.cli.options import PROJECT, AuditOptions, check_name, chosen_policy, run_options, state_of
from backup_auditor.cli.output import join_lines, log_stderr, terminal_width, write_pieces
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.plan import ActionResult, Plan, results_of
from backup_auditor.domain.text import pluralize
from backup_auditor.errors import PlanError, UsageError
from backup_auditor.ports.stores import RemediationLog
from backup_auditor.rendering.remediation_plan import plan_json, plan_table, results_table
from backup_auditor.settings.pinecone import read_settings


def refuse_without_consent(*, is_applied: bool, is_agreed: bool) -> None:
    """Raise `UsageError` where nobody can be asked, and nobody agreed beforehand."""
    if is_agreed and not is_applied:
        raise UsageError("--yes agrees to --apply; give both, or neither")
    if is_applied and not is_agreed and not is_terminal():
        raise UsageError("--apply asks on a terminal, and there is none; look at the plan without it, then add --yes")


def has_consent(plan: Plan, *, is_shown: bool) -> bool:
    """Ask on the terminal; what is not yet shown of the plan is shown there. Anything but yes is no."""
    if not is_shown:
        sys.stderr.write("".join(f"{line}\n" for line in plan_table(plan, terminal_width())))
    sys.stderr.write(f"Carry out {pluralize(len(plan.applicable), 'action')} of plan {plan.plan_id}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in {"y", "yes"}


def is_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


REFUSED = 2
_FRESH = timedelta(minutes=10)
"""How old the facts may be by which the room in the quota is known."""


def run(arguments: Namespace) -> int:
    """Show the plan, and carry it out where that is asked for."""
    project = PROJECT if arguments.project is None else arguments.project
    check_name(project)
    policy = chosen_policy(arguments.policy)
    wanted = AuditOptions(policy, project, None, None, state_of(arguments, project, is_usual=True))
    if arguments.apply:
        _refuse_what_is_not_to_be_applied(wanted)
    refuse_without_consent(is_applied=arguments.apply, is_agreed=arguments.yes)
    with open_log(wanted.state or Path()) as log:
        inventory: Inventory | None = None
        if arguments.plan is None:
            inventory, plan = _planned(wanted, log)
        else:
            plan = find_plan(log, project, arguments.plan, policy, runtime.now())
        if not arguments.apply:
            told = results_of(plan, log.actions(project, plan.plan_id)) if arguments.plan is not None else ()
            return _shown(arguments, plan, told)
        return _applied(arguments, wanted, log, plan, inventory)


def _refuse_what_is_not_to_be_applied(wanted: AuditOptions) -> None:
    remediation = wanted.policy.remediation
    if Mode.APPLY not in {remediation.create_schedules, remediation.fix_schedules}:
        modes = f"create_schedules: {remediation.create_schedules} and fix_schedules: {remediation.fix_schedules}"
        remedy = "set what is to be carried out to apply, or leave out --apply"
        raise UsageError(f"{wanted.policy.source}: the policy says {modes}; {remedy}")


def _planned(wanted: AuditOptions, log: RemediationLog) -> tuple[Inventory, Plan]:
    found = run_options(wanted, is_recorded=False)
    for note in found.notes:
        log_stderr(note)
    if not found.report.is_complete:
        log_stderr(f"{len(found.report.unread):,} things could not be read; nothing is planned by them")
    return found.inventory, create_plan(found, wanted.policy, log)


def _shown(arguments: Namespace, plan: Plan, told: tuple[ActionResult, ...]) -> int:
    if arguments.format == "json":
        write_pieces([plan_json(plan, told or None)], None)
        return plan_code(plan)
    write_pieces(join_lines(plan_table(plan, terminal_width())), None)
    if told:
        write_pieces(join_lines(["", *results_table(plan, told, terminal_width())]), None)
    return plan_code(plan)


def _applied(
    arguments: Namespace, wanted: AuditOptions, log: RemediationLog, plan: Plan, inventory: Inventory | None
) -> int:
    is_json = arguments.format == "json"
    if not is_json:
        write_pieces(join_lines(plan_table(plan, terminal_width())), None)
    if plan.actions and not plan.applicable:
        kinds = sorted({it.kind.value for it in plan.actions})
        raise PlanError(f"the policy lets none of this be carried out ({', '.join(kinds)}); nothing was changed")
    outcome = ExecutionResult()
    if plan.applicable:
        if not arguments.yes and not has_consent(plan, is_shown=not is_json):
            log_stderr("nothing was changed")
            return REFUSED
        why = plan.why_not_now(runtime.now())
        if why is not None:
            raise PlanError(f"plan {plan.plan_id} {why}; run remediate without --plan to make another")
        outcome = _carried_out(wanted, log, plan, inventory)
    if is_json:
        write_pieces([plan_json(plan, outcome.results)], None)
    elif outcome.results:
        write_pieces(join_lines(["", *results_table(plan, outcome.results, terminal_width())]), None)
    if outcome.interrupted is not None:
        raise outcome.interrupted
    return worst([plan_code(plan), remediation_code(outcome.results, is_refused=outcome.stopped_by is not None)])


def _carried_out(wanted: AuditOptions, log: RemediationLog, plan: Plan, inventory: Inventory | None) -> ExecutionResult:
    if inventory is None or runtime.now() - inventory.observed_at > _FRESH:
        found = run_options(wanted, is_recorded=False)
        check_project(found, log, plan)
        inventory = found.inventory
    check_may_write(plan, wanted.policy, inventory, log)
    with open_project_for_changes(read_settings(os.environ)) as writer:
        return execute_plan(plan, wanted.policy, inventory, writer=writer, log=log, who=who(), now=runtime.now)
