"""Control `latest-run-succeeded`."""

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord, sort_newest_first
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
from backup_auditor.domain.timefmt import format_moment, format_to_second


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups = subject.backups
    finished_backups = [it for it in backups.all_backups if it.phase in {BackupPhase.READY, BackupPhase.FAILED}]
    undated_backups = [it for it in finished_backups if it.captured_at is None]
    dated_backups = [
        it for it in sort_newest_first(finished_backups) if it.captured_at and it.captured_at <= subject.observed_at
    ]
    newest_candidates = dated_backups[:1] + undated_backups
    if newest_candidates and all(it.phase is BackupPhase.FAILED for it in newest_candidates):
        newest = newest_candidates[0]
        newest_two = (dated_backups or undated_backups)[:2]
        subject.schedules.require_listing()  # a success may stand in the history of a schedule that was not read
        has_failed_twice = [it.phase for it in newest_two] == [BackupPhase.FAILED, BackupPhase.FAILED]
        reason = (
            f"Its {'last two finished backups' if has_failed_twice else 'newest finished backup'}"
            f" failed: {_describe_backup(newest)}."
        )
        return non_compliant(
            reason,
            _build_evidence(newest_two),
            severity=Severity.CRITICAL if has_failed_twice else None,
            depends_on_absence_in=(*backups.listings, *backups.find_history_listings()),
        )
    if any(it.phase is BackupPhase.FAILED for it in newest_candidates):
        raise InsufficientDataError(
            "Which of its finished backups is the newest is not known.", _build_evidence(newest_candidates)
        )
    backups.require_complete()
    if not newest_candidates:
        return not_applicable("None of its backups has finished.")
    return compliant(
        f"Its newest finished backup succeeded: {_describe_backup(newest_candidates[0])}.",
        _build_evidence(dated_backups[:1]),
    )


def _describe_backup(backup: BackupRecord) -> str:
    capture_text = format_to_second(backup.captured_at) if backup.captured_at else "at a time that is not known"
    return f"{backup.backup.name or backup.backup.backup_id}, {capture_text}"


def _build_evidence(backups: list[BackupRecord]) -> dict[str, object]:
    return {
        "newest": [
            {
                "backup_id": backup.backup.backup_id,
                "status": backup.backup.status,
                "captured_at": format_moment(backup.captured_at) if backup.captured_at else None,
            }
            for backup in backups
        ]
    }


LATEST_RUN_SUCCEEDED = Control(
    id="latest-run-succeeded",
    title="The newest finished backup of every index succeeded",
    fails_when="The newest finished backup of the index failed. Critical when the last two did.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.RUNS,
    rationale="A backup that failed once may fail again, and the recovery points that are left grow old meanwhile.",
    remediation="Take a backup of {name} by hand and watch it, in the console under the index's Backups tab or by"
    " POST /indexes/{name}/backups; if it fails too, ask Pinecone's support with the ids in the evidence.",
    guidance=Guidance(
        looks_at="The status of the newest finished backup of the index, scheduled or manual.",
        console=(
            "Open {name} and its Backups tab.",
            "Create a backup, and watch whether it becomes Ready.",
        ),
        api=(
            "POST /indexes/{name}/backups.",
            "GET /backups/BACKUP_ID until it is finished; the answer to POST tells its id.",
        ),
        false_positives="A single failure of the service's own; the next run shows.",
        frameworks=BACKUP_FRAMEWORKS,
    ),
    evaluate=evaluate,
)
