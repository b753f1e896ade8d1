"""Control `backup-size-is-stable`."""

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
from backup_auditor.domain.evaluation.content_trend import build_content_trend
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    max_factor = subject.requirements.content.max_size_factor
    if max_factor is None:
        return not_applicable("The policy sets no limit to how the size of its recovery points may change.")
    trend = build_content_trend(subject, lambda it: it.size_bytes)
    if trend is None:
        return not_applicable("It has no earlier recovery point to compare the newest with.")
    evidence = {
        "backup_id": trend.newest_point.backup.backup_id,
        "size_bytes": trend.newest_value,
        "median": trend.median,
        "compared_with": len(trend.earlier_points),
        "max_factor": max_factor,
    }
    if trend.newest_value is None:
        raise InsufficientDataError("The size of its newest recovery point is not told.", evidence)
    size_text = pluralize(trend.newest_value, "byte")
    reason = f"Its newest recovery point has {size_text}, the median of those before is {trend.median:,}"
    limit_text = f"a factor of {max_factor:g} is allowed."
    if trend.newest_value * max_factor < trend.median or trend.newest_value > trend.median * max_factor:
        return non_compliant(f"{reason}; {limit_text}", evidence, depends_on_absence_in=subject.backups.listings)
    return compliant(f"{reason}; {limit_text}", evidence)


BACKUP_SIZE_IS_STABLE = Control(
    id="backup-size-is-stable",
    title="The newest recovery point of every index is about as large as those before it",
    fails_when="The newest recovery point is smaller than the median of the up to 7 before it divided by the factor, or"
    " larger than that median times the factor. Those that do not tell are skipped.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.INDEX,),
    family=Family.CONTENT,
    rationale="A size that jumps tells of records that were cut short, doubled, or replaced, though their count may"
    " not.",
    remediation="Find out what was written to {name} or deleted from it since the backup before, by"
    " GET /indexes/{name}/backups; if it should not have been, restore an older recovery point under another name, by"
    " POST /backups/BACKUP_ID/create-index, with an id that is listed there.",
    guidance=Guidance(
        looks_at="The size of the newest recovery point and of the up to 7 before it.",
        console=(
            "Open {name} and its Backups tab.",
            "Compare the newest backup with those before it: records, namespaces, size.",
        ),
        api=(
            "GET /indexes/{name}/backups.",
            'POST /backups/BACKUP_ID/create-index with {"name": "NAME"}, for one that is listed there.',
        ),
        false_positives="An index that is being filled for the first time; the finding ends when the median has"
        " followed.",
        frameworks=INTEGRITY_FRAMEWORKS,
    ),
    evaluate=evaluate,
    parameters={"content.max_size_factor": "by what factor the size may differ from what is usual"},
)
