"""Execute a plan: read each index again, record the action, send its call, verify it, record the result."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from backup_auditor.application.remediation.reconcile import find_settled_record
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Listing, list_rows
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.checks import (
    IndexSnapshot,
    check_precondition,
    describe_result,
    explain_project_mismatch,
    find_later_change,
    find_mismatch,
    get_resource_id,
)
from backup_auditor.domain.remediation.plan import (
    APPLIED_STATES,
    FAILED_STATES,
    UNSETTLED_STATES,
    Action,
    ActionRecord,
    ActionResult,
    ActionState,
    CreateBackup,
    CreateSchedule,
    RemediationPlan,
    UpdateSchedule,
    build_settings_body,
    extract_settings,
)
from backup_auditor.domain.remediation.planner import build_quota_budget
from backup_auditor.domain.timefmt import format_minute
from backup_auditor.errors import (
    BackupAuditorError,
    BadKeyError,
    ConflictError,
    DeadlineError,
    ForbiddenError,
    NotFoundError,
    OrganizationPlanError,
    OutcomeUnknownError,
    PineconeError,
    QuotaError,
    RemediationPlanError,
    StateError,
)
from backup_auditor.ports.pinecone import ProjectWriter
from backup_auditor.ports.stores import RemediationLog
from backup_auditor.worker_pool import WorkerPool

_VERIFICATION_WAITS = (0.0, 1.0, 4.0)
"""Seconds to wait before each verification: a change may take a moment to be listed."""
_MAX_VISIBILITY_DELAY = timedelta(minutes=15)
"""A requested backup is listed after this time at the latest, if it is being taken at all."""
_MAX_CONCURRENCY = 20
"""How many actions are in flight at most."""
_MAX_CONSECUTIVE_FAILURES = 3
"""After so many failures in a row, in the order of their results, the execution stops."""
_PROJECT_ERRORS = (
    BadKeyError,
    ForbiddenError,
    RemediationPlanError,
    OrganizationPlanError,
    QuotaError,
    DeadlineError,
    StateError,
)
"""Errors that concern every remaining action."""


@dataclass(slots=True)
class ExecutionResult:
    """The results of the execution of a plan."""

    results: tuple[ActionResult, ...] = ()
    """The result of every action that the policy allows to be applied, in the order of the plan."""
    stop_error: BackupAuditorError | None = None
    """The error that stopped the execution, if any; an error of the log takes precedence."""
    interruption: BaseException | None = None
    """The signal that interrupted the execution, if any."""


@dataclass(slots=True, kw_only=True)
class PlanExecutor:
    """Executes one plan, once.

    Actions run on worker threads. Their results are accepted on the thread that calls `execute`, which alone changes
    the fields.
    """

    plan: RemediationPlan
    policy: Policy
    writer: ProjectWriter
    log: RemediationLog
    actor: str
    now: Callable[[], datetime]
    _project_id: str | None = None
    """Pinecone's id of the expected project, if it is known."""
    _is_project_confirmed: bool = False
    """Whether Pinecone has shown that this is the expected project: until then one action is in flight."""
    _results: dict[str, ActionResult] = field(default_factory=dict)
    _queue: deque[Action] = field(default_factory=deque)
    _started_keys: set[str] = field(default_factory=set)
    _failure_count: int = 0
    _stop_reason: str | None = None
    _execution: ExecutionResult = field(default_factory=ExecutionResult)

    def execute(self, inventory: Inventory) -> ExecutionResult:
        """Apply the actions that the policy allows and the quota of a fresh inventory has room for.

        Raises no error of Pinecone or of the log: the results say what was applied, whatever happened.
        """
        try:
            known_id = self.policy.project.expected_id or self.plan.project_id or inventory.project_id
            self._project_id = known_id or self.log.load_pinecone_project_id(self.plan.project)
            self._is_project_confirmed = self._project_id in {None, inventory.project_id}
            self._queue_actions(inventory)
        except StateError as error:
            self._stop(str(error), error)
        with WorkerPool(min(_MAX_CONCURRENCY, self.writer.max_concurrency)) as pool:
            while True:
                try:
                    self._start_actions(pool)
                    pool.finish(lambda: self.writer.seconds_left)
                    break
                except (KeyboardInterrupt, SystemExit) as interruption:  # actions in flight are finished
                    if self._execution.interruption is not None:
                        raise
                    self._stop("interrupted")
                    self._execution.interruption = interruption
        self._execution.results = tuple(
            self._results.get(it.key) or self._make_unfinished_result(it) for it in self.plan.applicable_actions
        )
        return self._execution

    def _queue_actions(self, inventory: Inventory) -> None:
        """Queue the actions that fit the quota: the inventory may be newer than the plan."""
        project = ProjectContext(inventory, self.policy)
        budget = build_quota_budget(project)
        for action in self.plan.applicable_actions:
            previous = self.log.find_last_attempt(self.plan.project, action.key)
            is_applied = previous is not None and self.plan.has_applied(previous)
            is_counted = is_applied or _is_superseded(action, project)
            reason = None if is_counted else budget.explain_shortage(action.slots)
            if reason is not None:
                self._results[action.key] = ActionResult(action, ActionState.SKIPPED, reason)
                continue
            budget.used_slots += 0 if is_counted else action.slots
            self._queue.append(action)

    def _start_actions(self, pool: WorkerPool) -> None:
        limit = min(_MAX_CONCURRENCY, self.writer.max_concurrency) if self._is_project_confirmed else 1
        while self._stop_reason is None and self._queue and len(self._started_keys.difference(self._results)) < limit:
            action = self._queue.popleft()
            self._started_keys.add(action.key)
            detail = "Started; the time limit was reached before a result arrived."
            error = DeadlineError("the time limit was reached")
            fallback = ActionResult(action, ActionState.UNKNOWN, detail, error=error)
            pool.submit(partial(self.run_action, action), partial(self._accept_result, pool), fallback)

    def _accept_result(self, pool: WorkerPool, result: ActionResult) -> None:
        self._results[result.action.key] = result
        if result.state in {ActionState.DONE, ActionState.ALREADY_SATISFIED}:
            self._failure_count = 0
            self._is_project_confirmed = self._is_project_confirmed or not isinstance(result.action, CreateBackup)
        elif result.state in FAILED_STATES:
            self._failure_count += 1
        if isinstance(result.error, _PROJECT_ERRORS):
            self._stop(str(result.error), result.error)
        elif self._failure_count >= _MAX_CONSECUTIVE_FAILURES:
            self._stop(f"{self._failure_count} failures in a row; the last one: {result.detail}")
        self._start_actions(pool)

    def _stop(self, reason: str, error: BackupAuditorError | None = None) -> None:
        self._stop_reason = self._stop_reason or reason
        if self._execution.stop_error is None or isinstance(error, StateError):  # a result may be unrecorded
            self._execution.stop_error = error

    def _make_unfinished_result(self, action: Action) -> ActionResult:
        if action.key in self._started_keys:
            return ActionResult(action, ActionState.UNKNOWN, "Started; no result arrived.")
        return ActionResult(action, ActionState.NOT_STARTED, f"Stopped: {self._stop_reason}")

    def run_action(self, action: Action) -> ActionResult:
        """Apply one action if it is still needed. Raises no error of Pinecone or of the log."""
        try:
            previous = self.log.find_last_attempt(self.plan.project, action.key)
            try:
                snapshot = self._read_index(action)
            except NotFoundError:
                return _make_missing_index_result(action)
            except PineconeError as error:
                return ActionResult(action, ActionState.FAILED, f"The index could not be read: {error}", error=error)
            mismatch = explain_project_mismatch(snapshot.schedules, self._project_id)
            if mismatch is not None:
                return ActionResult(action, ActionState.FAILED, mismatch, error=RemediationPlanError(mismatch))
            skipped_result = check_precondition(action, snapshot, self.policy)
            if previous is not None and self.plan.has_applied(previous):
                skipped_result = _make_repeat_result(action, previous, skipped_result)
            elif previous is not None:
                skipped_result = skipped_result or _find_wait_result(action, snapshot, previous)
                self._settle_previous(previous, snapshot, skipped_result)
            return skipped_result or self._send_and_record(
                action, snapshot, 1 if previous is None else previous.attempt + 1
            )
        except StateError as error:
            detail = f"Not sent, because it could not be recorded: {error}"
            return ActionResult(action, ActionState.FAILED, detail, error=error)

    def _settle_previous(
        self, previous: ActionRecord, snapshot: IndexSnapshot, skipped_result: ActionResult | None
    ) -> None:
        """Record what reading shows of a previous attempt with an unknown outcome."""
        is_skipped = skipped_result is not None and skipped_result.state is ActionState.SKIPPED
        if previous.state not in UNSETTLED_STATES or is_skipped:
            return
        settled_record = find_settled_record(previous, self.log, {snapshot.index.name: snapshot}, self.policy)
        detail = "Checked by a later read: the call had no effect."
        self.log.settle_attempt(
            settled_record or replace(previous, state=ActionState.FAILED, detail=detail, ended_at=snapshot.read_at)
        )

    def _send_and_record(self, action: Action, snapshot: IndexSnapshot, attempt: int) -> ActionResult:
        before: dict[str, object] = {
            it.schedule_id: build_settings_body(extract_settings(it)) for it in snapshot.schedules
        }
        record = ActionRecord(
            project=self.plan.project,
            key=action.key,
            attempt=attempt,
            plan_id=self.plan.plan_id,
            actor=self.actor,
            started_at=self.now(),
            call=str(action.call),
            before=before | {it.backup_id: it.status for it in snapshot.backups},
        )
        if not self.log.record_start(record):
            return ActionResult(action, ActionState.SKIPPED, "Another run has started this action.")
        result = self.send_action(action, snapshot)
        try:
            self.log.record_result(
                replace(
                    record,
                    state=result.state,
                    detail=result.detail,
                    target_id=result.target_id,
                    after=result.after,
                    ended_at=self.now(),
                )
            )
        except StateError as error:
            detail = f"{result.detail} The result could not be recorded: {error}".strip()
            return replace(result, detail=detail, error=error)
        return result

    def send_action(self, action: Action, snapshot: IndexSnapshot) -> ActionResult:
        """Send the call of an action and verify it. Raises no error of Pinecone."""
        existing_ids = {*map(get_resource_id, snapshot.schedules), *map(get_resource_id, snapshot.backups)}
        try:
            resource = self.writer.send(action, existing_ids)
        except OutcomeUnknownError as error:
            schedule_id = action.schedule_id if isinstance(action, UpdateSchedule) else None
            return ActionResult(action, ActionState.UNKNOWN, str(error), schedule_id, error=error)
        except (ConflictError, NotFoundError) as error:
            return self._resolve_conflict(action, error)
        except PineconeError as error:
            return ActionResult(action, ActionState.FAILED, str(error), error=error)
        target_id, after = get_resource_id(resource), describe_result(resource)
        schedules = [resource] if isinstance(resource, Schedule) else []
        mismatch = explain_project_mismatch(schedules, self._project_id)
        if mismatch is not None:
            detail, state = f"Verification failed. {mismatch} Undo this action.", ActionState.VERIFICATION_FAILED
            plan_error = RemediationPlanError(mismatch)
            return ActionResult(action, state, detail, target_id, after=after, error=plan_error)
        result = self._verify(action, target_id, snapshot)
        return result if result.has_later_change else replace(result, after=after)

    def _verify(self, action: Action, target_id: str, before: IndexSnapshot) -> ActionResult:
        """Read the result of a call, several times while the policy is not satisfied."""
        mismatch: str | None = None
        for wait in _VERIFICATION_WAITS:
            try:
                self.writer.wait(wait)
                after = self._read_again(action, before)
            except NotFoundError:
                detail = "Verification failed. The call succeeded; the index no longer exists."
                return ActionResult(action, ActionState.VERIFICATION_FAILED, detail, target_id)
            except PineconeError as error:
                detail = f"The call succeeded; the result could not be read: {error}"
                return ActionResult(action, ActionState.UNKNOWN, detail, target_id)
            mismatch = find_mismatch(action, target_id, before, after, self.policy)
            if mismatch is None:
                changed_schedule = find_later_change(action, target_id, after)
                if changed_schedule is None:
                    return ActionResult(action, ActionState.DONE, "", target_id)
                return _make_later_change_result(action, target_id, changed_schedule)
        return ActionResult(action, ActionState.VERIFICATION_FAILED, f"Verification failed. {mismatch}", target_id)

    def _read_index(self, action: Action) -> IndexSnapshot:
        return self._read_again(action, IndexSnapshot(self.now(), self.writer.read_index(action.index), ()))

    def _read_again(self, action: Action, before: IndexSnapshot) -> IndexSnapshot:
        if isinstance(action, CreateBackup):
            return replace(before, read_at=self.now(), backups=self.writer.read_backups(action.index))
        return replace(before, read_at=self.now(), schedules=self.writer.read_schedules(action.index))

    def _resolve_conflict(self, action: Action, error: ConflictError | NotFoundError) -> ActionResult:
        """Find out why a call was refused: another schedule, created since, may satisfy the policy."""
        is_missing = isinstance(error, NotFoundError)
        failure = ActionResult(action, ActionState.FAILED, str(error))
        if is_missing:
            failure = ActionResult(action, ActionState.SKIPPED, "Not found when the call was sent.")
        try:
            skipped_result = check_precondition(action, self._read_index(action), self.policy)
        except NotFoundError:
            return _make_missing_index_result(action)
        except PineconeError as read_error:
            detail = f"{failure.detail} The index could not be read again: {read_error}"
            return replace(failure, detail=detail, error=read_error)
        if skipped_result is None:
            return failure if is_missing else replace(failure, error=error)
        if is_missing or skipped_result.is_satisfied or skipped_result.state is ActionState.ALREADY_SATISFIED:
            return skipped_result
        return replace(failure, detail=f"{error}. {skipped_result.detail}", error=error)


