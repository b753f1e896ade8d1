"""Whether the enabled schedules of an index are too young for what is asked of them."""

from datetime import timedelta

from backup_auditor.domain.answers import answers_of
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.schedule_facts import created_at_of, interval_of


def age_of(subject: IndexSubject, schedule: Schedule) -> timedelta:
    """Return how long ago a schedule was made; a moment in the future is now."""
    return max(subject.observed_at - created_at_of(schedule), timedelta())


def is_younger(subject: IndexSubject, schedule: Schedule, intervals: int) -> bool:
    """Tell whether a schedule was made less than so many of its intervals, and the grace, ago."""
    return age_of(subject, schedule) < intervals * interval_of(schedule) + subject.grace


def first_that_is_younger(subject: IndexSubject, intervals: int) -> Schedule | None:
    """Return an enabled schedule that is younger, if there is one; raise where there may be one that is not known."""
    answers = answers_of(subject.schedules.enabled, lambda it: is_younger(subject, it, intervals))
    for schedule, is_young in answers.known:
        if is_young:
            return schedule
    answers.need_all()
    subject.schedules.need_listing()
    for schedule in subject.schedules.perhaps_enabled:
        if is_younger(subject, schedule, intervals):
            raise subject.schedules.doubt_about(schedule)
    return None


def all_are_younger(subject: IndexSubject, intervals: int) -> bool:
    """Tell whether there are enabled schedules and all are younger; raise where that is not known."""
    answers = answers_of(subject.schedules.enabled, lambda it: is_younger(subject, it, intervals))
    if not all(is_young for _, is_young in answers.known):
        return False
    answers.need_all()
    subject.schedules.need_listing()
    if_enabled = bool(subject.schedules.enabled)
    for schedule in subject.schedules.perhaps_enabled:
        if is_younger(subject, schedule, intervals) is not if_enabled:
            raise subject.schedules.doubt_about(schedule)
    return if_enabled
