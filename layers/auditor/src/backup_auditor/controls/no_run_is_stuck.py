"""Control `no-run-is-stuck`."""

from datetime import timedelta

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord
from backup_auditor.domain.control import (
    BACKUP_FRAMEWORKS,
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
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_lengths, format_moment, to_hours


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups, limit = subject.backups, subject.requirements.runs.stuck_after
    if limit is None:
        return not_applicable("The policy sets no limit to how long its backups may be under way.")
    running_backups = [it for it in backups.confirmed_backups if it.phase is BackupPhase.IN_PROGRESS]
    ages_by_id = {it.backup.backup_id: _measure_age(subject, it) for it in running_backups}
    late_backups = [it for it in running_backups if (age := ages_by_id[it.backup.backup_id]) is None or age > limit]
    stuck_backups = [
        it for it in late_backups if it.captured_at is not None and not it.may_be_scheduled(backups.histories_failure)
    ]
    evidence: dict[str, object] = {"under_way": len(running_backups), "stuck_after_hours": to_hours(limit)}
    if stuck_backups:
        max_stuck_age = max(age for it in stuck_backups if (age := ages_by_id[it.backup.backup_id]) is not None)
        evidence["stuck"] = [
            {
                "backup_id": backup.backup.backup_id,
                "status": backup.backup.status,
                "captured_at": format_moment(backup.captured_at) if backup.captured_at else None,
            }
            for backup in sorted(stuck_backups, key=lambda it: it.backup.backup_id)
        ]
        age_text, limit_text = format_lengths(max_stuck_age, limit)
        reason = f"{pluralize(len(stuck_backups), 'backup')} under way for up to {age_text}, {limit_text} are allowed."
        return non_compliant(reason, evidence)
    if late_backups:
        evidence["in_doubt"] = sorted(it.backup.backup_id for it in late_backups)
        reason = f"Whether {pluralize(len(late_backups), 'backup')} under way began at all, or when, is not known."
        raise InsufficientDataError(reason, evidence)
    has_no_backup = not backups.all_backups
    backups.require_complete()
    if has_no_backup:
        return not_applicable("It has no backup.", evidence)
    return compliant(f"None of its backups is under way for more than {format_length(limit)}.", evidence)


def _measure_age(subject: IndexContext, backup: BackupRecord) -> timedelta | None:
    return subject.observed_at - backup.captured_at if backup.captured_at is not None else None


NO_RUN_IS_STUCK = Control(
    id="no-run-is-stuck",
    title="No backup of any index is under way for too long",
    fails_when="A backup has been under way for longer than allowed since its capture time. A planned run is not under "
    "way before its time.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.RUNS,
    rationale="A backup that never ends is no recovery point, and may hold up those after it.",
    remediation="Look at the backup that the evidence names, in the console under the Backups tab of {name} or by"
    " GET /backups/BACKUP_ID; take another by POST /indexes/{name}/backups, and ask Pinecone's support"
    " about the first.",
    guidance=Guidance(
        looks_at="The backups under way, and their capture time.",
        console=(
            "Open {name} and its Backups tab.",
            "Look at the backup that the evidence names.",
            "Create another.",
        ),
        api=(
            "GET /backups/BACKUP_ID, which the evidence names.",
            "POST /indexes/{name}/backups.",
        ),
        false_positives="A backup of a very large index can take hours: let a rule allow a longer stuck_after.",
        frameworks=BACKUP_FRAMEWORKS,
    ),
    evaluate=evaluate,
    parameters={"runs.stuck_after": "how long a backup may be under way"},
)
