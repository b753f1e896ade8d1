"""Carries a plan out: so many actions at once, until it is done or there is no use in going on."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Listing, known_rows
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_subject import ProjectSubject
from backup_auditor.domain.remediation.actions import Action, ChangeSchedule, CreateSchedule, TakeBackup
from backup_auditor.domain.remediation.calls import settings_of
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.remediation.record import NOT_WELL, ActionState, Result, is_done_already
from backup_auditor.domain.remediation.room import room_of
from backup_auditor.errors import (
    BackupAuditorError,
    BadKeyError,
    DeadlineError,
    ForbiddenError,
    PlanError,
    PlanForbidsError,
    QuotaError,
    StateError,
)
from backup_auditor.gathering.crew import Crew
from backup_auditor.ports.writing import ProjectWriter, RemediationLog
from backup_auditor.service.acting import Acting
from backup_auditor.service.doing import Doing, Done
from backup_auditor.service.remediating import meant_project

_MOST_IN_FLIGHT = 20
"""How many actions are done at once."""
_MOST_FAILURES = 3
"""So many in a row, in the order in which they come back, are taken for the end."""
_OF_THE_PROJECT = (BadKeyError, ForbiddenError, PlanError, PlanForbidsError, QuotaError, DeadlineError, StateError)
"""What concerns every action that is still to come."""


@dataclass(slots=True)
class Outcome:
    """What came of carrying out a plan."""

    results: tuple[Result, ...] = ()
    """Of every action that the policy lets be carried out, in the order of the plan."""
    stopped_by: BackupAuditorError | None = None
    """What concerned the project as a whole, if anything did: the log before all else."""
    interrupted: BaseException | None = None
    """What told this process to end, if anything did."""


def carry_out(  # noqa: PLR0913  each is one thing that acting needs, named by its caller
    plan: Plan,
    policy: Policy,
    inventory: Inventory,
    *,
    writer: ProjectWriter,
    log: RemediationLog,
    who: str,
    now: Callable[[], datetime],
) -> Outcome:
    """Carry out what the policy lets be carried out of a plan, as far as the inventory, which is fresh, has room.

    Raises nothing that Pinecone or the log answers: what was done is told whatever happened.
    """
    try:
        meant = meant_project(plan, policy, inventory, log)
    except StateError as error:
        left = (Result(it, ActionState.NOT_BEGUN, f"Stopped: {error}") for it in plan.applicable)
        return Outcome(tuple(left), error)
    acting = Acting(plan, Doing(writer, policy, now, meant), log, who)
    is_proven = meant is None or inventory.project_id == meant
    return _Run(plan, writer, acting, is_proven=is_proven).outcome(inventory, policy)


@dataclass(slots=True)
class _Run:
    plan: Plan
    writer: ProjectWriter
    acting: Acting
    is_proven: bool
    """Whether Pinecone has said that this is the project that is meant: until then one action is in flight."""
    done: dict[str, Result] = field(default_factory=dict)
    waiting: deque[Action] = field(default_factory=deque)
    begun: set[str] = field(default_factory=set)
    failures: int = 0
    why_stopped: str | None = None
    so_far: Outcome = field(default_factory=Outcome)

    def outcome(self, inventory: Inventory, policy: Policy) -> Outcome:
        try:
            self._leave_out_what_does_not_fit(inventory, policy)
        except StateError as error:
            self._stop(str(error), error)
        with Crew(min(_MOST_IN_FLIGHT, self.writer.ceiling)) as crew:
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

    def _left(self, action: Action) -> Result:
        if action.key in self.begun:
            return Result(action, ActionState.UNKNOWN, "It was begun, and did not come back.")
        return Result(action, ActionState.NOT_BEGUN, f"Stopped: {self.why_stopped}")

    def _leave_out_what_does_not_fit(self, inventory: Inventory, policy: Policy) -> None:
        """Look at the room once more: the facts may be newer than the plan."""
        project = ProjectSubject(inventory, policy)
        room = room_of(project)
        for action in self.plan.applicable:
            previous = self.acting.log.last(self.plan.project, action.key)
            is_counted = is_done_already(previous, self.plan.plan_id, self.plan.made_at)
            is_counted = is_counted or _is_overtaken(action, project)
            why = None if is_counted else room.why_none_for(action.slots)
            if why is not None:
                self.done[action.key] = Result(action, ActionState.SKIPPED, f"{why[0].upper()}{why[1:]}.")
                continue
            room.put(0 if is_counted else action.slots)
            self.waiting.append(action)

    def _go_on(self, crew: Crew) -> None:
        """Begin as many actions as may be in flight."""
        most = min(_MOST_IN_FLIGHT, self.writer.ceiling) if self.is_proven else 1
        while self.why_stopped is None and self.waiting and len(self.begun.difference(self.done)) < most:
            action = self.waiting.popleft()
            self.begun.add(action.key)
            lost = Result(action, ActionState.UNKNOWN, "The time was over before it came back.")
            instead: Done = lost, DeadlineError("the time was over")
            crew.do(partial(self.acting.act, action), partial(self._take, crew), instead)

    def _take(self, crew: Crew, done: Done) -> None:
        result, error = done
        self.done[result.action.key] = result
        if result.state in {ActionState.DONE, ActionState.ALREADY_THERE}:
            self.failures = 0
            self.is_proven = self.is_proven or not isinstance(result.action, TakeBackup)
        elif result.state in NOT_WELL:
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


def _is_overtaken(action: Action, project: ProjectSubject) -> bool:
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
        case ChangeSchedule():
            found = next((it for it in schedules if it.schedule_id == action.schedule_id), None)
            if found is None:
                return isinstance(facts.schedules, Listing) and facts.schedules.broken is None
            others = (it for it in schedules if it is not found and it.enabled is not False)
            return settings_of(found) != action.before or any(others)
        case TakeBackup():
            return False
