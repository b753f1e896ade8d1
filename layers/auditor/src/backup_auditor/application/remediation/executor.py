"""Execute a plan: read each index again, record the action, send its call, verify it, record the result."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from backup_auditor.application.remediation.reconcile import as_observed
from backup_auditor.domain.evaluation.index_schedules import label
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Listing, known_rows
from backup_auditor.domain.model import Backup, Schedule
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.actions import Action, CreateBackup, CreateSchedule, UpdateSchedule, settings_of
from backup_auditor.domain.remediation.checks import (
    IndexSnapshot,
    SkipReason,
    changed_since,
    check_precondition,
    describe_result,
    find_mismatch,
    why_other_project,
)
from backup_auditor.domain.remediation.plan import (
    APPLIED_STATES,
    FAILED_STATES,
    UNSETTLED_STATES,
    ActionRecord,
    ActionResult,
    ActionState,
    Plan,
    is_done_already,
)
from backup_auditor.domain.remediation.planner import quota_budget
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.errors import (
    BackupAuditorError,
    BadKeyError,
    ConflictError,
    DeadlineError,
    ForbiddenError,
    NotFoundError,
    OutcomeUnknownError,
    PineconeError,
    PlanError,
    PlanForbidsError,
    QuotaError,
    StateError,
)
from backup_auditor.ports.pinecone import ProjectWriter
from backup_auditor.ports.stores import RemediationLog
from backup_auditor.worker_pool import WorkerPool

_LOOKS = (0.0, 1.0, 4.0)
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

    def look(self, action: Action) -> IndexSnapshot:
        """Read the index of an action again. Raises `PineconeError`."""
        return self._look_back(action, IndexSnapshot(self.now(), self.writer.index(action.index), ()))

    def do(self, action: Action, seen: IndexSnapshot) -> tuple[SendResult, Mapping[str, object]]:
        """Do an action beside what was just seen; return what came of it, and how what was made was answered."""
        try:
            made = self._send(action, seen)
        except OutcomeUnknownError as error:
            changed = action.schedule_id if isinstance(action, UpdateSchedule) else None
            return (ActionResult(action, ActionState.UNKNOWN, str(error), changed), error), {}
        except (ConflictError, NotFoundError) as error:
            return self._after_refusal(action, error), {}
        except PineconeError as error:
            return (ActionResult(action, ActionState.FAILED, str(error)), error), {}
        made_id = made.backup_id if isinstance(made, Backup) else made.schedule_id
        other = why_other_project([made] if isinstance(made, Schedule) else [], self.project_id)
        if other is not None:
            result = ActionResult(action, ActionState.AMISS, f"Verification failed. {other} Undo this.", made_id)
            return (result, PlanError(other)), describe_result(made)
        result = self._verified(action, made_id, seen)
        return (result, None), result.reads_back or describe_result(made)

    def _send(self, action: Action, seen: IndexSnapshot) -> Schedule | Backup:
        match action:
            case CreateSchedule():
                wanted = action.frequency, action.retention
                return self.writer.create_schedule(action.index, action.name, *wanted, seen.schedules)
            case UpdateSchedule():
                return self.writer.change_schedule(action.schedule_id, action.changes)
            case CreateBackup():
                return self.writer.take_backup(action.index, action.name, seen.backups)

    def _verified(self, action: Action, made_id: str, before: IndexSnapshot) -> ActionResult:
        """Read back what was done, more than once while the policy is not satisfied by it."""
        why: str | None = None
        for wait in _LOOKS:
            try:
                self.writer.pause(wait)
                after = self._look_back(action, before)
            except NotFoundError:
                detail = "Verification failed. It was done, and the index is gone since."
                return ActionResult(action, ActionState.AMISS, detail, made_id)
            except PineconeError as error:
                detail = f"It was done, and could not be read back: {error}"
                return ActionResult(action, ActionState.UNKNOWN, detail, made_id)
            why = find_mismatch(action, made_id, before, after, self.policy)
            if why is None:
                return self._done(action, made_id, changed_since(action, made_id, after))
        return ActionResult(action, ActionState.AMISS, f"Verification failed. {why}", made_id)

    def _done(self, action: Action, made_id: str, other: Schedule | None) -> ActionResult:
        if other is None:
            return ActionResult(action, ActionState.DONE, "", made_id)
        now = describe_result(other)
        detail = (
            f"Its schedule {label(other)} was changed since, to {settings_of(other).body}, and satisfies the policy."
        )
        return ActionResult(action, ActionState.DONE, detail, made_id, reads_back=now)

    def _look_back(self, action: Action, before: IndexSnapshot) -> IndexSnapshot:
        if isinstance(action, CreateBackup):
            return replace(before, at=self.now(), backups=self.writer.backups(action.index))
        return replace(before, at=self.now(), schedules=self.writer.schedules(action.index))

    def _after_refusal(self, action: Action, error: ConflictError | NotFoundError) -> SendResult:
        """Find out what stands in the way, or took the place of what is gone: what satisfies the policy will do."""
        is_gone = isinstance(error, NotFoundError)
        refused = ActionResult(action, ActionState.FAILED, str(error))
        if is_gone:
            refused = ActionResult(action, ActionState.SKIPPED, "It was gone when it was written to.")
        try:
            verdict = check_precondition(action, self.look(action), self.policy)
        except NotFoundError:
            return gone(action), None
        except PineconeError as unread:
            return replace(refused, detail=f"{refused.detail} It could not be read again: {unread}"), unread
        if verdict is None:
            return refused, None if is_gone else error
        if is_gone or verdict.is_satisfied or verdict.state is ActionState.ALREADY_THERE:
            return ActionResult(action, verdict.state, verdict.detail, is_satisfied=verdict.is_satisfied), None
        return replace(refused, detail=f"{error}. {verdict.detail}"), error


def gone(action: Action) -> ActionResult:
    """Return that the index of an action is gone, and that the policy requires nothing of it any more."""
    return ActionResult(action, ActionState.SKIPPED, "The index is gone.", is_satisfied=True)


_SETTLED = timedelta(minutes=15)
"""After so long a backup that was asked for shows, if it is being taken at all."""


@dataclass(frozen=True, slots=True)
class ActionRunner:
    """Acts on one plan, from as many threads as like."""

    plan: Plan
    doing: ActionSender
    log: RemediationLog
    who: str

    def act(self, action: Action) -> SendResult:
        """Do one action, if it is still right. Raises nothing that Pinecone or the log answers."""
        try:
            previous = self.log.last(self.plan.project, action.key)
            try:
                seen = self.doing.look(action)
            except NotFoundError:
                return gone(action), None
            except PineconeError as error:
                return ActionResult(action, ActionState.FAILED, f"It could not be read again: {error}"), error
            other = why_other_project(seen.schedules, self.doing.project_id)
            if other is not None:
                return ActionResult(action, ActionState.FAILED, other), PlanError(other)
            verdict = check_precondition(action, seen, self.doing.policy)
            if previous is not None and is_done_already(previous, self.plan.plan_id, self.plan.made_at):
                verdict = _repeated(previous, verdict)
            elif previous is not None:
                verdict = verdict or _why_it_may_yet_show(action, seen, previous)
                self._settle(previous, seen, verdict)
            if verdict is not None:
                return ActionResult(action, verdict.state, verdict.detail, is_satisfied=verdict.is_satisfied), None
            return self._do(action, seen, 1 if previous is None else previous.attempt + 1)
        except StateError as error:
            return ActionResult(
                action, ActionState.FAILED, f"It could not be recorded, and was not done: {error}"
            ), error

    def _settle(self, previous: ActionRecord, seen: IndexSnapshot, verdict: SkipReason | None) -> None:
        """Record of an attempt whose outcome nobody knew what is seen of it now."""
        if previous.state not in UNSETTLED_STATES or (verdict is not None and verdict.state is ActionState.SKIPPED):
            return
        settled = as_observed(previous, self.log, {seen.index.name: seen}, self.doing.policy)
        detail = "Settled by reading: it does not show."
        self.log.settle(settled or replace(previous, state=ActionState.FAILED, detail=detail, ended_at=seen.at))

    def _do(self, action: Action, seen: IndexSnapshot, attempt: int) -> SendResult:
        record = self._record(action, seen, attempt)
        if not self.log.begin(record):
            return ActionResult(action, ActionState.SKIPPED, "Another run has begun it."), None
        (result, error), after = self.doing.do(action, seen)
        try:
            self._conclude(
                replace(record, state=result.state, detail=result.detail, made_id=result.made_id, after=after)
            )
        except StateError as unrecorded:
            detail = f"{result.detail} What came of it could not be recorded: {unrecorded}".strip()
            return replace(result, detail=detail), unrecorded
        return result, error

    def _record(self, action: Action, seen: IndexSnapshot, attempt: int) -> ActionRecord:
        before: dict[str, object] = {it.schedule_id: settings_of(it).body for it in seen.schedules}
        return ActionRecord(
            project=self.plan.project,
            key=action.key,
            attempt=attempt,
            plan_id=self.plan.plan_id,
            who=self.who,
            began_at=self.doing.now(),
            call=str(action.call),
            before=before | {it.backup_id: it.status for it in seen.backups},
        )

    def _conclude(self, record: ActionRecord) -> None:
        self.log.conclude(replace(record, ended_at=self.doing.now()))


def _repeated(previous: ActionRecord, verdict: SkipReason | None) -> SkipReason:
    """Return that a plan's action was done before, and is not done again whatever became of it."""
    why = f"{previous.who} did it at {format_moment(previous.began_at)}, and a plan is applied once."
    if verdict is None:
        return SkipReason(ActionState.SKIPPED, f"{why} What it did was undone since; make another plan.")
    return replace(verdict, detail=f"{why} {verdict.detail}")


