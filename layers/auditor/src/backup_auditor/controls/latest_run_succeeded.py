"""Control `latest-run-succeeded`."""

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord, sort_newest_first
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
from backup_auditor.domain.timefmt import format_minute


def _evaluate(subject: IndexContext) -> Verdict:
    backups = subject.backups
    finished_backups = [it for it in backups.require_backups() if it.phase in {BackupPhase.READY, BackupPhase.FAILED}]
    undated_backups = [it for it in finished_backups if it.captured_at is None]
    dated_backups = [
        it for it in sort_newest_first(finished_backups) if it.captured_at and it.captured_at <= subject.observed_at
    ]
    newest_candidates = dated_backups[:1] + undated_backups
    if newest_candidates and all(it.phase is BackupPhase.FAILED for it in newest_candidates):
        newest = newest_candidates[0]
        newest_two = (dated_backups or undated_backups)[:2]
        subject.schedules.require_listing()  # a history that was not read may show a success
        has_failed_twice = [it.phase for it in newest_two] == [BackupPhase.FAILED, BackupPhase.FAILED]
        reason = (
            f"The {'last two finished backups' if has_failed_twice else 'latest finished backup'}"
            f" failed: {_describe_backup(newest)}."
        )
        return non_compliant(
            reason,
            {"newest": [it.evidence for it in newest_two]},
            severity=Severity.CRITICAL if has_failed_twice else None,
            depends_on_absence_in=(*backups.listings, *backups.find_history_listings()),
        )
    if any(it.phase is BackupPhase.FAILED for it in newest_candidates):
        evidence = {"newest": [it.evidence for it in newest_candidates]}
        raise InsufficientDataError("It is unknown which finished backup is the latest.", evidence)
    backups.require_complete()
    if not newest_candidates:
        return not_applicable("The index has no finished backup.")
    return compliant(
        f"The latest finished backup succeeded: {_describe_backup(newest_candidates[0])}.",
        {"newest": [it.evidence for it in dated_backups[:1]]},
    )


def _describe_backup(backup: BackupRecord) -> str:
    capture_text = format_minute(backup.captured_at) if backup.captured_at else "capture time unknown"
    return f"{backup.backup.label}, {capture_text}"


LATEST_RUN_SUCCEEDED = Control(
    id="latest-run-succeeded",
    title="The latest finished backup of every index succeeded",
    fails_when="The latest finished backup of the index failed. The severity is critical if the last two failed.",
    severity=Severity.HIGH,
    family=Family.RUNS,
    rationale="The cause of one failed backup may also make the next one fail, while the remaining recovery points"
    " age.",
    remediation="Take a backup of {name} now and check its result, in the Backups tab of the index or with POST"
    " /indexes/{name}/backups. If it fails too, contact Pinecone support with the ids in the evidence.",
    looks_at="The status of the latest finished backup of the index, scheduled or manual.",
    console=("Open the Backups tab of {name}.", "Create a backup and check that it becomes Ready."),
    api=("POST /indexes/{name}/backups.", "GET /backups/BACKUP_ID until it is finished; POST returns the id."),
    false_positives="A single failure on the side of the service: the next run resolves the finding.",
    frameworks=BACKUP_FRAMEWORKS,
    evaluate=_evaluate,
)
