"""Checks that every enabled schedule of an index must pass, and the ages of schedules."""

from collections.abc import Callable
from datetime import timedelta

from backup_auditor.domain.control import Verdict, not_applicable
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import created_at_of, interval_of, try_each
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.text import join_words


def judge_enabled_schedules(subject: IndexContext, judge: Callable[[Schedule], Verdict]) -> Verdict:
    """Judge the enabled schedules one by one, and let the worst verdict stand for the index.

    A schedule that fails is enough. That all pass can be said only when all are known; one of which it is not known
    whether it is enabled stands in the way unless it would pass beside another.
    """
    answers = try_each(subject.schedules.enabled, judge)
    verdicts = [verdict for _, verdict in answers.known]
    failed = [it for it in verdicts if it.compliance is Compliance.NON_COMPLIANT]
    if failed:
        return _together(failed)
    answers.need_all()
    subject.schedules.need_listing()
    for schedule in subject.schedules.perhaps_enabled:
        if not verdicts or judge(schedule).compliance is Compliance.NON_COMPLIANT:
            raise subject.schedules.doubt_about(schedule)
    return _together(verdicts) if verdicts else not_applicable("It has no enabled schedule.")


def _together(verdicts: list[Verdict]) -> Verdict:
    """Make one verdict of several that are alike, in the order of their schedules."""
    first, *others = verdicts
    if not others:
        return first
    return Verdict(
        first.compliance,
        join_words([it.reason for it in verdicts]),
        {**first.evidence, "other_schedules": [it.evidence for it in others]},
        rests_on=tuple(dict.fromkeys(listing for it in verdicts for listing in it.rests_on)),
    )


def age_of(subject: IndexContext, schedule: Schedule) -> timedelta:
    """Return how long ago a schedule was made; a moment in the future is now."""
    return max(subject.observed_at - created_at_of(schedule), timedelta())


def is_younger(subject: IndexContext, schedule: Schedule, intervals: int) -> bool:
    """Tell whether a schedule was made less than so many of its intervals, and the grace, ago."""
    return age_of(subject, schedule) < intervals * interval_of(schedule) + subject.grace


def first_that_is_younger(subject: IndexContext, intervals: int) -> Schedule | None:
    """Return an enabled schedule that is younger, if there is one; raise where there may be one that is not known."""
    answers = try_each(subject.schedules.enabled, lambda it: is_younger(subject, it, intervals))
    for schedule, is_young in answers.known:
        if is_young:
            return schedule
    answers.need_all()
    subject.schedules.need_listing()
    for schedule in subject.schedules.perhaps_enabled:
        if is_younger(subject, schedule, intervals):
            raise subject.schedules.doubt_about(schedule)
    return None


def all_are_younger(subject: IndexContext, intervals: int) -> bool:
    """Tell whether there are enabled schedules and all are younger; raise where that is not known."""
    answers = try_each(subject.schedules.enabled, lambda it: is_younger(subject, it, intervals))
    if not all(is_young for _, is_young in answers.known):
        return False
    answers.need_all()
    subject.schedules.need_listing()
    if_enabled = bool(subject.schedules.enabled)
    for schedule in subject.schedules.perhaps_enabled:
        if is_younger(subject, schedule, intervals) is not if_enabled:
            raise subject.schedules.doubt_about(schedule)
    return if_enabled
