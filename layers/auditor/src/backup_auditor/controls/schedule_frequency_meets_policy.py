"""Control `schedule-frequency-meets-policy`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext, for_each_enabled_schedule
from backup_auditor.domain.evaluation.index_schedules import require_frequency
from backup_auditor.domain.finding import Severity, Verdict, decide
from backup_auditor.domain.model import Schedule


@for_each_enabled_schedule
def _evaluate(subject: IndexContext, schedule: Schedule) -> Verdict:
    required_frequency = subject.requirements.schedule.frequency
    frequency = require_frequency(schedule)
    evidence = {
        **schedule.identity,
        "frequency": frequency.value,
        "required_frequency": required_frequency.value,
    }
    reason = f"Schedule {schedule.label} runs {frequency} (required: at least {required_frequency})."
    return decide(reason, evidence, is_compliant=not frequency.is_slower_than(required_frequency))


SCHEDULE_FREQUENCY_MEETS_POLICY = Control(
    id="schedule-frequency-meets-policy",
    title="Enabled schedules run at least as often as the policy requires",
    fails_when="An enabled schedule is slower than the required frequency.",
    severity=Severity.HIGH,
    family=Family.SCHEDULES,
    rationale="A restore loses everything that was written after the last recovery point. The frequency limits how"
    " much that is.",
    remediation="Increase the frequency of the schedule of {name}, in the Backups tab of the index or with PATCH"
    ' /backup-schedules/{schedule_id} and {"frequency": "{required_frequency}"}.',
    looks_at="The frequency of each enabled schedule.",
    console=("Open the Backups tab of {name}.", "Edit the schedule and choose the required frequency."),
    api=('PATCH /backup-schedules/{schedule_id} with {"frequency": "{required_frequency}"}.',),
    false_positives="An index that seldom changes: add a rule with a lower frequency.",
    frameworks=BACKUP_FRAMEWORKS,
    corresponds_to=("AWS Config backup-plan-min-frequency-and-min-retention-check",),
    evaluate=_evaluate,
    parameters={"schedule.frequency": "the slowest allowed frequency: daily, weekly or monthly"},
)
