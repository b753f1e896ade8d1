"""Control `recovery-point-is-not-empty`."""

from backup_auditor.domain.control import INTEGRITY_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.content_trend import NEWEST_UNKNOWN_REASON
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_backups import NO_RECOVERY_POINT_REASON, UNDATED_POINTS_REASON
from backup_auditor.domain.finding import (
    InsufficientDataError,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment


def _evaluate(subject: IndexContext) -> Verdict:
    if subject.requirements.content.allow_empty:
        return not_applicable("The policy allows empty recovery points.")
    backups = subject.backups
    undated_counts = [it.backup.record_count for it in backups.require_undated_recovery_points()]
    newest = next(iter(backups.require_recovery_points()), None)
    backups.require_backup_listing()
    if newest is None:
        if undated_counts:
            raise InsufficientDataError(UNDATED_POINTS_REASON)
        return not_applicable(NO_RECOVERY_POINT_REASON)
    record_count = newest.backup.record_count
    evidence = {
        "backup_id": newest.backup.backup_id,
        "captured_at": format_moment(newest.captured_at) if newest.captured_at else None,
        "record_count": record_count,
    }
    if record_count is None:
        raise InsufficientDataError("The record count of the newest recovery point is unknown.", evidence)
    if any(undated_count is None or (undated_count > 0) is not (record_count > 0) for undated_count in undated_counts):
        raise InsufficientDataError(NEWEST_UNKNOWN_REASON, evidence)
    if record_count > 0:
        return compliant(f"Newest recovery point has {pluralize(record_count, 'record')}.", evidence)
    reason = "Newest recovery point has 0 records."
    return non_compliant(reason, evidence, depends_on_absence_in=backups.listings)


RECOVERY_POINT_IS_NOT_EMPTY = Control(
    id="recovery-point-is-not-empty",
    title="The newest recovery point of every index has records",
    fails_when="The newest recovery point has 0 records, and the policy does not allow empty recovery points.",
    severity=Severity.CRITICAL,
    family=Family.CONTENT,
    rationale="A backup of an emptied index looks like any other, and replaces the good ones as they expire.",
    remediation="Check with POST /describe_index_stats, at the host of the index, whether {name} itself is empty. If"
    " it should not be, restore an earlier recovery point under another name before it expires, with POST"
    " /backups/BACKUP_ID/create-index (ids: GET /indexes/{name}/backups).",
    looks_at="The record count of the newest recovery point.",
    console=(
        "Open {name} and check its record count.",
        "Open its Backups tab and find the newest backup that has records.",
        "Restore it under another name.",
    ),
    api=(
        "GET /indexes/{name}/backups.",
        'POST /backups/BACKUP_ID/create-index with {"name": "NAME"}, using an id from that list.',
    ),
    false_positives="A backup taken minutes after its index was created can be empty: it holds data up to about"
    " 15 minutes before its capture. An index that is intended to be empty: set allow_empty.",
    frameworks=INTEGRITY_FRAMEWORKS,
    evaluate=_evaluate,
    parameters={"content.allow_empty": "whether a recovery point may have no records"},
)
