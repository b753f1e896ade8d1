"""Execute a plan: read each index again, record the action, send its call, verify it, record the result."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from backup_auditor.application.remediation.reconcile import find_settled_record
from backup_auditor.domain.evaluation.index_schedules import label_schedule
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Listing, list_rows
from backup_auditor.domain.model import Backup, Schedule
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.actions import (
    Action,
    CreateBackup,
    CreateSchedule,
    UpdateSchedule,
    build_settings_body,
    extract_settings,
)
from backup_auditor.domain.remediation.checks import (
    IndexSnapshot,
    SkipReason,
    check_precondition,
    describe_result,
    explain_project_mismatch,
    find_later_change,
    find_mismatch,
)
from backup_auditor.domain.remediation.plan import (
    APPLIED_STATES,
    FAILED_STATES,
    UNSETTLED_STATES,
    ActionRecord,
    ActionResult,
    ActionState,
    RemediationPlan,
    is_done_already,
)
from backup_auditor.domain.remediation.planner import build_quota_budget
from backup_auditor.domain.timefmt import format_moment
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
"""Seconds to wait before what was done is read back: it may take a moment to show."""

type SendResult = tuple[ActionResult, BackupAuditorError | None]
"""What came of an action, and the error it ended with."""


@dataclass(frozen=True, slots=True)
class ActionSender:
    """Does single actions of a project, from as many threads as like. Raises nothing that Pinecone answers."""

    writer: ProjectWriter
    policy: Policy
    now: Callable[[], datetime]
    project_id: str | None = None
    """Pinecone's id of the project that is meant, where it is known."""

    def read_index(self, action: Action) -> IndexSnapshot:
        """Read the index of an action again. Raises `PineconeError`."""
        return self._read_again(action, IndexSnapshot(self.now(), self.writer.read_index(action.index), ()))

    def send(self, action: Action, snapshot: IndexSnapshot) -> tuple[SendResult, Mapping[str, object]]:
        """Do an action beside what was just seen; return what came of it, and how what was made was answered."""
        try:
            resource = self._call_writer(action, snapshot)
        except OutcomeUnknownError as error:
            schedule_id = action.schedule_id if isinstance(action, UpdateSchedule) else None
            return (ActionResult(action, ActionState.UNKNOWN, str(error), schedule_id), error), {}
        except (ConflictError, NotFoundError) as error:
            return self._resolve_conflict(action, error), {}
        except PineconeError as error:
            return (ActionResult(action, ActionState.FAILED, str(error)), error), {}
        created_id = resource.backup_id if isinstance(resource, Backup) else resource.schedule_id
        project_mismatch = explain_project_mismatch(
            [resource] if isinstance(resource, Schedule) else [], self.project_id
        )
        if project_mismatch is not None:
            result = ActionResult(
                action,
                ActionState.VERIFICATION_FAILED,
                f"Verification failed. {project_mismatch} Undo this.",
                created_id,
            )
            return (result, RemediationPlanError(project_mismatch)), describe_result(resource)
        result = self._verify(action, created_id, snapshot)
        return (result, None), result.current_values or describe_result(resource)

    def _call_writer(self, action: Action, snapshot: IndexSnapshot) -> Schedule | Backup:
        match action:
            case CreateSchedule():
                settings = action.frequency, action.retention
                return self.writer.create_schedule(action.index, action.name, *settings, snapshot.schedules)
            case UpdateSchedule():
                return self.writer.update_schedule(action.schedule_id, action.changes)
            case CreateBackup():
                return self.writer.create_backup(action.index, action.name, snapshot.backups)

    def _verify(self, action: Action, created_id: str, before: IndexSnapshot) -> ActionResult:
        """Read back what was done, more than once while the policy is not satisfied by it."""
        mismatch: str | None = None
        for wait in _VERIFICATION_WAITS:
            try:
                self.writer.wait(wait)
                after = self._read_again(action, before)
            except NotFoundError:
                detail = "Verification failed. It was done, and the index is gone since."
                return ActionResult(action, ActionState.VERIFICATION_FAILED, detail, created_id)
            except PineconeError as error:
                detail = f"It was done, and could not be read back: {error}"
                return ActionResult(action, ActionState.UNKNOWN, detail, created_id)
            mismatch = find_mismatch(action, created_id, before, after, self.policy)
            if mismatch is None:
                return self._make_done_result(action, created_id, find_later_change(action, created_id, after))
        return ActionResult(action, ActionState.VERIFICATION_FAILED, f"Verification failed. {mismatch}", created_id)

    def _make_done_result(self, action: Action, created_id: str, changed_schedule: Schedule | None) -> ActionResult:
        if changed_schedule is None:
            return ActionResult(action, ActionState.DONE, "", created_id)
        current_settings = describe_result(changed_schedule)
        detail = (
            f"Its schedule {label_schedule(changed_schedule)} was changed since, to"
            f" {build_settings_body(extract_settings(changed_schedule))}, and satisfies the policy."
        )
        return ActionResult(action, ActionState.DONE, detail, created_id, current_values=current_settings)

    def _read_again(self, action: Action, before: IndexSnapshot) -> IndexSnapshot:
        if isinstance(action, CreateBackup):
            return replace(before, read_at=self.now(), backups=self.writer.read_backups(action.index))
        return replace(before, read_at=self.now(), schedules=self.writer.read_schedules(action.index))

    def _resolve_conflict(self, action: Action, error: ConflictError | NotFoundError) -> SendResult:
        """Find out what stands in the way, or took the place of what is gone: what satisfies the policy will do."""
        is_missing = isinstance(error, NotFoundError)
        failure = ActionResult(action, ActionState.FAILED, str(error))
        if is_missing:
            failure = ActionResult(action, ActionState.SKIPPED, "It was gone when it was written to.")
        try:
            skip_reason = check_precondition(action, self.read_index(action), self.policy)
        except NotFoundError:
            return make_missing_index_result(action), None
        except PineconeError as read_error:
            return replace(failure, detail=f"{failure.detail} It could not be read again: {read_error}"), read_error
        if skip_reason is None:
            return failure, None if is_missing else error
        if is_missing or skip_reason.is_satisfied or skip_reason.state is ActionState.ALREADY_SATISFIED:
            return ActionResult(
                action, skip_reason.state, skip_reason.detail, is_satisfied=skip_reason.is_satisfied
            ), None
        return replace(failure, detail=f"{error}. {skip_reason.detail}"), error


