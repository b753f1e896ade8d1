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
from backup_auditor.domain.timefmt import days, format_lengths, format_moment, hours


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    limit = subject.require.protection.erasure
    if limit is None:
        return not_applicable("The policy sets no limit to how old its backups may be.")
    listed = [it for it in (*subject.backups.certain, *subject.backups.others) if it.is_listed]
    begun = [it for it in listed if it.phase is not BackupPhase.PLANNED]
    unread = subject.backups.histories_unread
    in_doubt = {it.backup.backup_id: it.captured_at for it in begun if it.may_be_planned(unread)}
    taken = {it.backup.backup_id: it.captured_at for it in begun if it.backup.backup_id not in in_doubt}
    old = _older(taken, subject.observed_at, limit)
    evidence: dict[str, object] = {"backups": len(taken), "erasure_days": days(limit)}
    if old:
        oldest = min(old.values())
        age = subject.observed_at - oldest
        evidence |= {"oldest": format_moment(oldest), "age_hours": hours(age), "backup_ids": sorted(old)}
        shown, allowed = format_lengths(age, limit)
        told = f"{pluralize(len(old), 'backup')} under its name, the oldest of {shown} ago, {allowed} are allowed"
        return non_compliant(f"{told}: what was erased from the index is still in there.", evidence)
    if None in taken.values():
        raise InsufficientDataError("Some backups under its name tell no time at which they were taken.", evidence)
    subject.backups.need_listing()
    deciding = _older(in_doubt, subject.observed_at, limit) if taken else in_doubt
    if deciding:
        evidence["in_doubt"] = sorted(deciding)
        reason = f"Whether {pluralize(len(deciding), 'backup')} under way began at all is not known."
        raise InsufficientDataError(reason, evidence)
    if not taken:
        return not_applicable("There is no backup under its name.", evidence)
    return compliant(
        f"None of {pluralize(len(taken), 'backup')} under its name is older than {days(limit)} d.", evidence
    )


def _older(taken: Mapping[str, datetime | None], observed_at: datetime, limit: timedelta) -> dict[str, datetime]:
    return {key: moment for key, moment in taken.items() if moment is not None and observed_at - moment > limit}


BACKUPS_WITHIN_ERASURE_HORIZON = Control(
    id="backups-within-erasure-horizon",
    title="No backup is older than the time in which data must be erased",
    fails_when="A backup of the index, or of an earlier index of its name, is older than erasure_days, in whatever"
    " state it is, and whether a schedule made it or a person.",
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
            "Edit the schedule: its retention should be no longer than erasure_days.",
        ),
        api=(
            "DELETE /backups/BACKUP_ID, which cannot be undone.",
            "PATCH /backup-schedules/{schedule_id} with a shorter retention.",
        ),
        false_positives="Backups under a legal hold: exempt the index until it ends.",
    ),
    judge=judge,
    parameters={"protection.erasure_days": "how many days old a backup may be; null for no such limit"},
)
