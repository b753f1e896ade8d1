"""Control `schedule-guarantees-minimum-copies`."""

from backup_auditor.domain.control import (
    BACKUP_FRAMEWORKS,
    Control,
    Family,
    Guidance,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import (
    build_retention_evidence,
    describe_retention,
    require_interval,
    require_retention,
)
from backup_auditor.domain.evaluation.schedule_checks import evaluate_enabled_schedules
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import to_days


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    min_copies = subject.requirements.recovery.min_copies
    if min_copies is None:
        return not_applicable("The policy sets no minimum of copies for it.")

    def evaluate_schedule(schedule: Schedule) -> Verdict:
        interval = require_interval(schedule)
        guaranteed_copies = require_retention(schedule) // interval
        evidence = {
            **build_retention_evidence(schedule),
            "interval_days": to_days(interval),
            "copies": guaranteed_copies,
            "min_copies": min_copies,
        }
        copies_text = "copy is" if guaranteed_copies == 1 else "copies are"
        reason = (
            f"{describe_retention(schedule)}, so that {guaranteed_copies} {copies_text} sure and {min_copies} required."
        )
        return non_compliant(reason, evidence) if guaranteed_copies < min_copies else compliant(reason, evidence)

    return evaluate_enabled_schedules(subject, evaluate_schedule)


SCHEDULE_GUARANTEES_MINIMUM_COPIES = Control(
    id="schedule-guarantees-minimum-copies",
    title="Enabled schedules keep as many recovery points as the policy requires",
    fails_when="The retention of an enabled schedule holds fewer of its longest intervals (1, 7 or 31 days) than"
    " copies are required.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.SCHEDULES,
    rationale="One bad recovery point is survivable only when there is another to go back to.",
    remediation="Lengthen the retention of the schedule of {name}, or raise its frequency: in the console under the"
    " index's Backups tab, or by PATCH /backup-schedules/{schedule_id}.",
    guidance=Guidance(
        looks_at="The retention and the frequency of each enabled schedule.",
        console=(
            "Open {name} and its Backups tab.",
            "Edit the schedule: lengthen its retention, or choose a higher frequency.",
        ),
        api=('PATCH /backup-schedules/{schedule_id} with {"retention": {"expire_after_days": DAYS}}.',),
        false_positives="Manual backups make up for the copies that the schedule does not keep: let a rule ask for "
        "fewer.",
        frameworks=BACKUP_FRAMEWORKS,
        corresponds_to=("AWS Config backup-plan-min-frequency-and-min-retention-check",),
    ),
    evaluate=evaluate,
    parameters={"recovery.min_copies": "the fewest recovery points that an index is to have"},
)
