"""Whether an index keeps getting new recovery points."""

from backup_auditor.domain.answers import answers_of
from backup_auditor.domain.control import InsufficientError
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.schedule_facts import interval_of


def is_replenished(subject: IndexSubject) -> bool:
    """Tell whether an enabled schedule makes recovery points: the newest is no older than its interval and the grace.

    Raises `InsufficientError` where that is not known.
    """
    answers = answers_of(subject.schedules.enabled, lambda it: _makes(subject, it))
    if any(makes for _, makes in answers.known):
        return True
    answers.need_all()
    subject.schedules.need_listing()
    for schedule in subject.schedules.perhaps_enabled:
        if _makes(subject, schedule):
            raise subject.schedules.doubt_about(schedule)
    return False


def _makes(subject: IndexSubject, schedule: Schedule) -> bool:
    allowed = interval_of(schedule) + subject.grace
    newest = next((it.captured_at for it in subject.backups.recovery_points), None)
    if newest is not None and subject.observed_at - newest <= allowed:
        return True
    if subject.backups.undated_recovery_points:
        raise InsufficientError("Some of its Ready backups tell no time at which they were taken.")
    return False
