"""Whether a remembered backup that is not listed any more should still exist."""

from datetime import datetime, timedelta
from enum import Enum, auto

from backup_auditor.domain.expiry import kept_until
from backup_auditor.domain.index_schedules import IndexSchedules
from backup_auditor.domain.memory import KnownBackup
from backup_auditor.domain.project_subject import ProjectSubject

MARGIN = timedelta(minutes=15)
"""How close to its expiry a backup is no longer expected: it is listed later than `observed_at`, by other clocks."""


class Survival(Enum):
    """Whether a backup should still exist."""

    EXPECTED = auto()
    OVER = auto()
    """It has expired, or nothing ever told when it would."""
    UNKNOWN = auto()
    """A shorter retention, which could not be read, may have ended it."""


def survival_of(backup: KnownBackup, project: ProjectSubject) -> Survival:
    """Tell whether a backup should still exist, by the least retention known since it was made."""
    if backup.expires is False:
        return Survival.EXPECTED
    expected = _is_expected(backup.expires_at, project.observed_at)
    if backup.expires is None or not expected:
        return Survival.OVER
    schedule = project.expiries.schedules.get(backup.schedule_id or "")
    if schedule is None:
        return Survival.EXPECTED if _is_gone(backup, project) else Survival.UNKNOWN
    if schedule.retention is None:
        return Survival.UNKNOWN
    until = kept_until(backup.captured_at, schedule)
    return Survival.EXPECTED if until is None or _is_expected(until, project.observed_at) else Survival.OVER


def _is_expected(expires_at: datetime | None, observed_at: datetime) -> bool:
    return expires_at is not None and expires_at - observed_at > MARGIN


def _is_gone(backup: KnownBackup, project: ProjectSubject) -> bool:
    """Tell whether the schedule of a backup is not there any more: what it had last counts."""
    facts = project.facts.get(backup.index_name)
    if facts is None:
        return project.inventory.indexes_unread is None
    return IndexSchedules(facts, project.plan_refusal).unread is None
