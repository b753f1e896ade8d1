"""Control `schedule-retention-meets-minimum`."""

import operator

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext, evaluate_retention
from backup_auditor.domain.finding import Severity, Verdict


def _evaluate(subject: IndexContext) -> Verdict:
    return evaluate_retention(subject, subject.requirements.schedule.retention_min, "minimum", operator.ge)


SCHEDULE_RETENTION_MEETS_MINIMUM = Control(
    id="schedule-retention-meets-minimum",
    title="Enabled schedules keep backups at least as long as the policy requires",
    fails_when="The retention of an enabled schedule is shorter than the minimum.",
    severity=Severity.HIGH,
    family=Family.SCHEDULES,
    rationale="An error that is found after the oldest recovery point expired cannot be undone.",
    remediation="Lengthen the retention of the schedule of {name}, which also applies to existing backups, in the"
    ' Backups tab of the index or with PATCH /backup-schedules/{schedule_id} and {"retention": {"expire_after_days":'
    " {min_days}}}.",
    looks_at="The retention of each enabled schedule.",
    console=("Open the Backups tab of {name}.", "Edit the schedule and lengthen its retention."),
    api=('PATCH /backup-schedules/{schedule_id} with {"retention": {"expire_after_days": {min_days}}}.',),
    false_positives="Backups that are copied to another place and kept there: add a rule with a shorter minimum.",
    frameworks=BACKUP_FRAMEWORKS,
    corresponds_to=(
        "AWS Config backup-plan-min-frequency-and-min-retention-check",
        "AWS Config backup-recovery-point-minimum-retention-check",
    ),
    evaluate=_evaluate,
    parameters={"schedule.retention_days.min": "the minimum retention in days"},
)
