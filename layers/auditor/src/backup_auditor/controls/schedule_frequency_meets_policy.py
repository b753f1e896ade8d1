"""Control `schedule-frequency-meets-policy`."""

from backup_auditor.domain.control import BACKED_UP, Control, Family, Guidance, Verdict, compliant, non_compliant
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import evidence_of, frequency_of, label
from backup_auditor.domain.evaluation.schedule_checks import judge_enabled_schedules
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    required = subject.require.schedule.frequency

    def judge_one(schedule: Schedule) -> Verdict:
        frequency = frequency_of(schedule)
        evidence = {**evidence_of(schedule), "frequency": frequency.value, "required_frequency": required.value}
        if frequency.is_slower_than(required):
            return non_compliant(f"Its schedule {label(schedule)} runs {frequency}, {required} is required.", evidence)
        return compliant(f"Its schedule {label(schedule)} runs {frequency}, as {required} is required.", evidence)

    return judge_enabled_schedules(subject, judge_one)


SCHEDULE_FREQUENCY_MEETS_POLICY = Control(
    id="schedule-frequency-meets-policy",
    title="Enabled schedules run at least as often as the policy requires",
    fails_when="An enabled schedule is slower than the required frequency.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.SCHEDULES,
    rationale="What was written since the last recovery point is lost in a restore; the frequency bounds how much.",
    remediation="Raise the frequency of the schedule of {name}: in the console under the index's Backups tab, or by"
    ' PATCH /backup-schedules/{schedule_id} with {"frequency": "{required_frequency}"}.',
    guidance=Guidance(
        looks_at="The frequency of each enabled schedule.",
        console=(
            "Open {name} and its Backups tab.",
            "Edit the schedule and choose the required frequency.",
        ),
        api=('PATCH /backup-schedules/{schedule_id} with {"frequency": "{required_frequency}"}.',),
        false_positives="An index that seldom changes: let a rule ask for less of it.",
        frameworks=BACKED_UP,
        corresponds_to=("AWS Config backup-plan-min-frequency-and-min-retention-check",),
    ),
    judge=judge,
    parameters={"schedule.frequency": "the slowest frequency that is enough: daily, weekly or monthly"},
)
