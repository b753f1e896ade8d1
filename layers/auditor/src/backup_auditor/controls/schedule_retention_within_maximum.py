"""Control `schedule-retention-within-maximum`."""

import operator

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.index import IndexContext, evaluate_retention
from backup_auditor.domain.finding import Severity, Verdict


def _evaluate(subject: IndexContext) -> Verdict:
    return evaluate_retention(subject, subject.requirements.schedule.retention_max, "maximum", operator.le)


SCHEDULE_RETENTION_WITHIN_MAXIMUM = Control(
    id="schedule-retention-within-maximum",
    title="Enabled schedules keep backups no longer than the policy allows",
    fails_when="The retention of an enabled schedule is longer than the maximum.",
    severity=Severity.MEDIUM,
    family=Family.SCHEDULES,
    rationale="Backups that are kept too long cost storage, use up the quota, and retain data that should be deleted.",
    remediation="Make sure that the older backups are not needed: a shorter retention deletes them. Then shorten the"
    " retention of the schedule of {name}, in the Backups tab of the index or with PATCH"
    ' /backup-schedules/{schedule_id} and {"retention": {"expire_after_days": {max_days}}}.',
    looks_at="The retention of each enabled schedule.",
    console=(
        "Open the Backups tab of {name}.",
        "Make sure that backups older than the maximum are not needed.",
        "Edit the schedule and shorten its retention.",
    ),
    api=('PATCH /backup-schedules/{schedule_id} with {"retention": {"expire_after_days": {max_days}}}.',),
    false_positives="An index under a legal hold: exempt it until the hold ends.",
    evaluate=_evaluate,
    parameters={"schedule.retention_days.max": "the maximum retention in days"},
)
