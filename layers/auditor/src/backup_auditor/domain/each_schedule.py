"""Judges every enabled schedule of an index: with two, each must pass. Settings of paused ones are not judged."""

from collections.abc import Callable
from dataclasses import replace

from backup_auditor.domain.control import InsufficientError, Verdict, not_applicable
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.index_subject import IndexSubject


def judge_each_enabled(subject: IndexSubject, judge: Callable[[Schedule], Verdict]) -> Verdict:
    """Judge the enabled schedules one by one, and let the worst verdict stand for the index.

    A schedule that fails is enough. That all pass can be said only when all are known.
    """
    verdicts: list[Verdict] = []
    unknown: InsufficientError | None = None
    for schedule in subject.schedules.enabled:
        try:
            verdicts.append(judge(schedule))
        except InsufficientError as error:
            unknown = unknown or error
    failed = [it for it in verdicts if it.compliance is Compliance.NON_COMPLIANT]
    if failed:
        reason = " ".join(it.reason for it in failed)
        rests_on = tuple(dict.fromkeys(listing for it in failed for listing in it.rests_on))
        return replace(
            max(failed, key=lambda it: it.severity.rank if it.severity else -1), reason=reason, rests_on=rests_on
        )
    if unknown is not None:
        raise unknown
    subject.schedules.need_all()
    if not verdicts:
        return not_applicable("It has no enabled schedule.")
    return replace(verdicts[0], reason=" ".join(it.reason for it in verdicts))