def make_missing_index_result(action: Action) -> ActionResult:
    """Return that the index of an action is gone, and that the policy requires nothing of it any more."""
    return ActionResult(action, ActionState.SKIPPED, "The index is gone.", is_satisfied=True)


_MAX_VISIBILITY_DELAY = timedelta(minutes=15)
"""After so long a backup that was asked for shows, if it is being taken at all."""


@dataclass(frozen=True, slots=True)
class ActionRunner:
    """Acts on one plan, from as many threads as like."""

    plan: RemediationPlan
    sender: ActionSender
    log: RemediationLog
    actor: str

    def run(self, action: Action) -> SendResult:
        """Do one action, if it is still right. Raises nothing that Pinecone or the log answers."""
        try:
            previous = self.log.find_last_attempt(self.plan.project, action.key)
            try:
                snapshot = self.sender.read_index(action)
            except NotFoundError:
                return make_missing_index_result(action), None
            except PineconeError as error:
                return ActionResult(action, ActionState.FAILED, f"It could not be read again: {error}"), error
            project_mismatch = explain_project_mismatch(snapshot.schedules, self.sender.project_id)
            if project_mismatch is not None:
                return ActionResult(action, ActionState.FAILED, project_mismatch), RemediationPlanError(
                    project_mismatch
                )
            skip_reason = check_precondition(action, snapshot, self.sender.policy)
            if previous is not None and is_done_already(previous, self.plan.plan_id, self.plan.created_at):
                skip_reason = _make_repeat_reason(previous, skip_reason)
            elif previous is not None:
                skip_reason = skip_reason or _find_wait_reason(action, snapshot, previous)
                self._settle_previous(previous, snapshot, skip_reason)
            if skip_reason is not None:
                return ActionResult(
                    action, skip_reason.state, skip_reason.detail, is_satisfied=skip_reason.is_satisfied
                ), None
            return self._send(action, snapshot, 1 if previous is None else previous.attempt + 1)
        except StateError as error:
            return ActionResult(
                action, ActionState.FAILED, f"It could not be recorded, and was not done: {error}"
            ), error

    def _settle_previous(self, previous: ActionRecord, snapshot: IndexSnapshot, skip_reason: SkipReason | None) -> None:
        """Record of an attempt whose outcome nobody knew what is seen of it now."""
        if previous.state not in UNSETTLED_STATES or (
            skip_reason is not None and skip_reason.state is ActionState.SKIPPED
        ):
            return
        settled_record = find_settled_record(previous, self.log, {snapshot.index.name: snapshot}, self.sender.policy)
        detail = "Settled by reading: it does not show."
        self.log.settle_attempt(
            settled_record or replace(previous, state=ActionState.FAILED, detail=detail, ended_at=snapshot.read_at)
        )

    def _send(self, action: Action, snapshot: IndexSnapshot, attempt: int) -> SendResult:
        record = self._make_record(action, snapshot, attempt)
        if not self.log.record_start(record):
            return ActionResult(action, ActionState.SKIPPED, "Another run has begun it."), None
        (result, error), after = self.sender.send(action, snapshot)
        try:
            self._record_result(
                replace(record, state=result.state, detail=result.detail, target_id=result.target_id, after=after)
            )
        except StateError as record_error:
            detail = f"{result.detail} What came of it could not be recorded: {record_error}".strip()
            return replace(result, detail=detail), record_error
        return result, error

    def _make_record(self, action: Action, snapshot: IndexSnapshot, attempt: int) -> ActionRecord:
        before: dict[str, object] = {
            it.schedule_id: build_settings_body(extract_settings(it)) for it in snapshot.schedules
        }
        return ActionRecord(
            project=self.plan.project,
            key=action.key,
            attempt=attempt,
            plan_id=self.plan.plan_id,
            actor=self.actor,
            started_at=self.sender.now(),
            call=str(action.call),
            before=before | {it.backup_id: it.status for it in snapshot.backups},
        )

    def _record_result(self, record: ActionRecord) -> None:
        self.log.record_result(replace(record, ended_at=self.sender.now()))


