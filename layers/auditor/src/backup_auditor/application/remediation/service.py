"""Remediate a project: create a plan from an audit, then apply what the policy allows."""

from collections.abc import Sequence
from datetime import datetime

from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.application.remediation.executor import ExecutionResult, PlanExecutor
from backup_auditor.application.remediation.reconcile import (
    RemediationDependencies,
    publish_events,
    put_events,
    settle_open_actions,
)
from backup_auditor.domain.events import RemediationRequest
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.domain.remediation.plan import (
    APPLIED_STATES,
    FAILED_STATES,
    ActionKind,
    ActionRecord,
    ActionState,
    RemediationPlan,
)
from backup_auditor.domain.remediation.planner import make_plan
from backup_auditor.domain.text import quote_text
from backup_auditor.domain.timefmt import format_minute
from backup_auditor.errors import (
    BackupAuditorError,
    EntryMismatchError,
    OutcomeUnknownError,
    RemediationPlanError,
    StateError,
    ThrottledError,
    UnavailableError,
)
from backup_auditor.ports.messaging import Event
from backup_auditor.ports.pinecone import NoProgress
from backup_auditor.ports.stores import RemediationLog
from backup_auditor.rendering.events import build_proposal_events, build_results_detail

_NEW_PLAN_REMEDY = "run remediate without --plan to create another plan"
_MAX_LOGGED_FAILURES = 20
"""How many read errors are logged at most."""


def create_plan(audit: AuditResult, policy: Policy, log: RemediationLog) -> RemediationPlan:
    """Create and store the plan that follows from an audit. Raises what `check_project` raises."""
    check_project(audit, log)
    attempts = log.list_attempts(audit.inventory.project)
    plan = make_plan(audit.inventory, policy, audit.report.findings, attempts)
    log.store_plan(plan)
    return plan


def check_project(audit: AuditResult, log: RemediationLog, plan: RemediationPlan | None = None) -> None:
    """Raise `UnavailableError` if the indexes are unknown, `RemediationPlanError` for another project, `StateError`.

    Owners choose the names of projects, so only Pinecone's id, if it is known, shows that a key is of another project.
    """
    failure, found_id = audit.inventory.indexes_failure, audit.inventory.project_id
    if failure is not None:
        raise UnavailableError(f"the list of indexes could not be read: {failure}; try again")
    for finding in audit.report.findings:
        if finding.control == "project-is-expected" and finding.compliance is Compliance.NON_COMPLIANT:
            raise RemediationPlanError(f"the policy is for another project: {finding.reason}")
    recorded_id = log.load_pinecone_project_id(audit.inventory.project)
    if None not in {found_id, recorded_id} and found_id != recorded_id:
        state = f"the state of {audit.inventory.project}"
        mismatch = f"{state} belongs to Pinecone project {recorded_id}, the API key to {found_id}"
        raise RemediationPlanError(f"{mismatch}; use a key of project {recorded_id}, or another --project or --state")
    if plan is not None and None not in {found_id, plan.project_id} and found_id != plan.project_id:
        mismatch = f"plan {plan.plan_id} is for Pinecone project {plan.project_id}, the API key belongs to {found_id}"
        raise RemediationPlanError(f"{mismatch}; use a key of project {plan.project_id}")


def check_may_write(plan: RemediationPlan, policy: Policy, inventory: Inventory, log: RemediationLog) -> None:
    """Raise `RemediationPlanError` if the project of the key must be known before the first write and is unknown.

    Only schedules have Pinecone's id of the project. Raises `StateError`.
    """
    has_creation = any(it.is_creation for it in plan.applicable_actions)  # a change names its schedule, which has an id
    if inventory.project_id is not None or not has_creation:
        return
    unknown_project = "no schedule shows the Pinecone project of the API key"
    recorded_id = log.load_pinecone_project_id(plan.project)
    if plan.project_id not in {None, recorded_id}:
        plan_origin = f"plan {plan.plan_id} is for Pinecone project {plan.project_id}"
        raise RemediationPlanError(f"{plan_origin}, but {unknown_project} now; {_NEW_PLAN_REMEDY}")
    expected_id = policy.project.expected_id
    if expected_id in {None, recorded_id}:
        return
    if recorded_id is not None:
        raise RemediationPlanError(
            f"the policy expects project {expected_id}, but the state belongs to {recorded_id};"
            " correct the policy, or use another --state"
        )
    remedy = "create the first schedule by hand and run an audit, or leave out expected_id until there is one"
    raise RemediationPlanError(f"the policy expects project {expected_id}, but {unknown_project}; {remedy}")