def _why_it_may_yet_show(action: Action, seen: IndexSnapshot, previous: ActionRecord) -> SkipReason | None:
    """Return why a backup that was asked for and is not listed is not asked for again yet: no 409 stops a second."""
    was_asked_for = isinstance(action, CreateBackup) and previous.state in UNSETTLED_STATES | APPLIED_STATES
    if not was_asked_for or seen.at - previous.began_at >= _SETTLED:
        return None
    why = f"{previous.who} asked for it at {format_moment(previous.began_at)}, and it may yet show."
    return SkipReason(ActionState.SKIPPED, why)


def meant_project(plan: Plan, policy: Policy, inventory: Inventory, log: RemediationLog) -> str | None:
    """Return Pinecone's id of the project that is meant, where anything tells it. Raises `StateError`."""
    told = policy.project.expected_id or plan.project_id or inventory.project_id
    return told or log.pinecone_project_id(plan.project)


_MOST_IN_FLIGHT = 20
"""How many actions are done at once."""
_MOST_FAILURES = 3
"""So many in a row, in the order in which they come back, are taken for the end."""
_OF_THE_PROJECT = (BadKeyError, ForbiddenError, PlanError, PlanForbidsError, QuotaError, DeadlineError, StateError)
"""What concerns every action that is still to come."""


