"""Control `schedule-retention-meets-minimum`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
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
    min_retention = subject.requirements.schedule.retention_min
    if min_retention is None:
        return not_applicable("The policy sets no minimum retention.")

    def evaluate_schedule(schedule: Schedule) -> Verdict:
        evidence = {**build_retention_evidence(schedule), "min_days": to_days(min_retention)}
        reason = f"{describe_retention(schedule)} (minimum: {format_length(min_retention)})."
        return decide(reason, evidence, is_compliant=require_retention(schedule) >= min_retention)

    return evaluate_enabled_schedules(subject, evaluate_schedule)


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
