"""Control `recovery-points-meet-minimum-copies`."""

from backup_auditor.domain.control import RECOVERY_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import NO_MINIMUM_REASON, IndexContext, are_all_younger
from backup_auditor.domain.evaluation.index_backups import count_recovery_points
from backup_auditor.domain.finding import (
    InsufficientDataError,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)


def _evaluate(subject: IndexContext) -> Verdict:
    backups, min_copies = subject.backups, subject.requirements.recovery.min_copies
    if min_copies is None:
        return not_applicable(NO_MINIMUM_REASON)
    point_count = count_recovery_points(backups)
    evidence = {**point_count.evidence, "min_copies": min_copies}
    reason = f"The index has {point_count.text} (minimum: {min_copies})"
    if point_count.minimum >= min_copies:
        return compliant(f"{reason}.", evidence)
    if are_all_younger(subject, min_copies):
        return compliant(f"{reason}; its schedule is too new to have made more.", evidence)
    if point_count.maximum >= min_copies:
        raise InsufficientDataError(f"{reason}; {point_count.unknown_reason}.", evidence)
    return non_compliant(f"{reason}.", evidence, depends_on_absence_in=backups.find_absence_listings(min_copies))


RECOVERY_POINTS_MEET_MINIMUM_COPIES = Control(
    id="recovery-points-meet-minimum-copies",
    title="Every index has the required number of recovery points",
    fails_when="The index has fewer recovery points than required. Exception: its enabled schedule is younger than"
    " that number of its longest intervals plus the grace period. Indexes that are still being created are not"
    " evaluated.",
    severity=Severity.HIGH,
    family=Family.RECOVERY,
    rationale="If a recovery point is damaged, the index can only be restored from another.",
    remediation="Take a backup of {name} now, in the Backups tab of the index or with POST /indexes/{name}/backups."
    " Then check with GET /backup-schedules/{schedule_id}/history why no schedule made more.",
    looks_at="The number of recovery points, and the age of the enabled schedules.",
    console=(
        "Open the Backups tab of {name}.",
        "Create a backup.",
        "Check the schedule's history for failed or missing runs.",
    ),
    api=(
        "POST /indexes/{name}/backups.",
        "GET /backup-schedules/{schedule_id}/history.",
    ),
    false_positives="After a pause, copies are missing until the schedule has run often enough.",
    frameworks=RECOVERY_FRAMEWORKS,
    evaluate=_evaluate,
    is_evaluated_while_initializing=False,
    parameters={
        "recovery.min_copies": "the minimum number of recovery points",
        "runs.grace": "how late a run may be",
    },
)
