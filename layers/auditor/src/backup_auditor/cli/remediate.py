"""`backup-auditor remediate`: show a plan, obtain consent, apply it."""

import os
from argparse import Namespace
from datetime import timedelta

from backup_auditor.adapters.sqlite.remediation_log import open_remediation_log
from backup_auditor.application.remediation.executor import ExecutionResult, PlanExecutor
from backup_auditor.application.remediation.service import check_may_write, check_project, create_plan, find_plan
from backup_auditor.bootstrap import local, runtime
from backup_auditor.bootstrap.pinecone import make_connection
from backup_auditor.cli import NOT_AUDITED
from backup_auditor.cli.exit_codes import choose_plan_exit_code, choose_remediation_exit_code, choose_worst_exit_code
from backup_auditor.cli.options import (
    AuditOptions,
    audit_for_plan,
    choose_policy,
    find_state_file,
    read_project_name,
    run_with_options,
)
from backup_auditor.cli.output import (
    ask_about_plan,
    get_terminal_width,
    log_stderr,
    print_lines,
    print_outcome,
    require_consent,
    require_output,
)
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.plan import ActionResult, RemediationPlan, build_results
from backup_auditor.domain.text import pluralize
from backup_auditor.errors import RemediationPlanError, UsageError
from backup_auditor.ports.stores import RemediationLog
from backup_auditor.rendering.remediation_plan import render_plan_json, render_plan_table, render_results_table
from backup_auditor.settings.pinecone import read_settings

_MAX_INVENTORY_AGE = timedelta(minutes=10)
"""The limit for the age of the facts about the quota."""


def run(arguments: Namespace) -> int:
    """Show the plan; apply it with `--apply`."""
    project = read_project_name(arguments)
    policy = choose_policy(arguments.policy)
    state = find_state_file(arguments, project)
    options = AuditOptions(policy, project, None, None, state)
    if arguments.apply:
        _require_apply_mode(options)
        require_output()
    require_consent(is_applied=arguments.apply, is_agreed=arguments.yes)
    with open_remediation_log(state) as log:
        inventory: Inventory | None = None
        if arguments.plan is None:
            inventory, plan = _make_plan(options, log)
        else:
            plan = find_plan(log, project, arguments.plan, policy, runtime.now())
        if not arguments.apply:
            results = (
                build_results(plan, log.list_plan_attempts(project, plan.plan_id)) if arguments.plan is not None else ()
            )
            return _show_plan(arguments, plan, results)
        return _apply_plan(arguments, options, log, plan, inventory)


def _require_apply_mode(options: AuditOptions) -> None:
    remediation = options.policy.remediation
    if Mode.APPLY not in {remediation.create_schedules, remediation.fix_schedules}:
        modes = f"create_schedules: {remediation.create_schedules} and fix_schedules: {remediation.fix_schedules}"
        remedy = "set one of them to apply, or omit --apply"
        raise UsageError(f"{options.policy.source}: the policy says {modes}; {remedy}")


def _make_plan(options: AuditOptions, log: RemediationLog) -> tuple[Inventory, RemediationPlan]:
    audit = audit_for_plan(options)
    return audit.inventory, create_plan(audit, options.policy, log)


def _show_plan(arguments: Namespace, plan: RemediationPlan, results: tuple[ActionResult, ...]) -> int:
    if arguments.format == "json":
        print_lines([render_plan_json(plan, results or None)])
    else:
        print_lines(render_plan_table(plan, get_terminal_width()))
        if results:
            print_lines(["", *render_results_table(plan, results, get_terminal_width())])
    return choose_plan_exit_code(plan.skipped_actions)


def _apply_plan(
    arguments: Namespace, options: AuditOptions, log: RemediationLog, plan: RemediationPlan, inventory: Inventory | None
) -> int:
    is_json = arguments.format == "json"
    if not is_json:
        print_lines(render_plan_table(plan, get_terminal_width()))
    if plan.actions and not plan.applicable_actions:
        kinds = sorted({it.kind.label for it in plan.actions})
        raise RemediationPlanError(
            f"the policy does not allow applying these actions ({', '.join(kinds)}); nothing was changed"
        )
    outcome = ExecutionResult()
    if plan.applicable_actions:
        if not arguments.yes and not _ask_about_plan(plan, is_shown=not is_json):
            log_stderr("nothing was changed")
            return NOT_AUDITED
        reason = plan.explain_invalid_age(runtime.now())
        if reason is not None:
            raise RemediationPlanError(f"plan {plan.plan_id} {reason}; run remediate without --plan to make another")
        outcome = _execute_plan(options, log, plan, inventory)
    code = choose_worst_exit_code(
        [
            choose_plan_exit_code(plan.skipped_actions),
            choose_remediation_exit_code(outcome.results, is_refused=outcome.stop_error is not None),
        ]
    )
    lines: list[str] = []
    if is_json:
        lines = [render_plan_json(plan, outcome.results)]
    elif outcome.results:
        lines = ["", *render_results_table(plan, outcome.results, get_terminal_width())]
    remedy = f"`backup-auditor remediate --plan {plan.plan_id}` shows the recorded results" if outcome.results else None
    code = print_outcome(lines, code, remedy)
    if outcome.interruption is not None:
        raise outcome.interruption
    return code


def _ask_about_plan(plan: RemediationPlan, *, is_shown: bool) -> bool:
    lines = () if is_shown else render_plan_table(plan, get_terminal_width())
    return ask_about_plan(f"Apply {pluralize(len(plan.applicable_actions), 'action')} of plan {plan.plan_id}?", lines)


def _execute_plan(
    options: AuditOptions, log: RemediationLog, plan: RemediationPlan, inventory: Inventory | None
) -> ExecutionResult:
    if inventory is None or runtime.now() - inventory.observed_at > _MAX_INVENTORY_AGE:
        audit = run_with_options(options, is_recorded=False)
        check_project(audit, log, plan)
        inventory = audit.inventory
    check_may_write(plan, options.policy, inventory, log)
    from backup_auditor.adapters.pinecone.writer import open_writer  # noqa: PLC0415  a plan can be empty

    with open_writer(make_connection(read_settings(os.environ))) as writer:
        executor = PlanExecutor(
            plan=plan, policy=options.policy, writer=writer, log=log, actor=local.find_actor(), now=runtime.now
        )
        return executor.execute(inventory)
