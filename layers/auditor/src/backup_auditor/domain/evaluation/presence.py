"""Whether a recorded backup that is no longer listed should still exist."""

from enum import Enum, auto

from backup_auditor.domain.evaluation.index_backups import IndexBackups
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.project_state import KnownBackup
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE

EXPIRY_MARGIN = CLOCK_TOLERANCE
"""How long before its expiry a backup is no longer expected: clocks differ, and it is listed after `observed_at`."""


class ExpectedPresence(Enum):
    """Whether a backup should still exist."""

    EXPECTED = auto()
    NOT_EXPECTED = auto()
    """It has expired, or its expiry was never known."""
    UNKNOWN = auto()
    """The retention, which could not be read, may have been shortened."""


def find_expected_presence(backup: KnownBackup, project: ProjectContext) -> ExpectedPresence:
    """Return whether a backup of `project.known_backups` should still exist, by the earliest expiry known for it.

    For a backup that was first missed in a previous audit, what was known then decides.
    """
    if backup.expires is False:
        return (
            ExpectedPresence.NOT_EXPECTED
            if backup.is_no_longer_expected(project.observed_at)
            else ExpectedPresence.EXPECTED
        )
    if backup.expires is None or backup.expires_at is None or backup.expires_at - project.observed_at <= EXPIRY_MARGIN:
        return ExpectedPresence.NOT_EXPECTED
    if backup.missed_at is not None:
        return ExpectedPresence.EXPECTED
    schedule = project.expiries.schedules.get(backup.schedule_id or "")
    if schedule is None:
        return ExpectedPresence.EXPECTED if _is_schedule_gone(backup, project) else ExpectedPresence.UNKNOWN
    return ExpectedPresence.UNKNOWN if schedule.retention is None else ExpectedPresence.EXPECTED


def is_replaced(backup: KnownBackup, project: ProjectContext) -> bool:
    """Return whether the auditor took this as a first backup, and enough scheduled copies exist now."""
    if backup.backup_id not in project.state.first_backup_ids:
        return False
    facts, live_id = project.facts_by_name.get(backup.index_name), project.live_ids.get(backup.index_name)
    if facts is None or live_id is None or live_id.id != backup.index_id:
        return False
    requirements = project.find_requirements(backup.index_name)
    backups = IndexBackups(
        facts,
        IndexSchedules(facts, project.plan_denial),
        project.backups_by_name.get(backup.index_name, []),
        project.expiries,
        requirements.runs.grace,
    )
    min_copies = requirements.recovery.min_copies or 1
    scheduled_points = (it for it in backups.require_recovery_points() if backups.find_expiry(it).expires)
    return sum(1 for _ in scheduled_points) >= min_copies


def _is_schedule_gone(backup: KnownBackup, project: ProjectContext) -> bool:
    """Return whether the schedule of a backup no longer exists: its last known settings then count."""
    facts = project.facts_by_name.get(backup.index_name)
    if facts is None:
        return project.inventory.indexes_failure is None
    return IndexSchedules(facts, project.plan_denial).failure is None
