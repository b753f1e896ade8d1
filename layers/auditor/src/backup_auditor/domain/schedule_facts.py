"""Single facts of a schedule, as controls need them: the fact, or `InsufficientError` where it is not known."""

from datetime import datetime, timedelta

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.control import InsufficientError
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.finding import Evidence
from backup_auditor.domain.memory import EarlierSettings
from backup_auditor.domain.moments import days, format_length, format_moment
from backup_auditor.domain.text import quote_text


def label(schedule: Schedule) -> str:
    """Name a schedule in a sentence."""
    return schedule.name or schedule.schedule_id


def evidence_of(schedule: Schedule) -> dict[str, object]:
    """Return what names a schedule in evidence, for a control to add its figures to."""
    return {"schedule": schedule.name, "schedule_id": schedule.schedule_id}


def frequency_of(schedule: Schedule) -> Frequency:
    """Return how often a schedule runs."""
    frequency = Frequency.of(schedule.frequency)
    if frequency is None:
        evidence: Evidence = {**evidence_of(schedule), "frequency": schedule.frequency}
        told = "nothing" if schedule.frequency is None else quote_text(schedule.frequency)
        reason = f"How often its schedule {label(schedule)} runs is not known: Pinecone says {told}."
        raise InsufficientError(reason, evidence)
    return frequency


def interval_of(schedule: Schedule) -> timedelta:
    """Return the longest time that may pass between two runs of a schedule."""
    return frequency_of(schedule).interval


def retention_of(schedule: Schedule) -> timedelta:
    """Return how long the backups of a schedule are kept."""
    if schedule.retention is None:
        reason = f"How long its schedule {label(schedule)} keeps backups is not known."
        raise InsufficientError(reason, evidence_of(schedule))
    return schedule.retention


def name_of(schedule: Schedule) -> str:
    """Return the name of a schedule."""
    if schedule.name is None:
        raise InsufficientError(f"The name of its schedule {label(schedule)} is not known.", evidence_of(schedule))
    return schedule.name


def created_at_of(schedule: Schedule) -> datetime:
    """Return when a schedule was made."""
    if schedule.created_at is None:
        reason = f"When its schedule {label(schedule)} was made is not known."
        raise InsufficientError(reason, evidence_of(schedule))
    return schedule.created_at


def with_retention(schedule: Schedule) -> dict[str, object]:
    """Return what names a schedule in evidence, and its retention."""
    return {**evidence_of(schedule), "retention_days": days(retention_of(schedule))}


def shown_retention(schedule: Schedule) -> str:
    """Begin a sentence with how long a schedule keeps backups."""
    return f"Its schedule {label(schedule)} keeps backups {format_length(retention_of(schedule))}"


def settings_evidence(settings: EarlierSettings) -> dict[str, object]:
    """Return the settings that a schedule had, and the first audit that saw them."""
    return {
        "seen_since": format_moment(settings.since),
        "frequency": settings.frequency,
        "retention_days": None if settings.retention is None else days(settings.retention),
        "enabled": settings.enabled,
    }
