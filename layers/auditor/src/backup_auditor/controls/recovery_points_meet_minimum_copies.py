"""Control `recovery-points-meet-minimum-copies`."""

from backup_auditor.domain.control import (
    RECOVERY_FRAMEWORKS,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_backups import count_recovery_points
from backup_auditor.domain.evaluation.schedule_checks import are_all_younger
from backup_auditor.domain.finding import ResourceType, Severity


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups, min_copies = subject.backups, subject.requirements.recovery.min_copies
    if min_copies is None:
        return not_applicable("The policy sets no minimum of copies for it.")
    point_count = count_recovery_points(backups)
    evidence = {**point_count.evidence, "min_copies": min_copies}
    reason = f"It has {point_count.text}, {min_copies} are required"
    if point_count.minimum >= min_copies:
        return compliant(f"{reason}.", evidence)
    if are_all_younger(subject, min_copies):
        return compliant(f"{reason}, and its schedule is too young to have made them.", evidence)
    if point_count.maximum >= min_copies:
        raise InsufficientDataError(f"{reason}: {point_count.unknown_reason}.", evidence)
    return non_compliant(f"{reason}.", evidence, depends_on_absence_in=backups.find_absence_listings(min_copies))


RECOVERY_POINTS_MEET_MINIMUM_COPIES = Control(
    id="recovery-points-meet-minimum-copies",
    title="Every index has as many recovery points as the policy requires",
    fails_when="The index has fewer recovery points than required, unless its enabled schedule is younger than that"
    " many of its longest intervals and the grace. An index that is still being created is not judged.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.RECOVERY,
    rationale="A recovery point that turns out to be bad is survivable only when there is another to go back to.",
    remediation="Take a backup of {name} now, in the console under the index's Backups tab or by"
    " POST /indexes/{name}/backups; then find out why no schedule made more:"
    " GET /backup-schedules/{schedule_id}/history.",
    guidance=Guidance(
        looks_at="How many recovery points there are, and the age of the enabled schedules.",
        console=(
            "Open {name} and its Backups tab.",
            "Create a backup.",
            "Look at the schedule's history for failed or missing runs.",
        ),
        api=(
            "POST /indexes/{name}/backups.",
            "GET /backup-schedules/{schedule_id}/history.",
        ),
        false_positives="After a pause copies are few until the schedule has run often enough.",
        frameworks=RECOVERY_FRAMEWORKS,
    ),
    evaluate=evaluate,
    is_evaluated_while_initializing=False,
    parameters={
        "recovery.min_copies": "the fewest recovery points that an index is to have",
        "runs.grace": "how late a run may be",
    },
)
