"""Control `recovery-point-is-not-empty`."""

from backup_auditor.domain.control import (
    INTEGRITY_FRAMEWORKS,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.content_trend import NEWEST_UNKNOWN_REASON
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    if subject.requirements.content.allow_empty:
        return not_applicable("The policy allows its recovery points to be empty.")
    backups = subject.backups
    undated_counts = [it.backup.record_count for it in backups.undated_recovery_points]
    newest = next(iter(backups.recovery_points), None)
    backups.require_backup_listing()
    if newest is None:
        if undated_counts:
            raise InsufficientDataError("Its only Ready backups tell no time at which they were taken.")
        return not_applicable("It has no recovery point.")
    record_count = newest.backup.record_count
    evidence = {
        "backup_id": newest.backup.backup_id,
        "captured_at": format_moment(newest.captured_at) if newest.captured_at else None,
        "record_count": record_count,
    }
    if record_count is None:
        raise InsufficientDataError("How many records its newest recovery point has is not told.", evidence)
    if any(undated_count is None or (undated_count > 0) is not (record_count > 0) for undated_count in undated_counts):
        raise InsufficientDataError(NEWEST_UNKNOWN_REASON, evidence)
    if record_count > 0:
        return compliant(f"Its newest recovery point has {pluralize(record_count, 'record')}.", evidence)
    reason = "Its newest recovery point has no records: a restore gives an empty index."
    return non_compliant(reason, evidence, depends_on_absence_in=backups.listings)


RECOVERY_POINT_IS_NOT_EMPTY = Control(
    id="recovery-point-is-not-empty",
    title="The newest recovery point of every index has records",
    fails_when="The newest recovery point has 0 records, and the policy does not allow that.",
    severity=Severity.CRITICAL,
    scopes=(ResourceType.INDEX,),
    family=Family.CONTENT,
    rationale="A backup of an index that was emptied looks like any other, and takes the place of the good ones.",
    remediation="Look whether {name} itself is empty, by POST /describe_index_stats at its host; if it should not be,"
    " restore an older recovery point under another name, by POST /backups/BACKUP_ID/create-index, before it"
    " expires; GET /indexes/{name}/backups lists them with their ids.",
    guidance=Guidance(
        looks_at="The record count of the newest recovery point.",
        console=(
            "Open {name} and look at its record count.",
            "Open its Backups tab, and find the newest backup that has records.",
            "Restore that one under another name.",
        ),
        api=(
            "GET /indexes/{name}/backups.",
            'POST /backups/BACKUP_ID/create-index with {"name": "NAME"}, for one that is listed there.',
        ),
        false_positives="A backup that was taken minutes after its index was made can be empty, rightly: it holds"
        " nothing newer than about 15 minutes before its capture. An index that is meant to be empty: allow_empty.",
        frameworks=INTEGRITY_FRAMEWORKS,
    ),
    evaluate=evaluate,
    parameters={"content.allow_empty": "whether a recovery point may have no records"},
)
