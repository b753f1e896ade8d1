"""Judges every enabled schedule of an index: with two, each must pass. Settings of paused ones are not judged."""

from collections.abc import Callable

from backup_auditor.domain.answers import answers_of
from backup_auditor.domain.control import Verdict, not_applicable
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.wording import joined


def judge_each_enabled(subject: IndexSubject, judge: Callable[[Schedule], Verdict]) -> Verdict:
    """Judge the enabled schedules one by one, and let the worst verdict stand for the index.

    A schedule that fails is enough. That all pass can be said only when all are known; one of which it is not known
    whether it is enabled stands in the way unless it would pass beside another.
    """
    answers = answers_of(subject.schedules.enabled, judge)
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
        joined([it.reason for it in verdicts]),
        {**first.evidence, "other_schedules": [it.evidence for it in others]},
        rests_on=tuple(dict.fromkeys(listing for it in verdicts for listing in it.rests_on)),
    )
