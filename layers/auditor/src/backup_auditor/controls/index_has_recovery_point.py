"""Control `index-has-recovery-point`."""

from backup_auditor.domain.control import (
    RECOVERABLE,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_backups import count_recovery_points
from backup_auditor.domain.evaluation.index_schedules import evidence_of, label
from backup_auditor.domain.evaluation.schedule_checks import age_of, first_that_is_younger
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.timefmt import format_length, format_moment


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups = subject.backups
    copies = count_recovery_points(backups)
    evidence = {**copies.evidence, "backups_under_its_name": len(backups.named)}
    if copies.at_least:
        newest = backups.recovery_points[0].captured_at
        return compliant(f"It has {copies.shown}.", {**evidence, "newest": format_moment(newest) if newest else None})
    young = first_that_is_younger(subject, 1)
    if young is not None:
        age = format_length(age_of(subject, young))
        reason = f"The first run of its schedule {label(young)}, made {age} ago, is not yet due."
        return compliant(reason, {**evidence, **evidence_of(young)})
    if copies.at_most:
        raise InsufficientDataError(f"It has {copies.shown}: {copies.doubt}.", evidence)
    reason = "It has no recovery point: nothing can be restored."
    return non_compliant(reason, evidence, rests_on=backups.listings_lacking(1))


INDEX_HAS_RECOVERY_POINT = Control(
    id="index-has-recovery-point",
    title="Every index has a recovery point",
    fails_when="The index has no recovery point, unless an enabled schedule was made less than its longest interval"
    " and the grace ago: its first run is then not yet due. An index that is still being created is not judged.",
    severity=Severity.CRITICAL,
    scopes=(ResourceType.INDEX,),
    family=Family.RECOVERY,
    rationale="An index without a recovery point is lost with the first mistake.",
    remediation="Take a backup of {name} now: in the console under the index's Backups tab, or by"
    " POST /indexes/{name}/backups.",
    guidance=Guidance(
        looks_at="The Ready backups of the live index's own id, and the age of its enabled schedules.",
        console=(
            "Open {name} and its Backups tab.",
            "Create a backup.",
        ),
        api=(
            "POST /indexes/{name}/backups.",
            "GET /backups/BACKUP_ID until its status is Ready; the answer to POST tells its id.",
        ),
        false_positives="An index that was just made and is to be backed up by hand.",
        frameworks=RECOVERABLE,
        corresponds_to=("AWS Config dynamodb-last-backup-recovery-point-created",),
    ),
    judge=judge,
    is_judged_while_created=False,
    parameters={"runs.grace": "how late a first run may be"},
)
