"""A remediation plan, its actions, and their records.

Each action is one API call, and another call undoes it. No action deletes anything.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from backup_auditor.domain.model import ApiCall, Frequency, Schedule, ScheduleSettings
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.text import quote_segment
from backup_auditor.domain.timefmt import format_length, to_days
from backup_auditor.errors import BackupAuditorError


def build_settings_body(settings: ScheduleSettings) -> dict[str, object]:
    """Return settings as the API takes them; a setting that is `None` is left out."""
    body: dict[str, object] = {}
    if settings.enabled is not None:
        body["enabled"] = settings.enabled
    if settings.frequency is not None:
        body["frequency"] = settings.frequency.value
    if settings.retention is not None:
        body["retention"] = {"expire_after_days": to_days(settings.retention)}
    return body


def extract_settings(schedule: Schedule) -> ScheduleSettings:
    """Return the known settings of a schedule."""
    return ScheduleSettings(schedule.enabled, Frequency.parse(schedule.frequency), schedule.retention)


class ActionKind(StrEnum):
    """The kinds of action, in the order in which they use the free quota."""

    CREATE_SCHEDULE = "create_schedule"
    UPDATE_SCHEDULE = "update_schedule"
    FIRST_BACKUP = "first_backup"

    @property
    def label(self) -> str:
        """The kind as people read it."""
        return self.replace("_", " ")


@dataclass(frozen=True, slots=True)
class CreateSchedule:
    """Creates a schedule for an index that has none."""

    index: str
    name: str
    frequency: Frequency
    retention: timedelta
    slots: int
    """How many backups of the quota the schedule will use."""
    reason: str
    kind = ActionKind.CREATE_SCHEDULE
    is_creation = True

    @property
    def key(self) -> str:
        """Identifies the action across plans."""
        return f"{self.kind}/{self.index}"

    @property
    def call(self) -> ApiCall:
        """The call that applies the action."""
        schedule = {"type": "time-based", "frequency": self.frequency.value}
        body = {"name": self.name, "schedule": schedule, "retention": {"expire_after_days": to_days(self.retention)}}
        return ApiCall("POST", f"/indexes/{quote_segment(self.index)}/backup-schedules", body)

    def build_undo_call(self, target_id: str) -> ApiCall:
        """Return the call that undoes the action."""
        return ApiCall("DELETE", f"/backup-schedules/{quote_segment(target_id)}")


@dataclass(frozen=True, slots=True)
class UpdateSchedule:
    """Changes a schedule that violates the policy: it runs more often, keeps backups longer, or is resumed."""

    index: str
    schedule_id: str
    name: str
    changes: ScheduleSettings
    before: ScheduleSettings
    slots: int
    """How many more backups of the quota the schedule will use."""
    reason: str
    kind = ActionKind.UPDATE_SCHEDULE
    is_creation = False

    @property
    def key(self) -> str:
        """Identifies the action across plans."""
        return f"{self.kind}/{self.schedule_id}"

    @property
    def call(self) -> ApiCall:
        """The call that applies the action."""
        return _build_update_call(self.schedule_id, self.changes)

    def build_undo_call(self, target_id: str) -> ApiCall:
        """Return the call that undoes the action."""
        return _build_update_call(target_id, self.before.restrict_to(self.changes))


def _build_update_call(schedule_id: str, settings: ScheduleSettings) -> ApiCall:
    return ApiCall("PATCH", f"/backup-schedules/{quote_segment(schedule_id)}", build_settings_body(settings))


@dataclass(frozen=True, slots=True)
class CreateBackup:
    """Takes one backup of an index that has no recovery point."""

    index: str
    name: str
    reason: str
    slots: int = 1
    kind = ActionKind.FIRST_BACKUP
    is_creation = True

    @property
    def key(self) -> str:
        """Identifies the action across plans."""
        return f"{self.kind}/{self.index}"

    @property
    def call(self) -> ApiCall:
        """The call that applies the action."""
        return ApiCall("POST", f"/indexes/{quote_segment(self.index)}/backups", {"name": self.name})

    def build_undo_call(self, target_id: str) -> ApiCall:
        """Return the call that undoes the action."""
        return ApiCall("DELETE", f"/backups/{quote_segment(target_id)}")


type Action = CreateSchedule | UpdateSchedule | CreateBackup


FIRST_BACKUP_PREFIX = "auditor-first-"
"""The prefix of the names of first backups, so that people recognize them."""


MAX_PLAN_AGE = timedelta(hours=24)
"""How old a plan may be when it is applied."""


@dataclass(frozen=True, slots=True, order=True)
class SkippedAction:
    """An action that the policy requires and the plan leaves out, and why."""

    index: str
    kind: ActionKind
    reason: str
    is_unknown: bool = False
    """Whether the reason is that something could not be read or is unknown."""


@dataclass(frozen=True, slots=True)
class RemediationPlan:
    """The actions that correct a project, in the order in which they are applied."""

    project: str
    policy_sha256: str
    created_at: datetime
    """When the facts were read on which the plan is based."""
    create_schedules: Mode
    fix_schedules: Mode
    actions: tuple[Action, ...]
    skipped_actions: tuple[SkippedAction, ...]
    slots_before: int
    slots_after: int
    quota: int | None
    project_id: str | None = None
    """Pinecone's id of the project, if any schedule has it."""
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
        """Return the action with a key; `None` if there is none."""
        return next((it for it in self.actions if it.key == key), None)

    def find_mode(self, kind: ActionKind) -> Mode:
        """Return the policy's mode for a kind of action. First backups have the mode of the creation of schedules."""
        return self.fix_schedules if kind is ActionKind.UPDATE_SCHEDULE else self.create_schedules

    @property
    def applicable_actions(self) -> tuple[Action, ...]:
        """The actions that the policy allows to be applied, not only proposed."""
        return tuple(it for it in self.actions if self.find_mode(it.kind) is Mode.APPLY)

    def has_applied(self, record: "ActionRecord") -> bool:
        """Return whether this plan applied the action of a record, after it was created."""
        is_applied = record.state in {*APPLIED_STATES, ActionState.ALREADY_SATISFIED}
        return is_applied and record.plan_id == self.plan_id and record.started_at >= self.created_at

    def explain_invalid_age(self, now: datetime) -> str | None:
        """Return why the plan is too old to apply, or from the future; `None` if it is neither."""
        age = now - self.created_at
        if age > MAX_PLAN_AGE:
            return f"is too old (limit: {format_length(MAX_PLAN_AGE)})"
        return "was created in the future" if age < -timedelta(minutes=5) else None