def _make_repeat_reason(previous: ActionRecord, skip_reason: SkipReason | None) -> SkipReason:
    """Return that a plan's action was done before, and is not done again whatever became of it."""
    reason = f"{previous.actor} did it at {format_moment(previous.started_at)}, and a plan is applied once."
    if skip_reason is None:
        return SkipReason(ActionState.SKIPPED, f"{reason} What it did was undone since; make another plan.")
    return replace(skip_reason, detail=f"{reason} {skip_reason.detail}")


def _find_wait_reason(action: Action, snapshot: IndexSnapshot, previous: ActionRecord) -> SkipReason | None:
    """Return why a backup that was asked for and is not listed is not asked for again yet: no 409 stops a second."""
    was_requested = isinstance(action, CreateBackup) and previous.state in UNSETTLED_STATES | APPLIED_STATES
    if not was_requested or snapshot.read_at - previous.started_at >= _MAX_VISIBILITY_DELAY:
        return None
    reason = f"{previous.actor} asked for it at {format_moment(previous.started_at)}, and it may yet show."
    return SkipReason(ActionState.SKIPPED, reason)


def find_expected_project_id(
    plan: RemediationPlan, policy: Policy, inventory: Inventory, log: RemediationLog
) -> str | None:
    """Return Pinecone's id of the project that is meant, where anything tells it. Raises `StateError`."""
    project_id = policy.project.expected_id or plan.project_id or inventory.project_id
    return project_id or log.load_pinecone_project_id(plan.project)


_MAX_CONCURRENCY = 20
"""How many actions are done at once."""
_MAX_CONSECUTIVE_FAILURES = 3
"""So many in a row, in the order in which they come back, are taken for the end."""
_PROJECT_ERRORS = (
    BadKeyError,
    ForbiddenError,
    RemediationPlanError,
    OrganizationPlanError,
    QuotaError,
    DeadlineError,
    StateError,
)
"""What concerns every action that is still to come."""


@dataclass(slots=True)
class ExecutionResult:
    """What came of carrying out a plan."""

    results: tuple[ActionResult, ...] = ()
    """Of every action that the policy lets be carried out, in the order of the plan."""
    stop_error: BackupAuditorError | None = None
    """What concerned the project as a whole, if anything did: the log before all else."""
    interruption: BaseException | None = None
    """What told this process to end, if anything did."""


def execute_plan(  # noqa: PLR0913  each is one thing that acting needs, named by its caller
    plan: RemediationPlan,
    policy: Policy,
    inventory: Inventory,
    *,
    writer: ProjectWriter,
    log: RemediationLog,
    actor: str,
    now: Callable[[], datetime],
) -> ExecutionResult:
    """Carry out what the policy lets be carried out of a plan, as far as the inventory, which is fresh, has room.

    Raises nothing that Pinecone or the log answers: what was done is told whatever happened.
    """
    try:
        expected_id = find_expected_project_id(plan, policy, inventory, log)
    except StateError as error:
        results = (ActionResult(it, ActionState.NOT_STARTED, f"Stopped: {error}") for it in plan.applicable_actions)
        return ExecutionResult(tuple(results), error)
    runner = ActionRunner(plan, ActionSender(writer, policy, now, expected_id), log, actor)
    is_project_confirmed = expected_id is None or inventory.project_id == expected_id
    return _PlanRun(plan, writer, runner, is_project_confirmed=is_project_confirmed).run(inventory, policy)


