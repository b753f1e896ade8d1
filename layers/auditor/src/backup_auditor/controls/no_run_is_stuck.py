"""Control `no-run-is-stuck`."""

from backup_auditor.domain.backup_status import BackupPhase
from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import (
    InsufficientDataError,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_lengths, to_hours


def _evaluate(subject: IndexContext) -> Verdict:
    backups, limit = subject.backups, subject.requirements.runs.stuck_after
    if limit is None:
        return not_applicable("The policy sets no limit for backups in progress.")
    running_backups = [it for it in backups.confirmed_backups if it.phase is BackupPhase.IN_PROGRESS]
    late_backups = [it for it in running_backups if not it.captured_at or subject.observed_at - it.captured_at > limit]
    stuck_backups = [
        it for it in late_backups if it.captured_at is not None and not it.may_be_scheduled(backups.histories_failure)
    ]
    evidence: dict[str, object] = {"in_progress": len(running_backups), "stuck_after_hours": to_hours(limit)}
    if stuck_backups:
        max_stuck_age = subject.observed_at - min(it.captured_at for it in stuck_backups if it.captured_at is not None)
        evidence["stuck"] = [it.evidence for it in sorted(stuck_backups, key=lambda it: it.backup.backup_id)]
        age_text, limit_text = format_lengths(max_stuck_age, limit)
        reason = f"{pluralize(len(stuck_backups), 'backup')} in progress for up to {age_text} (limit: {limit_text})."
        return non_compliant(reason, evidence)
    if late_backups:
        evidence["unknown"] = sorted(it.backup.backup_id for it in late_backups)
        reason = f"It is unknown whether {pluralize(len(late_backups), 'backup')} in progress started, or when."
        raise InsufficientDataError(reason, evidence)
    has_no_backup = not backups.require_backups()
    backups.require_complete()
    if has_no_backup:
        return not_applicable("The index has no backup.", evidence)
    return compliant(f"No backup is in progress for more than {format_length(limit)}.", evidence)


NO_RUN_IS_STUCK = Control(
    id="no-run-is-stuck",
    title="No backup is in progress for too long",
    fails_when="A backup has been in progress for longer than the limit since its capture time. A planned run is not"
    " in progress before its time.",
    severity=Severity.HIGH,
    family=Family.RUNS,
    rationale="A backup that never finishes is not a recovery point, and may block later ones.",
    remediation="Check the backup that the evidence names, in the Backups tab of {name} or with GET"
    " /backups/BACKUP_ID. Take another with POST /indexes/{name}/backups, and contact Pinecone support about the"
    " first.",
    looks_at="The backups in progress and their capture times.",
    console=(
        "Open the Backups tab of {name}.",
        "Check the backup that the evidence names.",
        "Create another backup.",
    ),
    api=("GET /backups/BACKUP_ID, for each id in the evidence.", "POST /indexes/{name}/backups."),
    false_positives="Backups of very large indexes can take hours: add a rule with a longer stuck_after.",
    frameworks=BACKUP_FRAMEWORKS,
    evaluate=_evaluate,
    parameters={"runs.stuck_after": "how long a backup may be in progress"},
)
