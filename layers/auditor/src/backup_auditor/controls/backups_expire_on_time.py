"""Control `backups-expire-on-time`."""

from datetime import timedelta

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
from backup_auditor.domain.timefmt import format_length, format_lengths, format_moment, hours

LENIENCY = timedelta(days=2)
"""How long after its expiry a backup may still be listed."""


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups = subject.backups
    late: dict[str, timedelta] = {}
    expiring = 0
    unknown: list[str] = []
    perhaps_planned: list[str] = []
    for backup in (it for it in backups.certain if it.is_listed and it.phase is not BackupPhase.PLANNED):
        backup_id, expiry = backup.backup.backup_id, backups.expiry(backup)
        age = subject.observed_at - expiry.at if expiry.at is not None else None
        if age is None:
            if backup.schedule is not None or expiry.expires is None:
                unknown.append(backup_id)
        elif backup.may_be_planned(backups.histories_unread):
            (unknown if age > LENIENCY else perhaps_planned).append(backup_id)
        else:
            expiring += 1
            if age > LENIENCY:
                late[backup_id] = age
    evidence: dict[str, object] = {"scheduled_backups": expiring, "allowed_hours": hours(LENIENCY)}
    if late:
        longest = max(late.values())
        evidence["late"] = [{"backup_id": it, "expired_at": _expired(subject, late[it])} for it in sorted(late)]
        shown, allowed = format_lengths(longest, LENIENCY)
        told = f"{pluralize(len(late), 'scheduled backup')} still listed up to {shown} past the expiry"
        return non_compliant(f"{told}, {allowed} are allowed.", evidence)
    backups.need_identity()
    if not expiring:
        unknown += perhaps_planned
    if unknown:
        evidence["unknown"] = sorted(unknown)
        reason = f"When {pluralize(len(unknown), 'backup')} of it should expire, if at all, is not known."
        raise InsufficientDataError(reason, evidence)
    backups.need_all()
    if not expiring:
        return not_applicable("It has no scheduled backup of which the expiry is known.", evidence)
    return compliant(f"No scheduled backup is listed more than {format_length(LENIENCY)} past its expiry.", evidence)


def _expired(subject: IndexContext, length: timedelta) -> str:
    return format_moment(subject.observed_at - length)


BACKUPS_EXPIRE_ON_TIME = Control(
    id="backups-expire-on-time",
    title="Scheduled backups are gone within two days of their expiry",
    fails_when="A scheduled backup is still listed more than 2 days past its capture time and the retention of its"
    " schedule, or past the first audit that saw a shorter one. Where the schedule is gone, what was remembered of the"
    " expiry counts; a manual backup never expires.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.INDEX,),
    family=Family.RUNS,
    rationale="Backups that outlive their retention cost storage, fill the quota, and hold what should be gone.",
    remediation="Look at the backups of {name} that the evidence names, each by GET /backups/BACKUP_ID; if they are not"
    " needed, delete each by DELETE /backups/BACKUP_ID, and ask Pinecone's support why they did not expire.",
    guidance=Guidance(
        looks_at="The listed backups that a schedule made, their capture time, and the retentions of that schedule as"
        " audits saw them.",
        console=(
            "Open {name} and its Backups tab.",
            "Delete the backups that the evidence names, if nobody needs them.",
        ),
        api=("GET /backups/BACKUP_ID, which the evidence names.", "DELETE /backups/BACKUP_ID, which cannot be undone."),
        false_positives="A retention that was lowered before the first audit: nothing tells when.",
    ),
    judge=judge,
)
