"""Control `backup-did-not-vanish`."""

from datetime import datetime

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import DeletedIndexContext, IndexContext, is_expected, is_replaced
from backup_auditor.domain.finding import (
    InsufficientDataError,
    ResourceType,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.project_state import KnownBackup
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment

CONTROL_ID = "backup-did-not-vanish"


def _evaluate(subject: IndexContext | DeletedIndexContext) -> Verdict:
    known_backups, listed_ids = subject.require_known_backups(), subject.listed_backup_ids
    listed_count = sum(it.backup_id in listed_ids for it in known_backups)
    missing_backups = {it.backup_id: it for it in known_backups if it.backup_id not in listed_ids}
    project = subject.project
    expectations = {
        it.backup_id: is_expected(it, project) for it in missing_backups.values() if not is_replaced(it, project)
    }
    vanished_ids = sorted(it for it, expectation in expectations.items() if expectation)
    unknown_ids = sorted(it for it, expectation in expectations.items() if expectation is None)
    exemptions_by_id = project.policy.find_exempted_backups(CONTROL_ID, subject.observed_at)
    exempted_ids = [it for it in (*vanished_ids, *unknown_ids) if it in exemptions_by_id]
    exemption = None
    if len(exempted_ids) < len(vanished_ids) + len(unknown_ids):  # the verdict is about the others
        vanished_ids, unknown_ids = (
            [it for it in ids if it not in exemptions_by_id] for ids in (vanished_ids, unknown_ids)
        )
    elif exempted_ids:
        exemption = min((exemptions_by_id[it] for it in exempted_ids), key=lambda it: it.expires)
    if not listed_count and not vanished_ids and not unknown_ids:
        return not_applicable("No previous audit recorded a backup that should still exist.")
    evidence: dict[str, object] = {"listed": listed_count, "missing": len(vanished_ids) + len(unknown_ids)}
    if exempted_ids:
        evidence["exempted"] = sorted(exempted_ids)
    if vanished_ids:
        evidence["vanished"] = [_describe_backup(missing_backups[it], subject.observed_at) for it in vanished_ids]
        first_missing, verb = missing_backups[vanished_ids[0]], "is" if len(vanished_ids) == 1 else "are"
        reason = (
            f"{pluralize(len(vanished_ids), 'backup')} that should still exist {verb} no longer listed"
            f" (first: {first_missing.name or first_missing.backup_id})."
        )
        return non_compliant(reason, evidence, depends_on_absence_in=subject.listings, exemption=exemption)
    if unknown_ids:
        reason = f"It is unknown whether {pluralize(len(unknown_ids), 'unlisted backup')} should still exist."
        raise InsufficientDataError(reason, {**evidence, "unknown": unknown_ids}, exemption)
    verb = "is" if listed_count == 1 else "are"
    reason = f"{pluralize(listed_count, 'backup')} recorded by previous audits {verb} listed; none is missing."
    return compliant(reason, evidence)


def _describe_backup(backup: KnownBackup, observed_at: datetime) -> dict[str, object]:
    missed_at = backup.missed_at or observed_at
    return {
        "backup_id": backup.backup_id,
        "name": backup.name,
        "captured_at": format_moment(backup.captured_at) if backup.captured_at else None,
        "expires_at": format_moment(backup.expires_at) if backup.expires_at else None,
        "expires": backup.expires,
        "missing_since": format_moment(missed_at),
    }


BACKUP_DID_NOT_VANISH = Control(
    id=CONTROL_ID,
    title="No backup disappears before it expires",
    fails_when="A Ready backup that a previous audit recorded is missing from two reads of the backup listing, and no"
    " retention known before it was first missed explains that. A backup that would never expire is"
    " reported for 30 days. A first backup that remediation took is not reported once the index has the required"
    " number of scheduled recovery points. Backups named by an exemption are left out; if it names every missing"
    " backup, the finding is exempted.",
    severity=Severity.CRITICAL,
    scopes=(ResourceType.INDEX, ResourceType.DELETED_INDEX),
    family=Family.RECOVERY,
    rationale="An account that can delete an index can delete its backups. An attack on data often starts with the"
    " backups.",
    remediation="Find out who deleted the backups of {name} that the evidence names, and revoke the API key that was"
    " used. List the remaining backups with GET /indexes/{name}/backups. Ask Pinecone support for details of the"
    " deletion.",
    looks_at="The backups recorded by previous audits, with their expected expiry, and the backups listed now.",
    console=(
        "Ask everyone who may delete backups whether they deleted these.",
        "Open API keys and delete every key without a known owner.",
        "Open the Backups tab of {name} and create a backup.",
    ),
    api=("GET /backups.", "GET /backups/BACKUP_ID: 404 for a deleted backup.", "POST /indexes/{name}/backups."),
    false_positives="A backup that a person or a cleanup job deleted on purpose: exempt it by its id (see the"
    " evidence), or wait until it would have expired, or for 30 days. A retention that was lowered and raised"
    " again between two audits.",
    frameworks=BACKUP_FRAMEWORKS,
    corresponds_to=("AWS Config backup-recovery-point-manual-deletion-disabled",),
    evaluate=_evaluate,
)
