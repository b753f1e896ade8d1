"""Checks that every enabled schedule of an index must pass, and the ages of schedules."""

from collections.abc import Callable
from datetime import timedelta

from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import require_created_at, require_interval, try_each
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.text import join_sentences
from backup_auditor.domain.verdict import Verdict, not_applicable

NO_ENABLED_SCHEDULE_REASON = "The index has no enabled schedule."
NO_MINIMUM_REASON = "The policy sets no minimum number of copies."


def evaluate_enabled_schedules(subject: IndexContext, evaluate: Callable[[Schedule], Verdict]) -> Verdict:
    """Evaluate each enabled schedule, and return the worst verdict for the index.

    One schedule that fails is enough. A compliant verdict requires that all schedules are known. A schedule for which
    it is unknown whether it is enabled makes the result unknown, unless it would pass and another enabled one passes.
    """
    results = try_each(subject.schedules.enabled_schedules, evaluate)
    verdicts = [verdict for _, verdict in results.results]
    failed_verdicts = [it for it in verdicts if it.compliance is Compliance.NON_COMPLIANT]
    if failed_verdicts:
        return _combine_verdicts(failed_verdicts)
    results.require_complete()
    subject.schedules.require_listing()
    for schedule in subject.schedules.possibly_enabled_schedules:
        if not verdicts or evaluate(schedule).compliance is Compliance.NON_COMPLIANT:
            raise subject.schedules.create_unknown_enabled_error(schedule)
    return _combine_verdicts(verdicts) if verdicts else not_applicable(NO_ENABLED_SCHEDULE_REASON)


def for_each_enabled_schedule(
    evaluate: Callable[[IndexContext, Schedule], Verdict],
) -> Callable[[IndexContext], Verdict]:
    """Return the evaluation of an index that evaluates each of its enabled schedules."""
    return lambda subject: evaluate_enabled_schedules(subject, lambda schedule: evaluate(subject, schedule))


def _combine_verdicts(verdicts: list[Verdict]) -> Verdict:
    """Return one verdict for several with the same compliance, in the order of their schedules."""
    first, *other_verdicts = verdicts
    if not other_verdicts:
        return first
    return Verdict(
        first.compliance,
        join_sentences([it.reason for it in verdicts]),
        {**first.evidence, "other_schedules": [it.evidence for it in other_verdicts]},
        depends_on_absence_in=tuple(dict.fromkeys(listing for it in verdicts for listing in it.depends_on_absence_in)),
    )


def compute_age(subject: IndexContext, schedule: Schedule) -> timedelta:
    """Return the age of a schedule; a creation time in the future gives zero."""
    return max(subject.observed_at - require_created_at(schedule), timedelta())


def is_younger_than(subject: IndexContext, schedule: Schedule, interval_count: int) -> bool:
    """Return whether a schedule is younger than a number of its intervals plus the grace."""
    return compute_age(subject, schedule) < interval_count * require_interval(schedule) + subject.grace


def find_enabled_schedule(subject: IndexContext, fits: Callable[[Schedule], bool]) -> Schedule | None:
    """Return an enabled schedule that fits, if any; raise `InsufficientDataError` if one may be unknown."""
    results = try_each(subject.schedules.enabled_schedules, fits)
    for schedule, is_fitting in results.results:
        if is_fitting:
            return schedule
    results.require_complete()
    subject.schedules.require_listing()
    for schedule in subject.schedules.possibly_enabled_schedules:
        if fits(schedule):
            raise subject.schedules.create_unknown_enabled_error(schedule)
    return None


def are_all_younger(subject: IndexContext, interval_count: int) -> bool:
    """Return whether enabled schedules exist and all are younger; raise `InsufficientDataError` if that is unknown."""
    results = try_each(subject.schedules.enabled_schedules, lambda it: is_younger_than(subject, it, interval_count))
    if not all(is_young for _, is_young in results.results):
        return False
    results.require_complete()
    subject.schedules.require_listing()
    has_enabled = bool(subject.schedules.enabled_schedules)
    for schedule in subject.schedules.possibly_enabled_schedules:
        if is_younger_than(subject, schedule, interval_count) is not has_enabled:
            raise subject.schedules.create_unknown_enabled_error(schedule)
    return has_enabled
