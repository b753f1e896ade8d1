"""Control `backup-size-is-stable`."""

from backup_auditor.domain.control import (
    INTACT,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.content_trend import content_trend
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    factor = subject.require.content.max_size_factor
    if factor is None:
        return not_applicable("The policy sets no limit to how the size of its recovery points may change.")
    series = content_trend(subject, lambda it: it.size_bytes)
    if series is None:
        return not_applicable("It has no earlier recovery point to compare the newest with.")
    evidence = {
        "backup_id": series.newest.backup.backup_id,
        "size_bytes": series.value,
        "median": series.median,
        "compared_with": len(series.before),
        "max_factor": factor,
    }
    if series.value is None:
        raise InsufficientDataError("The size of its newest recovery point is not told.", evidence)
    has = pluralize(series.value, "byte")
    reason = f"Its newest recovery point has {has}, the median of those before is {series.median:,}"
    allowed = f"a factor of {factor:g} is allowed."
    if series.value * factor < series.median or series.value > series.median * factor:
        return non_compliant(f"{reason}; {allowed}", evidence, rests_on=subject.backups.listings)
    return compliant(f"{reason}; {allowed}", evidence)


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
        frameworks=INTACT,
    ),
    judge=judge,
    parameters={"content.max_size_factor": "by what factor the size may differ from what is usual"},
)
