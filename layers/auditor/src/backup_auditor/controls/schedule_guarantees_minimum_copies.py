"""Control `schedule-guarantees-minimum-copies`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import NO_MINIMUM_REASON, IndexContext, evaluate_enabled_schedules
from backup_auditor.domain.evaluation.index_schedules import (
    build_retention_evidence,
    describe_retention,
    require_interval,
    require_retention,
)
from backup_auditor.domain.finding import Severity, Verdict, decide, not_applicable
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import to_days


def _evaluate(subject: IndexContext) -> Verdict:
    min_copies = subject.requirements.recovery.min_copies
    if min_copies is None:
        return not_applicable(NO_MINIMUM_REASON)

    def evaluate_schedule(schedule: Schedule) -> Verdict:
        interval = require_interval(schedule)
        guaranteed_copies = require_retention(schedule) // interval
        evidence = {
            **build_retention_evidence(schedule),
            "interval_days": to_days(interval),
            "copies": guaranteed_copies,
            "min_copies": min_copies,
        }
        copies_text = pluralize(guaranteed_copies, "copy", "copies")
        reason = f"{describe_retention(schedule)}, which guarantees {copies_text} (minimum: {min_copies})."
        return decide(reason, evidence, is_compliant=guaranteed_copies >= min_copies)

    return evaluate_enabled_schedules(subject, evaluate_schedule)


SCHEDULE_GUARANTEES_MINIMUM_COPIES = Control(
    id="schedule-guarantees-minimum-copies",
    title="Enabled schedules keep the required number of recovery points",
    fails_when="The retention of an enabled schedule covers fewer of its longest intervals (1, 7 or 31 days) than the"
    " required number of copies.",
    severity=Severity.HIGH,
    family=Family.SCHEDULES,
    rationale="If a recovery point is damaged, the index can only be restored from another.",
    remediation="Lengthen the retention of the schedule of {name} or increase its frequency, in the Backups tab of"
    " the index or with PATCH /backup-schedules/{schedule_id}.",
    looks_at="The retention and the frequency of each enabled schedule.",
    console=(
        "Open the Backups tab of {name}.",
        "Edit the schedule: lengthen its retention, or choose a higher frequency.",
    ),
    api=('PATCH /backup-schedules/{schedule_id} with {"retention": {"expire_after_days": DAYS}}.',),
    false_positives="Manual backups replace the copies that the schedule does not keep: add a rule with fewer copies.",
    frameworks=BACKUP_FRAMEWORKS,
    corresponds_to=("AWS Config backup-plan-min-frequency-and-min-retention-check",),
    evaluate=_evaluate,
    parameters={"recovery.min_copies": "the minimum number of recovery points"},
)