def _make_missing_index_result(action: Action) -> ActionResult:
    """Return that the index of an action no longer exists, so that the policy requires nothing."""
    return ActionResult(action, ActionState.SKIPPED, "The index no longer exists.", is_satisfied=True)


def _make_later_change_result(action: Action, target_id: str, schedule: Schedule) -> ActionResult:
    settings = json.dumps(build_settings_body(extract_settings(schedule)))
    detail = f"Its schedule {schedule.label} was changed later, to {settings}, and satisfies the policy."
    after = describe_result(schedule)
    return ActionResult(action, ActionState.DONE, detail, target_id, after=after, has_later_change=True)


def _make_repeat_result(action: Action, previous: ActionRecord, skipped_result: ActionResult | None) -> ActionResult:
    reason = f"{previous.actor} applied it at {format_minute(previous.started_at)}; a plan applies an action once."
    if skipped_result is None:
        detail = f"{reason} The change was undone since; create another plan."
        return ActionResult(action, ActionState.SKIPPED, detail)
    return replace(skipped_result, detail=f"{reason} {skipped_result.detail}")


def _find_wait_result(action: Action, snapshot: IndexSnapshot, previous: ActionRecord) -> ActionResult | None:
    """Return that a requested backup that is not listed is not requested again: no 409 prevents a second one."""
    was_requested = isinstance(action, CreateBackup) and previous.state in UNSETTLED_STATES | APPLIED_STATES
    if not was_requested or snapshot.read_at - previous.started_at >= _MAX_VISIBILITY_DELAY:
        return None
    reason = f"{previous.actor} requested it at {format_minute(previous.started_at)}; it may not be listed yet."
    return ActionResult(action, ActionState.SKIPPED, reason)


def _is_superseded(action: Action, project: ProjectContext) -> bool:
    """Return whether the index was changed since the plan was created, so that the action needs no slots.

    The existing schedules are counted with the rest. Whether they satisfy the policy is decided when the index is read
    again.
    """
    facts = project.facts_by_name.get(action.index)
    if facts is None:
        return project.inventory.indexes_failure is None
    schedules = list_rows(facts.schedules)
    match action:
        case CreateSchedule():
            return bool(schedules)
        case UpdateSchedule():
            schedule = next((it for it in schedules if it.schedule_id == action.schedule_id), None)
            if schedule is None:
                return isinstance(facts.schedules, Listing) and facts.schedules.failure is None
            other_schedules = (it for it in schedules if it is not schedule and it.enabled is not False)
            return extract_settings(schedule) != action.before or any(other_schedules)
        case CreateBackup():
            return False
