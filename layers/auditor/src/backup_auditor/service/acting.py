"""One action of a plan: its index is read again, it is recorded, done, and recorded once more."""

from dataclasses import dataclass, replace
from datetime import timedelta

from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.remediation.actions import Action, TakeBackup
from backup_auditor.domain.remediation.calls import settings_of
from backup_auditor.domain.remediation.deciding import Seen, Verdict, verdict_on, why_other_project
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.remediation.record import OPEN, WRITTEN, ActionRecord, ActionState, Result, is_done_already
from backup_auditor.errors import NotFoundError, PineconeError, PlanError, StateError
from backup_auditor.ports.writing import RemediationLog
from backup_auditor.service.doing import Doing, Done, gone
from backup_auditor.service.taking_up import as_shown

_SETTLED = timedelta(minutes=15)
"""After so long a backup that was asked for shows, if it is being taken at all."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Acts on one plan, from as many threads as like."""

    plan: Plan
    doing: Doing
    log: RemediationLog
    who: str

    def act(self, action: Action) -> Done:
        """Do one action, if it is still right. Raises nothing that Pinecone or the log answers."""
        try:
            previous = self.log.last(self.plan.project, action.key)
            try:
                seen = self.doing.look(action)
            except NotFoundError:
                return gone(action), None
            except PineconeError as error:
                return Result(action, ActionState.FAILED, f"It could not be read again: {error}"), error
            other = why_other_project(seen.schedules, self.doing.project_id)
            if other is not None:
                return Result(action, ActionState.FAILED, other), PlanError(other)
            verdict = verdict_on(action, seen, self.doing.policy)
            if previous is not None and is_done_already(previous, self.plan.plan_id, self.plan.made_at):
                verdict = _repeated(previous, verdict)
            elif previous is not None:
                verdict = verdict or _why_it_may_yet_show(action, seen, previous)
                self._settle(previous, seen, verdict)
            if verdict is not None:
                return Result(action, verdict.state, verdict.detail, is_satisfied=verdict.is_satisfied), None
            return self._do(action, seen, 1 if previous is None else previous.attempt + 1)
        except StateError as error:
            return Result(action, ActionState.FAILED, f"It could not be recorded, and was not done: {error}"), error

    def _settle(self, previous: ActionRecord, seen: Seen, verdict: Verdict | None) -> None:
        """Record of an attempt whose outcome nobody knew what is seen of it now."""
        if previous.state not in OPEN or (verdict is not None and verdict.state is ActionState.SKIPPED):
            return
        settled = as_shown(previous, self.log, {seen.index.name: seen}, self.doing.policy)
        detail = "Settled by reading: it does not show."
        self.log.settle(settled or replace(previous, state=ActionState.FAILED, detail=detail, ended_at=seen.at))

    def _do(self, action: Action, seen: Seen, attempt: int) -> Done:
        record = self._record(action, seen, attempt)
        if not self.log.begin(record):
            return Result(action, ActionState.SKIPPED, "Another run has begun it."), None
        (result, error), after = self.doing.do(action, seen)
        try:
            self._conclude(
                replace(record, state=result.state, detail=result.detail, made_id=result.made_id, after=after)
            )
        except StateError as unrecorded:
            detail = f"{result.detail} What came of it could not be recorded: {unrecorded}".strip()
            return replace(result, detail=detail), unrecorded
        return result, error

    def _record(self, action: Action, seen: Seen, attempt: int) -> ActionRecord:
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


def _repeated(previous: ActionRecord, verdict: Verdict | None) -> Verdict:
    """Return that a plan's action was done before, and is not done again whatever became of it."""
    why = f"{previous.who} did it at {format_moment(previous.began_at)}, and a plan is applied once."
    if verdict is None:
        return Verdict(ActionState.SKIPPED, f"{why} What it did was undone since; make another plan.")
    return replace(verdict, detail=f"{why} {verdict.detail}")


def _why_it_may_yet_show(action: Action, seen: Seen, previous: ActionRecord) -> Verdict | None:
    """Return why a backup that was asked for and is not listed is not asked for again yet: no 409 stops a second."""
    was_asked_for = isinstance(action, TakeBackup) and previous.state in OPEN | WRITTEN
    if not was_asked_for or seen.at - previous.began_at >= _SETTLED:
        return None
    why = f"{previous.who} asked for it at {format_moment(previous.began_at)}, and it may yet show."
    return Verdict(ActionState.SKIPPED, why)
