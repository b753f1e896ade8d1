"""A remediation plan, and the records of its actions."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.actions import Action, ActionKind, ApiCall, UpdateSchedule, build_settings_body

MAX_PLAN_AGE = timedelta(hours=24)
"""How old a plan may be when it is carried out."""


@dataclass(frozen=True, slots=True, order=True)
class SkippedAction:
    """Something that is not done although the policy would have it, and why."""

    index: str
    kind: ActionKind
    reason: str
    is_unknown: bool = False
    """Whether it is left out because something could not be read, or Pinecone does not say it."""


@dataclass(frozen=True, slots=True)
class RemediationPlan:
    """What is to be done, in this order."""

    project: str
    policy_sha256: str
    created_at: datetime
    """When the facts were read that it is made of."""
    create_schedules: Mode
    fix_schedules: Mode
    actions: tuple[Action, ...]
    skipped_actions: tuple[SkippedAction, ...]
    slots_before: int
    slots_after: int
    quota: int | None
    project_id: str | None = None
    """Pinecone's own id of the project, where any schedule told it."""
    stored_id: str | None = field(default=None, compare=False)
    """The id under which the plan was read from a store."""

    @property
    def plan_id(self) -> str:
        """The id of the plan: the same project, policy and calls give the same id, whenever the plan is made."""
        if self.stored_id is not None:
            return self.stored_id
        text = json.dumps([self.project, self.policy_sha256, [str(it.call) for it in self.actions]])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def find_action(self, key: str) -> Action | None:
        """Return the action that a key names."""
        return next((it for it in self.actions if it.key == key), None)

    def find_mode(self, kind: ActionKind) -> Mode:
        """Return what the policy lets be done of a kind."""
        return find_mode(kind, self.create_schedules, self.fix_schedules)

    @property
    def applicable_actions(self) -> tuple[Action, ...]:
        """The actions that the policy lets be carried out, and not only proposed."""
        return tuple(it for it in self.actions if self.find_mode(it.kind) is Mode.APPLY)

    def explain_invalid_age(self, now: datetime) -> str | None:
        """Return why it is too late, or too early, to carry it out; `None` where it is not."""
        age = now - self.created_at
        if age > MAX_PLAN_AGE:
            return f"is more than {MAX_PLAN_AGE // timedelta(hours=1)} hours old"
        return "is of a time to come" if age < -timedelta(minutes=5) else None


def find_mode(kind: ActionKind, create_schedules: Mode, fix_schedules: Mode) -> Mode:
    """Return which of the policy's modes holds for a kind. A first backup is made where schedules are."""
    return fix_schedules if kind is ActionKind.UPDATE_SCHEDULE else create_schedules


class ActionState(StrEnum):
    """What came of an action."""

    STARTED = "started"
    """It was begun; nobody has said what came of it."""
    DONE = "done"
    """It was done, and reads back as asked."""
    ALREADY_SATISFIED = "already_satisfied"
    SKIPPED = "skipped"
    """The index changed since the plan was made; nothing was written."""
    VERIFICATION_FAILED = "verification_failed"
    """It was done, and reads back otherwise."""
    FAILED = "failed"
    """It was refused, or never arrived; nothing was written."""
    UNKNOWN = "unknown"
    """It was sent, and whether it took effect could not be found out."""
    NOT_STARTED = "not_started"
    """Everything was stopped before its turn."""

    @property
    def label(self) -> str:
        """The state as people read it."""
        return self.replace("_", " ")


APPLIED_STATES = frozenset({ActionState.DONE, ActionState.VERIFICATION_FAILED})
FAILED_STATES = frozenset({ActionState.FAILED, ActionState.UNKNOWN, ActionState.VERIFICATION_FAILED})
"""What counts as a failure."""
UNSETTLED_STATES = frozenset({ActionState.STARTED, ActionState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """One attempt at an action, as it is recorded."""

    project: str
    key: str
    """What makes it the same action in every plan."""
    attempt: int
    """Counts the attempts at it, from 1."""
    plan_id: str
    actor: str
    started_at: datetime
    call: str
    before: Mapping[str, object]
    state: ActionState = ActionState.STARTED
    detail: str = ""
    target_id: str | None = None
    """The schedule or the backup that was made or changed."""
    after: Mapping[str, object] = field(default_factory=dict)
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What came of one action of a plan."""

    action: Action
    state: ActionState
    detail: str = ""
    target_id: str | None = None
    is_satisfied: bool = False
    """Whether the policy is satisfied although the action was skipped."""
    current_values: Mapping[str, object] | None = None
    """What reads back where somebody has changed since what was written: to undo ours would undo that too."""

    @property
    def is_successful(self) -> bool:
        """Whether the policy is satisfied by what stands there, as far as this action goes."""
        is_skip_satisfied = self.state is ActionState.SKIPPED and self.is_satisfied
        return is_skip_satisfied or self.state in {ActionState.DONE, ActionState.ALREADY_SATISFIED}

    @property
    def undo_call(self) -> ApiCall | None:
        """The call that undoes it; `None` where nothing was written by us."""
        is_written = self.state in {*APPLIED_STATES, ActionState.UNKNOWN}
        is_unchanged = self.current_values is None or self.action.kind is not ActionKind.UPDATE_SCHEDULE
        return (
            self.action.build_undo_call(self.target_id)
            if is_written and is_unchanged and self.target_id is not None
            else None
        )


def is_done_already(record: ActionRecord | None, plan_id: str, created_at: datetime) -> bool:
    """Tell whether a plan's action was done since the facts were read that the plan is made of."""
    return (
        record is not None
        and record.plan_id == plan_id
        and record.started_at >= created_at
        and record.state in {*APPLIED_STATES, ActionState.ALREADY_SATISFIED}
    )


def find_failure_times(attempts: Iterable[ActionRecord]) -> dict[str, datetime]:
    """Return the actions that did not go well when they were tried last, by their keys: when that was."""
    latest_attempts = {it.key: it for it in sorted(attempts, key=lambda it: it.attempt)}
    return {key: it.started_at for key, it in latest_attempts.items() if it.state in FAILED_STATES}


def build_results(plan: RemediationPlan, records: Sequence[ActionRecord]) -> tuple[ActionResult, ...]:
    """Return what is recorded of a plan's actions, each as it stood last, since the facts were read it is made of."""
    latest_records = {it.key: it for it in records if it.started_at >= plan.created_at}
    action_records = ((action, latest_records.get(action.key)) for action in plan.actions)
    return tuple(build_result(action, it) for action, it in action_records if it is not None)


def build_result(action: Action, record: ActionRecord) -> ActionResult:
    """Return what came of an action, by its record."""
    sent_values = build_settings_body(action.changes) if isinstance(action, UpdateSchedule) else {}
    has_later_change = record.state is ActionState.DONE and any(
        record.after.get(key) != it for key, it in sent_values.items()
    )
    return ActionResult(
        action, record.state, record.detail, record.target_id, current_values=record.after if has_later_change else None
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """One action of the plan that the facts of an audit make."""

    plan_id: str
    kind: ActionKind
    index: str
    mode: str
    """`propose`, or `apply` where the policy lets it be carried out."""
    reason: str
    method: str
    path: str
    body: Mapping[str, object]
    """The exact call."""
