"""Remediation actions: each is one API call, and another call undoes it. No action deletes anything."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from backup_auditor.domain.model import ApiCall, Frequency, Schedule, ScheduleSettings
from backup_auditor.domain.text import quote_segment
from backup_auditor.domain.timefmt import to_days


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
