"""Control `index-has-recovery-point`."""

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.control import Control, Family, InsufficientError, Verdict, compliant, non_compliant
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.index_schedules import label
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.moments import format_length, format_moment


def judge(subject: IndexSubject) -> Verdict:
    """Judge one index."""
    points = subject.backups.recovery_points
    if points:
        newest = points[0].captured_at
        moment = format_moment(newest) if newest else None
        return compliant(f"It has {len(points)} recovery point(s).", {"recovery_points": len(points), "newest": moment})
    if subject.backups.undated_recovery_points:
        raise InsufficientError("Its only Ready backups tell no time at which they were taken.")
    for schedule in subject.schedules.enabled:
        if _first_run_is_not_yet_due(subject, schedule):
            age = subject.observed_at - schedule.created_at if schedule.created_at else None
            shown = format_length(age) if age is not None else "an unknown time"
            return compliant(f"The first run of its schedule {label(schedule)}, made {shown} ago, is not yet due.")
    subject.schedules.need_all()
    return non_compliant(
        "It has no recovery point: nothing can be restored.",
        {"recovery_points": 0, "backups": len(subject.backups.all)},
        rests_on=subject.backups.listings,
    )


def _first_run_is_not_yet_due(subject: IndexSubject, schedule: Schedule) -> bool:
    frequency = Frequency.of(schedule.frequency)
    if frequency is None:
        raise InsufficientError(f"How often its schedule {label(schedule)} runs is not known: {schedule.frequency!r}.")
    if schedule.created_at is None:
        raise InsufficientError(f"When its schedule {label(schedule)} was made is not known.")
    return subject.observed_at - schedule.created_at < frequency.interval + subject.grace


INDEX_HAS_RECOVERY_POINT = Control(
    id="index-has-recovery-point",
    title="Every index has a recovery point",
    severity=Severity.CRITICAL,
    scope=ResourceType.INDEX,
    family=Family.RECOVERY,
    rationale="An index without a recovery point is lost with the first mistake.",
    remediation="Take a backup of {name} now: in the console under its Backups tab, or POST /indexes/{name}/backups.",
    judge=judge,
    parameters={"runs.grace": "how late a first run may be"},
)
