"""Control `backups-within-erasure-horizon`."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from backup_auditor.domain.backup_status import BackupPhase
from backup_auditor.domain.control import (
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
from backup_auditor.domain.timefmt import format_length, format_lengths, format_moment, to_days, to_hours


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    limit = subject.requirements.protection.max_backup_age
    if limit is None:
        return not_applicable("The policy sets no limit to how old its backups may be.")
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
        summary = (
            f"{pluralize(len(old_captures), 'backup')} under its name, the oldest of {age_text}"
            f" ago, {limit_text} are allowed"
        )
        return non_compliant(f"{summary}: what was erased from the index is still in there.", evidence)
    if None in capture_times.values():
        raise InsufficientDataError("Some backups under its name tell no time at which they were taken.", evidence)
    subject.backups.require_backup_listing()
    deciding_captures = (
        _select_older(unknown_captures, subject.observed_at, limit) if capture_times else unknown_captures
    )
    if deciding_captures:
        evidence["in_doubt"] = sorted(deciding_captures)
        reason = f"Whether {pluralize(len(deciding_captures), 'backup')} under way began at all is not known."
        raise InsufficientDataError(reason, evidence)
    if not capture_times:
        return not_applicable("There is no backup under its name.", evidence)
    return compliant(
        f"None of {pluralize(len(capture_times), 'backup')} under its name is older than {format_length(limit)}.",
        evidence,
    )


def _select_older(
    capture_times: Mapping[str, datetime | None], observed_at: datetime, limit: timedelta
) -> dict[str, datetime]:
    return {key: moment for key, moment in capture_times.items() if moment is not None and observed_at - moment > limit}


BACKUPS_WITHIN_ERASURE_HORIZON = Control(
    id="backups-within-erasure-horizon",
    title="No backup is older than the time in which data must be erased",
    fails_when="A backup of the index, or of an earlier index of its name, is older than max_backup_age_days, in"
    " whatever state it is, and whether a schedule made it or a person.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.PROTECTION,
    rationale="Data that somebody had erased from the index lives on in every backup that was taken before.",
    remediation="Delete the backups under the name {name} that the evidence names, each by DELETE /backups/BACKUP_ID,"
    " and shorten the retention of its schedule, by PATCH /backup-schedules/{schedule_id}; manual backups never go by"
    " themselves.",
    guidance=Guidance(
        looks_at="The capture time of every backup under the name of the index, those of earlier indexes included.",
        console=(
            "Open {name} and its Backups tab.",
            "Delete the backups that the evidence names.",
            "Edit the schedule: its retention should be no longer than max_backup_age_days.",
        ),
        api=(
            "DELETE /backups/BACKUP_ID, which cannot be undone.",
            "PATCH /backup-schedules/{schedule_id} with a shorter retention.",
        ),
        false_positives="Backups under a legal hold: exempt the index until it ends.",
    ),
    evaluate=evaluate,
    parameters={"protection.max_backup_age_days": "how many days old a backup may be; null for no such limit"},
)
