"""What is recorded of an action before and after it is done, and what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from backup_auditor.domain.remediation.actions import Action, ChangeSchedule, Kind
from backup_auditor.domain.remediation.calls import Call
from backup_auditor.domain.remediation.plan import Plan


class ActionState(StrEnum):
    """What came of an action."""

    INTENDED = "intended"
    """It was begun; nobody has said what came of it."""
    DONE = "done"
    """It was done, and reads back as asked."""
    ALREADY_THERE = "already there"
    SKIPPED = "skipped"
    """The index changed since the plan was made; nothing was written."""
    AMISS = "amiss"
    """It was done, and reads back otherwise."""
    FAILED = "failed"
    """It was refused, or never arrived; nothing was written."""
    UNKNOWN = "unknown"
    """It was sent, and whether it took effect could not be found out."""
    NOT_BEGUN = "not begun"
    """Everything was stopped before its turn."""


WRITTEN = frozenset({ActionState.DONE, ActionState.AMISS})
NOT_WELL = frozenset({ActionState.FAILED, ActionState.UNKNOWN, ActionState.AMISS})
"""What counts as a failure."""
OPEN = frozenset({ActionState.INTENDED, ActionState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """One attempt at an action, as it is recorded."""

    project: str
    key: str
    """What makes it the same action in every plan."""
    attempt: int
    """Counts the attempts at it, from 1."""
    plan_id: str
    who: str
    began_at: datetime
    call: str
    before: Mapping[str, object]
    state: ActionState = ActionState.INTENDED
    detail: str = ""
    made_id: str | None = None
    """The schedule or the backup that was made or changed."""
    after: Mapping[str, object] = field(default_factory=dict)
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one action of a plan."""

    action: Action
    state: ActionState
    detail: str = ""
    made_id: str | None = None
    is_satisfied: bool = False
    """Whether the policy is satisfied although the action was skipped."""
    reads_back: Mapping[str, object] | None = None
    """What reads back where somebody has changed since what was written: to undo ours would undo that too."""

    @property
    def is_well(self) -> bool:
        """Whether the policy is satisfied by what stands there, as far as this action goes."""
        is_skipped_well = self.state is ActionState.SKIPPED and self.is_satisfied
        return is_skipped_well or self.state in {ActionState.DONE, ActionState.ALREADY_THERE}

    @property
    def undo(self) -> Call | None:
        """The call that undoes it; `None` where nothing was written by us."""
        is_ours = self.state in {*WRITTEN, ActionState.UNKNOWN}
        is_alone = self.reads_back is None or self.action.kind is not Kind.CHANGE_SCHEDULE
        return self.action.undo(self.made_id) if is_ours and is_alone and self.made_id is not None else None


def is_done_already(previous: ActionRecord | None, plan_id: str, made_at: datetime) -> bool:
    """Tell whether a plan's action was done since the facts were read that the plan is made of."""
    return (
        previous is not None
        and previous.plan_id == plan_id
        and previous.began_at >= made_at
        and previous.state in {*WRITTEN, ActionState.ALREADY_THERE}
    )


def failed_at(attempts: Iterable[ActionRecord]) -> dict[str, datetime]:
    """Return the actions that did not go well when they were tried last, by their keys: when that was."""
    latest = {it.key: it for it in sorted(attempts, key=lambda it: it.attempt)}
    return {key: it.began_at for key, it in latest.items() if it.state in NOT_WELL}


def results_of(plan: Plan, records: Sequence[ActionRecord]) -> tuple[Result, ...]:
    """Return what is recorded of a plan's actions, each as it stood last, since the facts were read it is made of."""
    latest = {it.key: it for it in records if it.began_at >= plan.made_at}
    known = ((action, latest.get(action.key)) for action in plan.actions)
    return tuple(result_of(action, it) for action, it in known if it is not None)


def result_of(action: Action, record: ActionRecord) -> Result:
    """Return what came of an action, by its record."""
    asked = action.changes.body if isinstance(action, ChangeSchedule) else {}
    is_other = record.state is ActionState.DONE and any(record.after.get(key) != it for key, it in asked.items())
    return Result(action, record.state, record.detail, record.made_id, reads_back=record.after if is_other else None)
