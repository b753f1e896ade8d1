"""Control `backup-size-is-stable`."""

from backup_auditor.domain.control import INTEGRITY_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.content_trend import NO_EARLIER_POINT_REASON, build_content_trend
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import (
    InsufficientDataError,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)


def _evaluate(subject: IndexContext) -> Verdict:
    max_factor = subject.requirements.content.max_size_factor
    if max_factor is None:
        return not_applicable("The policy sets no limit for changes in backup size.")
    trend = build_content_trend(subject, lambda it: it.size_bytes)
    if trend is None:
        return not_applicable(NO_EARLIER_POINT_REASON)
    evidence = {
        "backup_id": trend.newest_point.backup.backup_id,
        "size_bytes": trend.newest_value,
        "median": trend.median,
        "compared_with": len(trend.earlier_points),
        "max_factor": max_factor,
    }
    if trend.newest_value is None:
        raise InsufficientDataError("The size of the newest recovery point is unknown.", evidence)
    reason = f"{trend.describe('byte')} (limit: a factor of {max_factor:g})."
    if trend.newest_value * max_factor < trend.median or trend.newest_value > trend.median * max_factor:
        return non_compliant(reason, evidence, depends_on_absence_in=subject.backups.listings)
    return compliant(reason, evidence)


BACKUP_SIZE_IS_STABLE = Control(
    id="backup-size-is-stable",
    title="The size of the newest recovery point is similar to earlier ones",
    fails_when="The newest recovery point is smaller than the median of up to 7 earlier ones divided by the factor,"
    " or larger than that median times the factor. Recovery points of unknown size are skipped.",
    severity=Severity.MEDIUM,
    family=Family.CONTENT,
    rationale="A jump in size can mean that records were truncated, duplicated or replaced, even if their count is"
    " unchanged.",
    remediation="Find out what was written to or deleted from {name} since the previous backup (list them with GET"
    " /indexes/{name}/backups). If the change is not intended, restore an earlier recovery point under another name"
    " with POST /backups/BACKUP_ID/create-index, using an id from that list.",
    looks_at="The size of the newest recovery point and of up to 7 earlier ones.",
    console=(
        "Open the Backups tab of {name}.",
        "Compare the newest backup with earlier ones: records, namespaces, size.",
    ),
    api=(
        "GET /indexes/{name}/backups.",
        'POST /backups/BACKUP_ID/create-index with {"name": "NAME"}, using an id from that list.',
    ),
    false_positives="An index that is being loaded for the first time: the finding is resolved when the median"
    " has followed.",
    frameworks=INTEGRITY_FRAMEWORKS,
    evaluate=_evaluate,
    parameters={"content.max_size_factor": "the factor by which the size may differ from the median"},
)
