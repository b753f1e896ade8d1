"""Control `latest-run-succeeded`."""

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord, newest_first
from backup_auditor.domain.control import (
    BACKED_UP,
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


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups = subject.backups
    finished = [it for it in backups.all if it.phase in {BackupPhase.READY, BackupPhase.FAILED}]
    undated = [it for it in finished if it.captured_at is None]
    dated = [it for it in newest_first(finished) if it.captured_at and it.captured_at <= subject.observed_at]
    could_be_newest = dated[:1] + undated
    if could_be_newest and all(it.phase is BackupPhase.FAILED for it in could_be_newest):
        newest = could_be_newest[0]
        last_two = (dated or undated)[:2]
        subject.schedules.need_listing()  # a success may stand in the history of a schedule that was not read
        twice = [it.phase for it in last_two] == [BackupPhase.FAILED, BackupPhase.FAILED]
        reason = f"Its {'last two finished backups' if twice else 'newest finished backup'} failed: {_shown(newest)}."
        return non_compliant(
            reason,
            _evidence(last_two),
            severity=Severity.CRITICAL if twice else None,
            rests_on=(*backups.listings, *backups.history_listings()),
        )
    if any(it.phase is BackupPhase.FAILED for it in could_be_newest):
        raise InsufficientDataError(
            "Which of its finished backups is the newest is not known.", _evidence(could_be_newest)
        )
    backups.need_all()
    if not could_be_newest:
        return not_applicable("None of its backups has finished.")
    return compliant(f"Its newest finished backup succeeded: {_shown(could_be_newest[0])}.", _evidence(dated[:1]))


def _shown(backup: BackupRecord) -> str:
    taken = format_to_second(backup.captured_at) if backup.captured_at else "at a time that is not known"
    return f"{backup.backup.name or backup.backup.backup_id}, {taken}"


def _evidence(backups: list[BackupRecord]) -> dict[str, object]:
    return {
        "newest": [
            {
                "backup_id": it.backup.backup_id,
                "status": it.backup.status,
                "captured_at": format_moment(it.captured_at) if it.captured_at else None,
            }
            for it in backups
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
        frameworks=BACKED_UP,
    ),
    judge=judge,
)
