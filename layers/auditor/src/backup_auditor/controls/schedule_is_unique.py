"""Control `schedule-is-unique`."""

from backup_auditor.domain.control import Control, Family, Guidance, Verdict, compliant, non_compliant, not_applicable
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    enabled_schedules = subject.schedules.enabled_schedules
    evidence = {"enabled": [it.schedule_id for it in enabled_schedules]}
    if len(enabled_schedules) > 1:
        return non_compliant(f"It has {len(enabled_schedules)} enabled schedules where one is meant to be.", evidence)
    subject.schedules.require_complete()
    if not enabled_schedules:
        return not_applicable("It has no enabled schedule.", evidence)
    return compliant("It has 1 enabled schedule.", evidence)


SCHEDULE_IS_UNIQUE = Control(
    id="schedule-is-unique",
    title="No index has more than one enabled schedule",
    fails_when="More than one schedule of the index is enabled.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.INDEX,),
    family=Family.SCHEDULES,
    rationale="Pinecone means one schedule to be enabled per index: with two, backups and their cost double, and"
    " nobody can say which retention holds.",
    remediation="Decide which schedule of {name} is to stay, and pause the others: in the console under the index's"
    ' Backups tab, or by PATCH /backup-schedules/{schedule_id} with {"enabled": false} for each.',
    guidance=Guidance(
        looks_at="How many schedules of the index are enabled.",
        console=(
            "Open {name} and its Backups tab.",
            "Decide which schedule stays.",
            "Pause the others.",
        ),
        api=(
            "GET /indexes/{name}/backup-schedules.",
            'PATCH /backup-schedules/{schedule_id} with {"enabled": false}, for each of the others.',
        ),
        false_positives="Two schedules that are meant to be, one daily and one kept for long: Pinecone allows a second "
        "only by chance.",
    ),
    evaluate=evaluate,
)