@dataclass(slots=True)
class _PlanRun:
    plan: RemediationPlan
    writer: ProjectWriter
    runner: ActionRunner
    is_project_confirmed: bool
    """Whether Pinecone has said that this is the project that is meant: until then one action is in flight."""
    results: dict[str, ActionResult] = field(default_factory=dict)
    queue: deque[Action] = field(default_factory=deque)
    started_keys: set[str] = field(default_factory=set)
    failure_count: int = 0
    stop_reason: str | None = None
    result: ExecutionResult = field(default_factory=ExecutionResult)

    def run(self, inventory: Inventory, policy: Policy) -> ExecutionResult:
        try:
            self._skip_over_quota(inventory, policy)
        except StateError as error:
            self._stop(str(error), error)
        with WorkerPool(min(_MAX_CONCURRENCY, self.writer.max_concurrency)) as pool:
            while True:
                try:
                    self._start_actions(pool)
                    pool.finish(lambda: self.writer.seconds_left)
                    break
                except (KeyboardInterrupt, SystemExit) as interruption:  # what is in flight is finished
                    if self.result.interruption is not None:
                        raise
                    self._stop("it was told to end")
                    self.result.interruption = interruption
        self.result.results = tuple(
            self.results.get(it.key) or self._make_unfinished_result(it) for it in self.plan.applicable_actions
        )
        return self.result

    def _make_unfinished_result(self, action: Action) -> ActionResult:
        if action.key in self.started_keys:
            return ActionResult(action, ActionState.UNKNOWN, "It was begun, and did not come back.")
        return ActionResult(action, ActionState.NOT_STARTED, f"Stopped: {self.stop_reason}")

    def _skip_over_quota(self, inventory: Inventory, policy: Policy) -> None:
        """Look at the room once more: the facts may be newer than the plan."""
        project = ProjectContext(inventory, policy)
        budget = build_quota_budget(project)
        for action in self.plan.applicable_actions:
            previous = self.runner.log.find_last_attempt(self.plan.project, action.key)
            is_counted = is_done_already(previous, self.plan.plan_id, self.plan.created_at)
            is_counted = is_counted or _is_superseded(action, project)
            reason = None if is_counted else budget.explain_shortage(action.slots)
            if reason is not None:
                self.results[action.key] = ActionResult(
                    action, ActionState.SKIPPED, f"{reason[0].upper()}{reason[1:]}."
                )
                continue
            budget.reserve(0 if is_counted else action.slots)
            self.queue.append(action)

    def _start_actions(self, pool: WorkerPool) -> None:
        """Begin as many actions as may be in flight."""
        limit = min(_MAX_CONCURRENCY, self.writer.max_concurrency) if self.is_project_confirmed else 1
        while self.stop_reason is None and self.queue and len(self.started_keys.difference(self.results)) < limit:
            action = self.queue.popleft()
            self.started_keys.add(action.key)
            timeout_result = ActionResult(action, ActionState.UNKNOWN, "The time was over before it came back.")
            fallback: SendResult = timeout_result, DeadlineError("the time was over")
            pool.submit(partial(self.runner.run, action), partial(self._accept_result, pool), fallback)

    def _accept_result(self, pool: WorkerPool, send_result: SendResult) -> None:
        result, error = send_result
        self.results[result.action.key] = result
        if result.state in {ActionState.DONE, ActionState.ALREADY_SATISFIED}:
            self.failure_count = 0
            self.is_project_confirmed = self.is_project_confirmed or not isinstance(result.action, CreateBackup)
        elif result.state in FAILED_STATES:
            self.failure_count += 1
        if isinstance(error, _PROJECT_ERRORS):
            self._stop(str(error), error)
        elif self.failure_count >= _MAX_CONSECUTIVE_FAILURES:
            self._stop(f"{self.failure_count} failures in a row, the last of them: {result.detail}")
        self._start_actions(pool)

    def _stop(self, reason: str, error: BackupAuditorError | None = None) -> None:
        self.stop_reason = self.stop_reason or reason
        if self.result.stop_error is None or isinstance(error, StateError):  # something may be unrecorded
            self.result.stop_error = error


def _is_superseded(action: Action, project: ProjectContext) -> bool:
    """Tell whether somebody acted since the plan was made, so that an action takes no slots: it is not sent any more.

    What stands there is counted with the rest, and whether it is enough is decided when the index is read again.
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
