"""Control `restore-is-proven`."""

from datetime import datetime, timedelta

from backup_auditor.domain.control import Control, Family, Framework
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_backups import NO_RECOVERY_POINT_REASON
from backup_auditor.domain.evaluation.restore_proofs import build_drill_evidence, require_drills, require_earlier_audit
from backup_auditor.domain.finding import Severity, Verdict, compliant, non_compliant, not_applicable
from backup_auditor.domain.project_state import DrillResult
from backup_auditor.domain.timefmt import format_length, format_lengths, format_moment, to_hours


def _evaluate(subject: IndexContext) -> Verdict:
    limit = subject.requirements.recovery.restore_drill_within
    if limit is None:
        return not_applicable("The policy requires no restore drill.")
    drills = require_drills(subject)
    proven_at = next((it.ended_at for it in drills if it.result is DrillResult.PASSED), None)
    age = None if proven_at is None else max(subject.observed_at - proven_at, timedelta())
    evidence = {
        "proven_at": format_moment(proven_at) if proven_at else None,
        "age_hours": None if age is None else to_hours(age),
        "max_age_hours": to_hours(limit),
        "last_drill": build_drill_evidence(drills[0] if drills else None),
    }
    if age is not None:
        age_text, limit_text = format_lengths(age, limit)
        reason = f"The last passed restore drill ended {age_text} ago (limit: {limit_text})."
    else:
        reason = f"No restore drill of the index has passed (limit: {format_length(limit)})."
    if age is not None and age <= limit:
        return compliant(reason, evidence)
    if age is None:
        require_earlier_audit(subject, evidence)
    if not subject.backups.require_recovery_points() and not subject.backups.require_undated_recovery_points():
        subject.backups.require_backup_listing()
        return not_applicable(NO_RECOVERY_POINT_REASON, evidence)
    subject.backups.require_live_id()
    if age is None and subject.observed_at - _find_first_seen(subject) < limit:
        return compliant(f"The index was first seen less than {format_length(limit)} ago.", evidence)
    if drills and drills[0].result is not DrillResult.PASSED and drills[0].result is not None:
        reason = f"{reason.removesuffix('.')}; the result of the last drill is {drills[0].result.label}."
    return non_compliant(reason, evidence)


def _find_first_seen(subject: IndexContext) -> datetime:
    """Return when an audit first saw the live index; this audit, if no earlier one did."""
    known_index, live_id = subject.project.state.indexes.get(subject.name), subject.backups.live_id.id
    if known_index is None or (None not in (live_id, known_index.index_id) and live_id != known_index.index_id):
        return subject.observed_at
    return min(known_index.first_seen, subject.observed_at)


RESTORE_IS_PROVEN = Control(
    id="restore-is-proven",
    title="A restore drill of every index passed recently",
    fails_when="No restore drill of a recovery point of the live index passed within the limit. An index that was first"
    " seen less than that ago needs none yet. Indexes without a recovery point are not evaluated.",
    severity=Severity.HIGH,
    family=Family.RECOVERY,
    rationale="Only a restore shows that a backup can be restored, and that it has what it should have.",
    remediation="Run backup-auditor drill --index {name} --apply. If the last drill failed, drill another recovery"
    " point with --backup, and take a new backup if that one passes.",
    looks_at="The restore drills in the state: their index, their result and their end.",
    console=(),
    api=(
        'POST /backups/BACKUP_ID/create-index {"name": NAME, "tags": {}}.',
        "GET /restore-jobs/RESTORE_JOB_ID until it is completed.",
        "Compare the restored index with the record_count and namespace_count of the backup.",
        "DELETE /indexes/NAME.",
    ),
    false_positives="An index that is restored by another means: exempt it with the name of the team that proves it.",
    frameworks=(Framework.SOC_2_A1_3, Framework.ISO_27001_A_8_13, Framework.NIST_CP_9_1, Framework.NIST_CP_10),
    evaluate=_evaluate,
    is_evaluated_while_initializing=False,
    parameters={"recovery.restore_drill_within": "how long ago a restore drill may have passed; null: not evaluated"},
)
