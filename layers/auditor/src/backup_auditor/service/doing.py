"""Sends one action, reads back what it did, and finds out what stood in its way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from backup_auditor.domain.facts import Backup, Schedule
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.actions import Action, ChangeSchedule, CreateSchedule, TakeBackup
from backup_auditor.domain.remediation.calls import settings_of
from backup_auditor.domain.remediation.deciding import Seen, verdict_on, why_other_project
from backup_auditor.domain.remediation.record import ActionState, Result
from backup_auditor.domain.remediation.verifying import changed_since, told, why_amiss
from backup_auditor.domain.schedule_facts import label
from backup_auditor.errors import (
    BackupAuditorError,
    ConflictError,
    NotFoundError,
    OutcomeUnknownError,
    PineconeError,
    PlanError,
)
from backup_auditor.ports.writing import ProjectWriter

_LOOKS = (0.0, 1.0, 4.0)
"""Seconds to wait before what was done is read back: it may take a moment to show."""

type Done = tuple[Result, BackupAuditorError | None]
"""What came of an action, and the error it ended with."""


@dataclass(frozen=True, slots=True)
class Doing:
    """Does single actions of a project, from as many threads as like. Raises nothing that Pinecone answers."""

    writer: ProjectWriter
    policy: Policy
    now: Callable[[], datetime]
    project_id: str | None = None
    """Pinecone's id of the project that is meant, where it is known."""

    def look(self, action: Action) -> Seen:
        """Read the index of an action again. Raises `PineconeError`."""
        return self._look_back(action, Seen(self.now(), self.writer.index(action.index), ()))

    def do(self, action: Action, seen: Seen) -> tuple[Done, Mapping[str, object]]:
        """Do an action beside what was just seen; return what came of it, and how what was made was answered."""
        try:
            made = self._send(action, seen)
        except OutcomeUnknownError as error:
            changed = action.schedule_id if isinstance(action, ChangeSchedule) else None
            return (Result(action, ActionState.UNKNOWN, str(error), changed), error), {}
        except (ConflictError, NotFoundError) as error:
            return self._after_refusal(action, error), {}
        except PineconeError as error:
            return (Result(action, ActionState.FAILED, str(error)), error), {}
        made_id = made.backup_id if isinstance(made, Backup) else made.schedule_id
        other = why_other_project([made] if isinstance(made, Schedule) else [], self.project_id)
        if other is not None:
            result = Result(action, ActionState.AMISS, f"Verification failed. {other} Undo this.", made_id)
            return (result, PlanError(other)), told(made)
        result = self._verified(action, made_id, seen)
        return (result, None), result.reads_back or told(made)

    def _send(self, action: Action, seen: Seen) -> Schedule | Backup:
        match action:
            case CreateSchedule():
                wanted = action.frequency, action.retention
                return self.writer.create_schedule(action.index, action.name, *wanted, seen.schedules)
            case ChangeSchedule():
                return self.writer.change_schedule(action.schedule_id, action.changes)
            case TakeBackup():
                return self.writer.take_backup(action.index, action.name, seen.backups)

    def _verified(self, action: Action, made_id: str, before: Seen) -> Result:
        """Read back what was done, more than once while the policy is not satisfied by it."""
        why: str | None = None
        for wait in _LOOKS:
            try:
                self.writer.pause(wait)
                after = self._look_back(action, before)
            except NotFoundError:
                detail = "Verification failed. It was done, and the index is gone since."
                return Result(action, ActionState.AMISS, detail, made_id)
            except PineconeError as error:
                detail = f"It was done, and could not be read back: {error}"
                return Result(action, ActionState.UNKNOWN, detail, made_id)
            why = why_amiss(action, made_id, before, after, self.policy)
            if why is None:
                return self._done(action, made_id, changed_since(action, made_id, after))
        return Result(action, ActionState.AMISS, f"Verification failed. {why}", made_id)

    def _done(self, action: Action, made_id: str, other: Schedule | None) -> Result:
        if other is None:
            return Result(action, ActionState.DONE, "", made_id)
        now = told(other)
        detail = (
            f"Its schedule {label(other)} was changed since, to {settings_of(other).body}, and satisfies the policy."
        )
        return Result(action, ActionState.DONE, detail, made_id, reads_back=now)

    def _look_back(self, action: Action, before: Seen) -> Seen:
        if isinstance(action, TakeBackup):
            return replace(before, at=self.now(), backups=self.writer.backups(action.index))
        return replace(before, at=self.now(), schedules=self.writer.schedules(action.index))

    def _after_refusal(self, action: Action, error: ConflictError | NotFoundError) -> Done:
        """Find out what stands in the way, or took the place of what is gone: what satisfies the policy will do."""
        is_gone = isinstance(error, NotFoundError)
        refused = Result(action, ActionState.FAILED, str(error))
        if is_gone:
            refused = Result(action, ActionState.SKIPPED, "It was gone when it was written to.")
        try:
            verdict = verdict_on(action, self.look(action), self.policy)
        except NotFoundError:
            return gone(action), None
        except PineconeError as unread:
            return replace(refused, detail=f"{refused.detail} It could not be read again: {unread}"), unread
        if verdict is None:
            return refused, None if is_gone else error
        if is_gone or verdict.is_satisfied or verdict.state is ActionState.ALREADY_THERE:
            return Result(action, verdict.state, verdict.detail, is_satisfied=verdict.is_satisfied), None
        return replace(refused, detail=f"{error}. {verdict.detail}"), error


def gone(action: Action) -> Result:
    """Return that the index of an action is gone, and that the policy requires nothing of it any more."""
    return Result(action, ActionState.SKIPPED, "The index is gone.", is_satisfied=True)