@dataclass(slots=True)
class ExecutionResult:
    """What came of carrying out a plan."""

    results: tuple[ActionResult, ...] = ()
    """Of every action that the policy lets be carried out, in the order of the plan."""
    stopped_by: BackupAuditorError | None = None
    """What concerned the project as a whole, if anything did: the log before all else."""
    interrupted: BaseException | None = None
    """What told this process to end, if anything did."""


def execute_plan(  # noqa: PLR0913  each is one thing that acting needs, named by its caller
    plan: Plan,
    policy: Policy,
    inventory: Inventory,
    *,
    writer: ProjectWriter,
    log: RemediationLog,
    who: str,
    now: Callable[[], datetime],
) -> ExecutionResult:
    """Carry out what the policy lets be carried out of a plan, as far as the inventory, which is fresh, has room.

    Raises nothing that Pinecone or the log answers: what was done is told whatever happened.
    """
    try:
        meant = meant_project(plan, policy, inventory, log)
    except StateError as error:
        left = (ActionResult(it, ActionState.NOT_BEGUN, f"Stopped: {error}") for it in plan.applicable)
        return ExecutionResult(tuple(left), error)
    acting = ActionRunner(plan, ActionSender(writer, policy, now, meant), log, who)
    is_proven = meant is None or inventory.project_id == meant
    return _PlanRun(plan, writer, acting, is_proven=is_proven).outcome(inventory, policy)


