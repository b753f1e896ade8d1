"""Control `schedule-retention-within-maximum`."""

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import (
    build_retention_evidence,
    describe_retention,
    require_retention,
)
from backup_auditor.domain.evaluation.schedule_checks import evaluate_enabled_schedules
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import format_length, to_days
from backup_auditor.domain.verdict import Verdict, decide, not_applicable


def _evaluate(subject: IndexContext) -> Verdict:
    max_retention = subject.requirements.schedule.retention_max
    if max_retention is None:
        return not_applicable("The policy sets no maximum retention.")

    def evaluate_schedule(schedule: Schedule) -> Verdict:
        evidence = {**build_retention_evidence(schedule), "max_days": to_days(max_retention)}
        reason = f"{describe_retention(schedule)} (maximum: {format_length(max_retention)})."
        return decide(reason, evidence, is_compliant=require_retention(schedule) <= max_retention)

    return evaluate_enabled_schedules(subject, evaluate_schedule)


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
