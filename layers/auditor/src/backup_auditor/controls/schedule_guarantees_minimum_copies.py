"""Control `schedule-guarantees-minimum-copies`."""

from backup_auditor.domain.control import (
    BACKED_UP,
    Control,
    Family,
    Guidance,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import interval_of, retention_of, shown_retention, with_retention
from backup_auditor.domain.evaluation.schedule_checks import judge_enabled_schedules
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import days


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    required = subject.require.recovery.min_copies
    if required is None:
        return not_applicable("The policy sets no minimum of copies for it.")

    def judge_one(schedule: Schedule) -> Verdict:
        interval = interval_of(schedule)
        copies = retention_of(schedule) // interval
        evidence = {
            **with_retention(schedule),
            "interval_days": days(interval),
            "copies": copies,
            "min_copies": required,
        }
        sure = "copy is" if copies == 1 else "copies are"
        reason = f"{shown_retention(schedule)}, so that {copies} {sure} sure and {required} required."
        return non_compliant(reason, evidence) if copies < required else compliant(reason, evidence)

    return judge_enabled_schedules(subject, judge_one)


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
        frameworks=BACKED_UP,
        corresponds_to=("AWS Config backup-plan-min-frequency-and-min-retention-check",),
    ),
    judge=judge,
    parameters={"recovery.min_copies": "the fewest recovery points that an index is to have"},
)
