"""Control `schedule-is-unique`."""

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.index import NO_ENABLED_SCHEDULE_REASON, IndexContext
from backup_auditor.domain.finding import Severity, Verdict, compliant, non_compliant, not_applicable


def _evaluate(subject: IndexContext) -> Verdict:
    enabled_schedules = subject.schedules.enabled_schedules
    evidence = {"enabled": [it.schedule_id for it in enabled_schedules]}
    if len(enabled_schedules) > 1:
        return non_compliant(f"The index has {len(enabled_schedules)} enabled schedules (limit: 1).", evidence)
    subject.schedules.require_complete()
    if not enabled_schedules:
        return not_applicable(NO_ENABLED_SCHEDULE_REASON, evidence)
    return compliant("The index has 1 enabled schedule.", evidence)


SCHEDULE_IS_UNIQUE = Control(
    id="schedule-is-unique",
    title="No index has more than one enabled schedule",
    fails_when="More than one schedule of the index is enabled.",
    severity=Severity.MEDIUM,
    family=Family.SCHEDULES,
    rationale="Pinecone expects one enabled schedule per index. With two, backups and their cost double, and the"
    " effective retention is unclear.",
    remediation="Decide which schedule of {name} to keep, and pause the others, in the Backups tab of the index or"
    ' with PATCH /backup-schedules/{schedule_id} and {"enabled": false} for each.',
    looks_at="The number of enabled schedules of the index.",
    console=("Open the Backups tab of {name}.", "Decide which schedule to keep.", "Pause the others."),
    api=(
        "GET /indexes/{name}/backup-schedules.",
        'PATCH /backup-schedules/{schedule_id} with {"enabled": false}, for each of the others.',
    ),
    false_positives="Two intended schedules, for example one daily and one with a long retention: Pinecone does"
    " not guarantee to support a second one.",
    evaluate=_evaluate,
)
