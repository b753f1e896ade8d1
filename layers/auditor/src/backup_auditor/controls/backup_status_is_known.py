"""Control `backup-status-is-known`."""

from backup_auditor.domain.control import (
    Control,
    Family,
    Framework,
    Guidance,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize, quote_text


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups = subject.backups
    unknown_statuses = {
        it.backup.backup_id: it.unknown_status for it in backups.confirmed_backups if it.unknown_status is not None
    }
    if unknown_statuses:
        statuses = sorted(set(unknown_statuses.values()))
        statuses_text = ", ".join(quote_text(status) for status in statuses)
        reason = f"{pluralize(len(unknown_statuses), 'backup')} in a status that is not known: {statuses_text}."
        return non_compliant(reason, {"statuses": statuses, "backup_ids": sorted(unknown_statuses)})
    known_count = len(backups.all_backups)
    backups.require_complete()
    if not known_count:
        return not_applicable("It has no backup.")
    return compliant(
        f"The status of each of its {pluralize(known_count, 'backup')}, runs included, is known.",
        {"backups": known_count},
    )


BACKUP_STATUS_IS_KNOWN = Control(
    id="backup-status-is-known",
    title="Every backup of every index is in a status that is known",
    fails_when="A backup or run of the index has a status that is none of those known.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.INDEX,),
    family=Family.RUNS,
    rationale="A backup in a status that nobody knows is counted neither as good nor as failed: whether it can be"
    " restored is open.",
    remediation="Look the status up in Pinecone's documentation and at the backups that the evidence names, in the"
    " console under the Backups tab of {name} or by GET /backups/BACKUP_ID; then update this auditor, or report the"
    " status to its maintainers.",
    guidance=Guidance(
        looks_at="The status of every backup and run of the index.",
        console=(
            "Open {name} and its Backups tab.",
            "Look at the backups that the evidence names.",
        ),
        api=("GET /backups/BACKUP_ID, which the evidence names.",),
        false_positives="A status that Pinecone introduced after this version of the auditor.",
        frameworks=(Framework.SOC_2_A1_2,),
    ),
    evaluate=evaluate,
)
