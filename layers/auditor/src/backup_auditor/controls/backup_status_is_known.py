"""Control `backup-status-is-known`."""

from backup_auditor.domain.control import Control, Family, Framework
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import Severity, Verdict, compliant, non_compliant, not_applicable
from backup_auditor.domain.text import pluralize, quote_text


def _evaluate(subject: IndexContext) -> Verdict:
    backups = subject.backups
    unknown_statuses = {
        it.backup.backup_id: it.unknown_status for it in backups.confirmed_backups if it.unknown_status is not None
    }
    if unknown_statuses:
        statuses = sorted(set(unknown_statuses.values()))
        statuses_text = ", ".join(quote_text(status) for status in statuses)
        reason = f"{pluralize(len(unknown_statuses), 'backup')} with an unknown status: {statuses_text}."
        return non_compliant(reason, {"statuses": statuses, "backup_ids": sorted(unknown_statuses)})
    known_count = len(backups.require_backups())
    backups.require_complete()
    if not known_count:
        return not_applicable("The index has no backup.")
    return compliant(
        f"The status of {pluralize(known_count, 'backup')}, including runs, is known.", {"backups": known_count}
    )


BACKUP_STATUS_IS_KNOWN = Control(
    id="backup-status-is-known",
    title="Every backup has a known status",
    fails_when="A backup or run of the index has an unknown status.",
    severity=Severity.MEDIUM,
    family=Family.RUNS,
    rationale="A backup with an unknown status counts neither as succeeded nor as failed. It may not be restorable.",
    remediation="Look up the status in the Pinecone documentation and check the backups that the evidence names, in"
    " the Backups tab of {name} or with GET /backups/BACKUP_ID. Then update the auditor, or report the status to its"
    " maintainers.",
    looks_at="The status of every backup and run of the index.",
    console=("Open the Backups tab of {name}.", "Check the backups that the evidence names."),
    api=("GET /backups/BACKUP_ID, for each id in the evidence.",),
    false_positives="A status that Pinecone introduced after this version of the auditor.",
    frameworks=(Framework.SOC_2_A1_2,),
    evaluate=_evaluate,
)
