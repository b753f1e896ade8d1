"""Control `schedule-frequency-meets-policy`."""

from backup_auditor.domain.control import (
    BACKUP_FRAMEWORKS,
    Control,
    Family,
    Guidance,
    Verdict,
    compliant,
    non_compliant,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import build_schedule_evidence, label_schedule, require_frequency
from backup_auditor.domain.evaluation.schedule_checks import evaluate_enabled_schedules
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    required_frequency = subject.requirements.schedule.frequency

    def evaluate_schedule(schedule: Schedule) -> Verdict:
        frequency = require_frequency(schedule)
        evidence = {
            **build_schedule_evidence(schedule),
            "frequency": frequency.value,
            "required_frequency": required_frequency.value,
        }
        if frequency.is_slower_than(required_frequency):
            return non_compliant(
                f"Its schedule {label_schedule(schedule)} runs {frequency}, {required_frequency} is required.", evidence
            )
        return compliant(
            f"Its schedule {label_schedule(schedule)} runs {frequency}, as {required_frequency} is required.", evidence
        )

    return evaluate_enabled_schedules(subject, evaluate_schedule)


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
        frameworks=BACKUP_FRAMEWORKS,
        corresponds_to=("AWS Config backup-plan-min-frequency-and-min-retention-check",),
    ),
    evaluate=evaluate,
    parameters={"schedule.frequency": "the slowest frequency that is enough: daily, weekly or monthly"},
)