class ActionState(StrEnum):
    """The result of an action."""

    STARTED = "started"
    """The call may have been sent; no result was recorded."""
    DONE = "done"
    """The call was sent, and the policy is satisfied by what was read back."""
    ALREADY_SATISFIED = "already_satisfied"
    """No call was needed: the policy is satisfied."""
    SKIPPED = "skipped"
    """The index changed since the plan was created; no call was sent."""
    VERIFICATION_FAILED = "verification_failed"
    """The call was sent, and the policy is not satisfied by what was read back."""
    FAILED = "failed"
    """The call was refused or did not arrive; nothing was written."""
    UNKNOWN = "unknown"
    """The call was sent; whether it took effect is unknown."""
    NOT_STARTED = "not_started"
    """The execution stopped before this action."""

    @property
    def label(self) -> str:
        """The state as people read it."""
        return self.replace("_", " ")


APPLIED_STATES = frozenset({ActionState.DONE, ActionState.VERIFICATION_FAILED})
FAILED_STATES = frozenset({ActionState.FAILED, ActionState.UNKNOWN, ActionState.VERIFICATION_FAILED})
"""The states that count as failures."""
UNSETTLED_STATES = frozenset({ActionState.STARTED, ActionState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """The record of one attempt at an action."""

    project: str
    key: str
    """Identifies the action across plans."""
    attempt: int
    """The number of the attempt, from 1."""
    plan_id: str
    actor: str
    started_at: datetime
    call: str
    before: Mapping[str, object]
    state: ActionState = ActionState.STARTED
    detail: str = ""
    target_id: str | None = None
    """The id of the schedule or backup that was created or changed."""
    after: Mapping[str, object] = field(default_factory=dict)
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActionResult:
    """The result of one action of a plan."""

    action: Action
    state: ActionState
    detail: str = ""
    target_id: str | None = None
    is_satisfied: bool = False
    """Whether the policy is satisfied although the action was skipped."""
    after: Mapping[str, object] = field(default_factory=dict)
    """The schedule or the backup as it was read back."""
    has_later_change: bool = False
    """Whether the schedule was changed again after the action: undoing the action would undo that, too."""
    error: BackupAuditorError | None = field(default=None, compare=False)
    """The error that caused the result, if any; it may concern the whole project."""

    @property
    def is_successful(self) -> bool:
        """Whether the policy is satisfied, as far as this action is concerned."""
        is_skip_satisfied = self.state is ActionState.SKIPPED and self.is_satisfied
        return is_skip_satisfied or self.state in {ActionState.DONE, ActionState.ALREADY_SATISFIED}

    @property
    def undo_call(self) -> ApiCall | None:
        """The call that undoes the action; `None` if there is nothing to undo."""
        if self.target_id is None or self.state not in {*APPLIED_STATES, ActionState.UNKNOWN}:
            return None
        if self.has_later_change and self.action.kind is ActionKind.UPDATE_SCHEDULE:
            return None
        return self.action.build_undo_call(self.target_id)


def find_failure_times(attempts: Iterable[ActionRecord]) -> dict[str, datetime]:
    """Return when the last attempt failed, by the key of the action, for the actions whose last attempt failed."""
    latest_attempts = {it.key: it for it in sorted(attempts, key=lambda it: it.attempt)}
    return {key: it.started_at for key, it in latest_attempts.items() if it.state in FAILED_STATES}


def build_results(plan: RemediationPlan, records: Sequence[ActionRecord]) -> tuple[ActionResult, ...]:
    """Return the last recorded result of each action of a plan since the plan was created."""
    latest_records = {it.key: it for it in records if it.started_at >= plan.created_at}
    action_records = ((action, latest_records.get(action.key)) for action in plan.actions)
    return tuple(build_result(action, it) for action, it in action_records if it is not None)


def build_result(action: Action, record: ActionRecord) -> ActionResult:
    """Return the result of an action from its record."""
    sent_values = build_settings_body(action.changes) if isinstance(action, UpdateSchedule) else {}
    has_later_change = record.state is ActionState.DONE and any(
        record.after.get(key) != it for key, it in sent_values.items()
    )
    return ActionResult(
        action, record.state, record.detail, record.target_id, after=record.after, has_later_change=has_later_change
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """One action of the plan that follows from an audit."""

    plan_id: str
    kind: ActionKind
    index: str
    mode: str
    """`propose`, or `apply` if the policy allows the action to be applied."""
    reason: str
    method: str
    path: str
    body: Mapping[str, object]
    """The body of the exact call."""