def find_plan(log: RemediationLog, project: str, plan_id: str, policy: Policy, now: datetime) -> RemediationPlan:
    """Return a stored plan. Raises `RemediationPlanError` if it cannot be applied any more, and `StateError`."""
    plan = log.load_plan(project, plan_id)
    if plan is None:
        raise RemediationPlanError(
            f"project {quote_text(project)} has no plan {quote_text(plan_id, 80)}; {_NEW_PLAN_REMEDY}"
        )
    if plan.policy_sha256 != policy.sha256:
        raise RemediationPlanError(
            f"plan {plan_id} was created with another policy than {policy.source}; {_NEW_PLAN_REMEDY}"
        )
    reason = plan.explain_invalid_age(now)
    if reason is not None:
        created_at = format_minute(plan.created_at)
        raise RemediationPlanError(f"plan {plan_id} of {created_at} {reason}; {_NEW_PLAN_REMEDY}")
    return plan


def remediate_project(request: RemediationRequest, deps: RemediationDependencies) -> dict[str, object]:
    """Create a plan, propose, apply and publish its actions, and return the results.

    `unpublished` in the answer is the error that kept events from being published. A plan that cannot be applied is
    refused in the answer. Any other error is raised after the events of applied actions are published; so is an unknown
    outcome if an event requested the run, because that event is then delivered again.
    """
    try:
        answer = _remediate(request, deps)
    except BackupAuditorError:
        publish_events(request, deps)
        raise
    publish_error = publish_events(request, deps)
    return answer if publish_error is None else {**answer, "unpublished": str(publish_error)}


def _remediate(request: RemediationRequest, deps: RemediationDependencies) -> dict[str, object]:
    project = deps.load_registry(request.project).find(request.project)
    policy = deps.load_policy(project)
    modes = {policy.remediation.create_schedules, policy.remediation.fix_schedules}
    if modes == {Mode.NEVER}:
        return {
            "project": project.name,
            "plan_id": None,
            "refused": f"{policy.source}: the policy allows no remediation",
        }
    try:
        plan = None
        if request.plan_id is not None:
            plan = find_plan(deps.remediation_log, project.name, request.plan_id, policy, deps.now())
        key = deps.load_key(project)  # once: another one could be of another Pinecone project than the audit
        plan, audit = _prepare_plan(request, project, key, policy, plan, deps)
        settled_records = settle_open_actions(audit.inventory, policy, deps.remediation_log, deps.actor)
        execution = _execute(plan, key, policy, audit, deps)
    except RemediationPlanError as error:
        deps.log.warning(str(error), extra={"plan_id": request.plan_id})
        if Mode.APPLY in modes and request.plan_id is None:  # no caller reads the answer
            deps.emit(project.name, {"SchedulesCreated": 0, "ScheduleCreationFailures": 1})
        return {"project": project.name, "plan_id": request.plan_id, "refused": str(error)}
    except BackupAuditorError:
        if Mode.APPLY in modes and request.is_final:
            deps.emit(project.name, {"SchedulesCreated": 0, "ScheduleCreationFailures": 1})
        raise
    proposals = [Event(*it) for it in build_proposal_events(plan)] if request.plan_id is None else []
    publication = put_events(request, proposals, deps)
    answer = _build_answer(plan, execution, len(proposals), deps)
    open_error = _find_open_error(execution, is_final=request.is_final) or publication.error
    if Mode.APPLY in modes:
        metrics = _build_metrics(execution, settled_records, is_complete=audit.report.is_complete)
        is_repeated = open_error is not None and not request.is_final
        deps.emit(project.name, metrics | ({"ScheduleCreationFailures": 0} if is_repeated else {}))
    if open_error is not None and request.request_id is not None:
        raise open_error
    return answer


