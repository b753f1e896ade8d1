"""Control `schedule-name-is-runnable`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext, for_each_enabled_schedule
from backup_auditor.domain.evaluation.index_schedules import require_name
from backup_auditor.domain.finding import Severity, Verdict, compliant, non_compliant
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.target_schedule import SCHEDULE_NAME_MAX_LENGTH


@for_each_enabled_schedule
def _evaluate(_: IndexContext, schedule: Schedule) -> Verdict:
    length = len(require_name(schedule))
    evidence = {**schedule.identity, "length": length, "max_length": SCHEDULE_NAME_MAX_LENGTH}
    reason = f"The name of schedule {schedule.name} has {length} characters (limit: {SCHEDULE_NAME_MAX_LENGTH})"
    if length > SCHEDULE_NAME_MAX_LENGTH:
        return non_compliant(f"{reason}, so every run fails.", evidence)
    return compliant(f"{reason}.", evidence)


SCHEDULE_NAME_IS_RUNNABLE = Control(
    id="schedule-name-is-runnable",
    title="Enabled schedules have a name that is short enough to run",
    fails_when="The name of an enabled schedule is longer than 28 characters.",
    severity=Severity.CRITICAL,
    family=Family.SCHEDULES,
    rationale=f"Pinecone accepts schedule names of more than {SCHEDULE_NAME_MAX_LENGTH} characters, but every run"
    " of such a schedule fails.",
    remediation="A schedule cannot be renamed. Delete the schedule of {name} (its backups are kept) and create one"
    " with a shorter name, in the Backups tab of the index or with DELETE /backup-schedules/{schedule_id} and then"
    " POST /indexes/{name}/backup-schedules.",
    looks_at="The length of the name of each enabled schedule.",
    console=(
        "Open the Backups tab of {name}.",
        "Pause the schedule, and create another with the same settings and a name of at most 28 characters.",
        "Delete the paused schedule; its backups are kept.",
    ),
    api=(
        "DELETE /backup-schedules/{schedule_id}.",
        "POST /indexes/{name}/backup-schedules with a shorter name.",
    ),
    false_positives="None are known: every run of such a schedule fails.",
    frameworks=BACKUP_FRAMEWORKS,
    evaluate=_evaluate,
)
