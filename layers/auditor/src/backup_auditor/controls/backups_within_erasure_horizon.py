"""Control `backups-within-erasure-horizon`."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from backup_auditor.domain.backup_status import BackupPhase
from backup_auditor.domain.control import Control, Family
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
from backup_auditor.domain.timefmt import format_length, format_lengths, format_moment, to_days, to_hours


def _evaluate(subject: IndexContext) -> Verdict:
    limit = subject.requirements.protection.max_backup_age
    if limit is None:
        return not_applicable("The policy sets no limit for the age of backups.")
    listed_backups = [
        it for it in (*subject.backups.confirmed_backups, *subject.backups.unattributed_backups) if it.is_listed
    ]
    started_backups = [it for it in listed_backups if it.phase is not BackupPhase.SCHEDULED]
    failure = subject.backups.histories_failure
    unknown_captures = {it.backup.backup_id: it.captured_at for it in started_backups if it.may_be_scheduled(failure)}
    capture_times = {
        it.backup.backup_id: it.captured_at for it in started_backups if it.backup.backup_id not in unknown_captures
    }
    old_captures = _select_older(capture_times, subject.observed_at, limit)
    evidence: dict[str, object] = {"backups": len(capture_times), "max_backup_age_days": to_days(limit)}
    if old_captures:
        oldest_at = min(old_captures.values())
        age = subject.observed_at - oldest_at
        evidence |= {"oldest": format_moment(oldest_at), "age_hours": to_hours(age), "backup_ids": sorted(old_captures)}
        age_text, limit_text = format_lengths(age, limit)
        reason = (
            f"The oldest of {pluralize(len(old_captures), 'backup')} past the erasure limit is {age_text} old"
            f" (limit: {limit_text})."
        )
        return non_compliant(reason, evidence)
    if None in capture_times.values():
        raise InsufficientDataError("Some backups under the name of the index have no capture time.", evidence)
    subject.backups.require_backup_listing()
    deciding_captures = (
        _select_older(unknown_captures, subject.observed_at, limit) if capture_times else unknown_captures
    )
    if deciding_captures:
        evidence["unknown"] = sorted(deciding_captures)
        reason = f"It is unknown whether {pluralize(len(deciding_captures), 'backup')} in progress started."
        raise InsufficientDataError(reason, evidence)
    if not capture_times:
        return not_applicable("There is no backup under the name of the index.", evidence)
    return compliant(
        f"No backup is older than {format_length(limit)} ({pluralize(len(capture_times), 'backup')} checked).", evidence
    )


def _select_older(
    capture_times: Mapping[str, datetime | None], observed_at: datetime, limit: timedelta
) -> dict[str, datetime]:
    return {key: moment for key, moment in capture_times.items() if moment is not None and observed_at - moment > limit}


BACKUPS_WITHIN_ERASURE_HORIZON = Control(
    id="backups-within-erasure-horizon",
    title="No backup is older than the erasure limit",
    fails_when="A backup of the index, or of an earlier index of its name, is older than max_backup_age_days. Its"
    " state, and whether it is scheduled or manual, do not matter.",
    severity=Severity.HIGH,
    family=Family.PROTECTION,
    rationale="Data that was erased from the index remains in every backup taken before.",
    remediation="Delete the backups of {name} that the evidence names with DELETE /backups/BACKUP_ID, and shorten the"
    " retention of its schedule with PATCH /backup-schedules/{schedule_id}. Manual backups never expire.",
    looks_at="The capture time of every backup under the name of the index, including those of earlier indexes.",
    console=(
        "Open the Backups tab of {name}.",
        "Delete the backups that the evidence names.",
        "Edit the schedule: set a retention of at most max_backup_age_days.",
    ),
    api=(
        "DELETE /backups/BACKUP_ID. This cannot be undone.",
        "PATCH /backup-schedules/{schedule_id} with a shorter retention.",
    ),
    false_positives="Backups under a legal hold: exempt the index until the hold ends.",
    evaluate=_evaluate,
    parameters={"protection.max_backup_age_days": "the maximum age of a backup in days; null: no limit"},
)