@dataclass(slots=True)
class _PlanRun:
    plan: Plan
    writer: ProjectWriter
    acting: ActionRunner
    is_proven: bool
    """Whether Pinecone has said that this is the project that is meant: until then one action is in flight."""
    done: dict[str, ActionResult] = field(default_factory=dict)
    waiting: deque[Action] = field(default_factory=deque)
    begun: set[str] = field(default_factory=set)
    failures: int = 0
    why_stopped: str | None = None
    so_far: ExecutionResult = field(default_factory=ExecutionResult)

    def outcome(self, inventory: Inventory, policy: Policy) -> ExecutionResult:
        try:
            self._leave_out_what_does_not_fit(inventory, policy)
        except StateError as error:
            self._stop(str(error), error)
        with WorkerPool(min(_MOST_IN_FLIGHT, self.writer.ceiling)) as crew:
            while True:
                try:
                    self._go_on(crew)
                    crew.finish(lambda: self.writer.seconds_left)
                    break
                except (KeyboardInterrupt, SystemExit) as end:  # what is in flight is finished
                    if self.so_far.interrupted is not None:
                        raise
                    self._stop("it was told to end")
                    self.so_far.interrupted = end
        self.so_far.results = tuple(self.done.get(it.key) or self._left(it) for it in self.plan.applicable)
        return self.so_far

    def _left(self, action: Action) -> ActionResult:
        if action.key in self.begun:
            return ActionResult(action, ActionState.UNKNOWN, "It was begun, and did not come back.")
        return ActionResult(action, ActionState.NOT_BEGUN, f"Stopped: {self.why_stopped}")

    def _leave_out_what_does_not_fit(self, inventory: Inventory, policy: Policy) -> None:
        """Look at the room once more: the facts may be newer than the plan."""
        project = ProjectContext(inventory, policy)
        room = quota_budget(project)
        for action in self.plan.applicable:
            previous = self.acting.log.last(self.plan.project, action.key)
            is_counted = is_done_already(previous, self.plan.plan_id, self.plan.made_at)
            is_counted = is_counted or _is_overtaken(action, project)
            why = None if is_counted else room.why_none_for(action.slots)
            if why is not None:
                self.done[action.key] = ActionResult(action, ActionState.SKIPPED, f"{why[0].upper()}{why[1:]}.")
                continue
            room.put(0 if is_counted else action.slots)
            self.waiting.append(action)

    def _go_on(self, crew: WorkerPool) -> None:
        """Begin as many actions as may be in flight."""
        most = min(_MOST_IN_FLIGHT, self.writer.ceiling) if self.is_proven else 1
        while self.why_stopped is None and self.waiting and len(self.begun.difference(self.done)) < most:
            action = self.waiting.popleft()
            self.begun.add(action.key)
            lost = ActionResult(action, ActionState.UNKNOWN, "The time was over before it came back.")
            instead: SendResult = lost, DeadlineError("the time was over")
            crew.do(partial(self.acting.act, action), partial(self._take, crew), instead)

    def _take(self, crew: WorkerPool, done: SendResult) -> None:
        result, error = done
        self.done[result.action.key] = result
        if result.state in {ActionState.DONE, ActionState.ALREADY_THERE}:
            self.failures = 0
            self.is_proven = self.is_proven or not isinstance(result.action, CreateBackup)
        elif result.state in FAILED_STATES:
            self.failures += 1
        if isinstance(error, _OF_THE_PROJECT):
            self._stop(str(error), error)
        elif self.failures >= _MOST_FAILURES:
            self._stop(f"{self.failures} failures in a row, the last of them: {result.detail}")
        self._go_on(crew)

    def _stop(self, why: str, error: BackupAuditorError | None = None) -> None:
        self.why_stopped = self.why_stopped or why
        if self.so_far.stopped_by is None or isinstance(error, StateError):  # something may be unrecorded
            self.so_far.stopped_by = error


def _is_overtaken(action: Action, project: ProjectContext) -> bool:
    """Tell whether somebody acted since the plan was made, so that an action takes no slots: it is not sent any more.

    What stands there is counted with the rest, and whether it is enough is decided when the index is read again.
    """
    facts = project.facts.get(action.index)
    if facts is None:
        return project.inventory.indexes_unread is None
    schedules = known_rows(facts.schedules)
    match action:
        case CreateSchedule():
            return bool(schedules)
        case UpdateSchedule():
            found = next((it for it in schedules if it.schedule_id == action.schedule_id), None)
            if found is None:
                return isinstance(facts.schedules, Listing) and facts.schedules.broken is None
            others = (it for it in schedules if it is not found and it.enabled is not False)
            return settings_of(found) != action.before or any(others)
        case CreateBackup():
            return False
