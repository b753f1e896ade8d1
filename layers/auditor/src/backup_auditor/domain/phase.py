"""What a backup's status says, and when its run was due."""

from datetime import datetime
from enum import IntEnum

from backup_auditor.domain.facts import Backup
from backup_auditor.domain.moments import CLOCK_TOLERANCE, moment_in_run_name


class Phase(IntEnum):
    """How far a backup has come, least first."""

    UNKNOWN = 0
    PLANNED = 1
    UNDER_WAY = 2
    FAILED = 3
    READY = 4


_PHASES = {
    "ready": Phase.READY,
    "initializing": Phase.UNDER_WAY,
    "pending": Phase.UNDER_WAY,
    "scheduled": Phase.PLANNED,
    "failed": Phase.FAILED,
    "initializationfailed": Phase.FAILED,
}
_FINISHED = (Phase.READY, Phase.FAILED)
_USUAL = {"Ready": Phase.READY}
"""What nearly every row says, as Pinecone writes it: there are many rows."""


def phase_of_status(status: str) -> Phase:
    """Return the phase that a status alone names, without regard to case; the set of statuses is open."""
    return _USUAL.get(status) or _PHASES.get(status.casefold(), Phase.UNKNOWN)


def run_moment(backup: Backup) -> datetime | None:
    """Return when a scheduled run is, or was, due to capture; `None` where the row carries no run's moment."""
    return backup.scheduled_for or moment_in_run_name(backup.name)


def capture_time(phase: Phase, moment: datetime | None, observed_at: datetime) -> datetime | None:
    """Return when the data was taken, by the auditor's clock, if the rows of a backup say that it was at a moment.

    What is finished was not taken in the future: a moment that lies ahead by no more than clocks may differ is now.
    """
    if moment is None or moment <= observed_at or phase not in _FINISHED:
        return moment
    return observed_at if moment - observed_at <= CLOCK_TOLERANCE else moment


def is_planned_run(backup: Backup, observed_at: datetime) -> bool:
    """Tell whether a row alone shows a run that is still to come; it may stand as `Initializing` before its time."""
    phase = phase_of_status(backup.status)
    if phase is Phase.UNDER_WAY:
        due = run_moment(backup)
        return due is not None and due > observed_at
    return phase is Phase.PLANNED