def _prepare_plan(  # noqa: PLR0913, PLR0917  each is needed by the audit or by the plan
    request: RemediationRequest,
    project: RegisteredProject,
    key: str,
    policy: Policy,
    plan: RemediationPlan | None,
    deps: RemediationDependencies,
) -> tuple[RemediationPlan, AuditResult]:
    """Return the requested plan, or a new one, and a fresh audit."""
    try:
        with deps.open_reader(key) as reader:
            audit = run_audit(
                reader,
                policy,
                project=project.name,
                observed_at=deps.now(),
                progress=NoProgress(),
                retries_incomplete=request.retries_incomplete,
                registered_id=project.project_id,
            )
    except EntryMismatchError as error:
        raise error.with_key_place(f"secret {project.editor_secret}") from None
    if not audit.report.is_complete:
        failures = [str(it) for it in audit.report.read_failures[:_MAX_LOGGED_FAILURES]]
        deps.log.error("the plan leaves out what could not be read", extra={"read_errors": failures})
    if plan is None:
        return create_plan(audit, policy, deps.remediation_log), audit
    check_project(audit, deps.remediation_log, plan)
    return plan, audit


def _execute(
    plan: RemediationPlan, key: str, policy: Policy, audit: AuditResult, deps: RemediationDependencies
) -> ExecutionResult:
    if not plan.applicable_actions:
        return ExecutionResult()
    log = deps.remediation_log
    check_may_write(plan, policy, audit.inventory, log)
    with deps.open_writer(key) as writer:
        executor = PlanExecutor(plan=plan, policy=policy, writer=writer, log=log, actor=deps.actor, now=deps.now)
        return executor.execute(audit.inventory)


def _build_metrics(
    execution: ExecutionResult, settled_records: Sequence[ActionRecord], *, is_complete: bool
) -> dict[str, float | None]:
    applied_keys = [it.action.key for it in execution.results if it.state in APPLIED_STATES]
    applied_keys += [it.key for it in settled_records]
    failed_count = sum(it.state in FAILED_STATES for it in execution.results)
    is_unfinished = execution.stop_error is not None or not is_complete
    return {
        "SchedulesCreated": sum(it.startswith(ActionKind.CREATE_SCHEDULE) for it in applied_keys),
        "ScheduleCreationFailures": failed_count or int(is_unfinished),
    }


def _find_open_error(execution: ExecutionResult, *, is_final: bool) -> BackupAuditorError | None:
    """Return why the result of an action is unknown or unrecorded; `None` if all results are known.

    If the attempt is not final, also return why an action failed that another attempt can apply.
    """
    if isinstance(execution.stop_error, StateError):
        return execution.stop_error
    unknown_results = (it for it in execution.results if it.state is ActionState.UNKNOWN)
    error = next((OutcomeUnknownError(f"{it.action.key}: {it.detail}") for it in unknown_results), None)
    if error is not None or is_final:
        return error
    errors = (execution.stop_error, *(it.error for it in execution.results))
    return next((it for it in errors if isinstance(it, UnavailableError | ThrottledError)), None)


def _build_answer(
    plan: RemediationPlan, execution: ExecutionResult, proposal_count: int, deps: RemediationDependencies
) -> dict[str, object]:
    for result in execution.results:
        fields = {
            "index": result.action.index,
            "kind": result.action.kind,
            "state": result.state,
            "detail": result.detail,
            "undo": str(result.undo_call) if result.undo_call else None,
            "plan_id": plan.plan_id,
        }
        log_line = deps.log.error if result.state in FAILED_STATES else deps.log.info
        log_line("action", extra=fields)
    if execution.stop_error is not None:
        deps.log.error(str(execution.stop_error), extra={"plan_id": plan.plan_id})
    answer: dict[str, object] = {
        "project": plan.project,
        "plan_id": plan.plan_id,
        "actions": len(plan.actions),
        "proposed": proposal_count,
        "skipped": len(plan.skipped_actions),
        "results": build_results_detail(execution.results),
        "stopped_by": None if execution.stop_error is None else str(execution.stop_error),
    }
    deps.log.info("remediated", extra={"remediation": {**answer, "results": len(execution.results)}})
    return answer
