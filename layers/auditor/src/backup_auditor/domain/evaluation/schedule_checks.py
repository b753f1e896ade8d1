"""Checks that every enabled schedule of an index must pass, and the ages of schedules."""

from collections.abc import Callable
from datetime import timedelta

from backup_auditor.domain.control import Verdict, not_applicable
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import require_created_at, require_interval, try_each
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.text import join_sentences


def evaluate_enabled_schedules(subject: IndexContext, evaluate: Callable[[Schedule], Verdict]) -> Verdict:
    """Judge the enabled schedules one by one, and let the worst verdict stand for the index.

    A schedule that fails is enough. That all pass can be said only when all are known; one of which it is not known
    whether it is enabled stands in the way unless it would pass beside another.
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
    return _combine_verdicts(verdicts) if verdicts else not_applicable("It has no enabled schedule.")


def _combine_verdicts(verdicts: list[Verdict]) -> Verdict:
    """Make one verdict of several that are alike, in the order of their schedules."""
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
    """Return how long ago a schedule was made; a moment in the future is now."""
    return max(subject.observed_at - require_created_at(schedule), timedelta())


def is_younger_than(subject: IndexContext, schedule: Schedule, interval_count: int) -> bool:
    """Tell whether a schedule was made less than so many of its intervals, and the grace, ago."""
    return compute_age(subject, schedule) < interval_count * require_interval(schedule) + subject.grace


def find_younger_schedule(subject: IndexContext, interval_count: int) -> Schedule | None:
    """Return an enabled schedule that is younger, if there is one; raise where there may be one that is not known."""
    results = try_each(subject.schedules.enabled_schedules, lambda it: is_younger_than(subject, it, interval_count))
    for schedule, is_young in results.results:
        if is_young:
            return schedule
    results.require_complete()
    subject.schedules.require_listing()
    for schedule in subject.schedules.possibly_enabled_schedules:
        if is_younger_than(subject, schedule, interval_count):
            raise subject.schedules.create_unknown_enabled_error(schedule)
    return None


def are_all_younger(subject: IndexContext, interval_count: int) -> bool:
    """Tell whether there are enabled schedules and all are younger; raise where that is not known."""
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
