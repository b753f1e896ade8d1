"""Control `backups-expire-on-time`."""

from datetime import timedelta

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
from backup_auditor.domain.timefmt import format_length, format_lengths, format_moment, to_hours

EXPIRY_TOLERANCE = timedelta(days=2)
"""How long after its expiry a backup may still be listed."""


def _evaluate(subject: IndexContext) -> Verdict:
    backups = subject.backups
    lateness_by_id: dict[str, timedelta] = {}
    expiring_count = 0
    unknown_ids: list[str] = []
    possibly_planned_ids: list[str] = []
    for backup in (it for it in backups.confirmed_backups if it.is_listed and it.phase is not BackupPhase.SCHEDULED):
        backup_id, expiry = backup.backup.backup_id, backups.find_expiry(backup)
        lateness = subject.observed_at - expiry.expires_at if expiry.expires_at is not None else None
        if lateness is None:
            if backup.schedule is not None or expiry.expires is None:
                unknown_ids.append(backup_id)
        elif backup.may_be_scheduled(backups.histories_failure):
            (unknown_ids if lateness > EXPIRY_TOLERANCE else possibly_planned_ids).append(backup_id)
        else:
            expiring_count += 1
            if lateness > EXPIRY_TOLERANCE:
                lateness_by_id[backup_id] = lateness
    evidence: dict[str, object] = {"scheduled_backups": expiring_count, "limit_hours": to_hours(EXPIRY_TOLERANCE)}
    if lateness_by_id:
        max_lateness = max(lateness_by_id.values())
        evidence["late"] = [
            {"backup_id": it, "expired_at": format_moment(subject.observed_at - lateness_by_id[it])}
            for it in sorted(lateness_by_id)
        ]
        lateness_text, limit_text = format_lengths(max_lateness, EXPIRY_TOLERANCE)
        reason = (
            f"Pinecone still lists {pluralize(len(lateness_by_id), 'scheduled backup')} up to {lateness_text} after"
            f" expiry (limit: {limit_text})."
        )
        return non_compliant(reason, evidence)
    backups.require_live_id()
    if not expiring_count:
        unknown_ids += possibly_planned_ids
    if unknown_ids:
        evidence["unknown"] = sorted(unknown_ids)
        reason = f"The expiry of {pluralize(len(unknown_ids), 'backup')} is unknown."
        raise InsufficientDataError(reason, evidence)
    backups.require_complete()
    if not expiring_count:
        return not_applicable("The index has no scheduled backup with a known expiry.", evidence)
    return compliant(
        f"No scheduled backup is listed more than {format_length(EXPIRY_TOLERANCE)} after its expiry.", evidence
    )


BACKUPS_EXPIRE_ON_TIME = Control(
    id="backups-expire-on-time",
    title="Scheduled backups are deleted within two days of their expiry",
    fails_when="A scheduled backup is still listed more than 2 days after its expiry. It expires at its capture time"
    " plus the retention of its schedule; after a shorter retention was set, not before the first audit that saw it."
    " If the schedule is deleted, the recorded expiry counts. Manual backups never expire.",
    severity=Severity.MEDIUM,
    family=Family.RUNS,
    rationale="Backups that stay after their retention cost storage, use up the quota, and retain data that should be"
    " deleted.",
    remediation="Check the backups of {name} that the evidence names with GET /backups/BACKUP_ID. If they are not"
    " needed, delete each with DELETE /backups/BACKUP_ID, and ask Pinecone support why they did not expire.",
    looks_at="The listed backups that a schedule made, their capture time, and the retention of that schedule as"
    " audits recorded it.",
    console=(
        "Open the Backups tab of {name}.",
        "Delete the backups that the evidence names, if they are not needed.",
    ),
    api=(
        "GET /backups/BACKUP_ID, for each id in the evidence.",
        "DELETE /backups/BACKUP_ID. This cannot be undone.",
    ),
    false_positives="A retention that was lowered before the first audit: the time of that change is unknown.",
    evaluate=_evaluate,
)
