"""Control `backup-did-not-vanish`."""

from datetime import datetime

from backup_auditor.domain.control import (
    BACKED_UP,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import DeletedIndexContext, IndexContext
from backup_auditor.domain.evaluation.presence import ExpectedPresence, expected_presence, is_replaced
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.project_state import KnownBackup
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment

ID = "backup-did-not-vanish"


def judge(subject: IndexContext | DeletedIndexContext) -> Verdict:
    """Judge one index, live or deleted."""
    remembered, listed = subject.remembered, subject.listed_ids
    kept = sum(it.backup_id in listed for it in remembered)
    missing = {it.backup_id: it for it in remembered if it.backup_id not in listed}
    project = subject.project
    judged = {it.backup_id: expected_presence(it, project) for it in missing.values() if not is_replaced(it, project)}
    vanished = [it for it in sorted(judged) if judged[it] is ExpectedPresence.EXPECTED]
    doubtful = [it for it in sorted(judged) if judged[it] is ExpectedPresence.UNKNOWN]
    accepted = project.policy.exempted_backups(ID, subject.observed_at)
    exempted = [it for it in (*vanished, *doubtful) if it in accepted]
    exemption = None
    if len(exempted) < len(vanished) + len(doubtful):  # the verdict is about the others
        vanished, doubtful = ([it for it in ids if it not in accepted] for ids in (vanished, doubtful))
    elif exempted:
        exemption = min((accepted[it] for it in exempted), key=lambda it: it.expires)
    if not kept and not vanished and not doubtful:
        return not_applicable("No earlier audit remembers a backup of it that should still exist.")
    evidence: dict[str, object] = {"listed": kept, "missing": len(vanished) + len(doubtful)}
    if exempted:
        evidence["exempted"] = sorted(exempted)
    if vanished:
        evidence["vanished"] = [_evidence_of(missing[it], subject.observed_at) for it in vanished]
        first, be = missing[vanished[0]], "is" if len(vanished) == 1 else "are"
        reason = (
            f"{pluralize(len(vanished), 'backup')} that should still exist {be} not listed any more, first"
            f" {first.name or first.backup_id}: somebody or something deleted what was to be kept."
        )
        return non_compliant(reason, evidence, rests_on=subject.listings, exemption=exemption)
    if doubtful:
        reason = f"Whether {pluralize(len(doubtful), 'backup')} that is not listed any more should be, is not known."
        raise InsufficientDataError(reason, {**evidence, "in_doubt": doubtful}, exemption)
    be = "is" if kept == 1 else "are"
    reason = f"{pluralize(kept, 'backup')} that earlier audits saw {be} listed, and no other should be."
    return compliant(reason, evidence)


def _evidence_of(backup: KnownBackup, observed_at: datetime) -> dict[str, object]:
    missed_at = backup.missed_at or observed_at
    return {
        "backup_id": backup.backup_id,
        "name": backup.name,
        "captured_at": format_moment(backup.captured_at) if backup.captured_at else None,
        "expires_at": format_moment(backup.expires_at) if backup.expires_at else None,
        "expires": backup.expires,
        "missed_since": format_moment(missed_at),
    }


BACKUP_DID_NOT_VANISH = Control(
    id=ID,
    title="No backup disappears before it expires",
    fails_when="A Ready backup that an earlier audit saw, and that by every retention known until it was first missed"
    " should still exist, is listed by neither of two walks. One that would never have expired is reported for 30 days;"
    " a first backup that remediation took is not, once the index has as many scheduled recovery points as required. A"
    " backup that an exemption names is left out; where it names every missing one, the finding is exempted.",
    severity=Severity.CRITICAL,
    scopes=(ResourceType.INDEX, ResourceType.DELETED_INDEX),
    family=Family.RECOVERY,
    rationale="Whoever can delete an index can delete its backups: an attack on data begins with the backups.",
    remediation="Find out who deleted the backups of {name} that the evidence names, and revoke the key that was used;"
    " what is left is listed by GET /indexes/{name}/backups. Pinecone's support may know more of the deletion.",
    guidance=Guidance(
        looks_at="The backups that earlier audits saw, with the expiry each should have, and those that are listed"
        " now.",
        console=(
            "Ask everybody who may delete backups whether they did.",
            "Open API keys, and delete the keys that nobody answers for.",
            "Open {name} and its Backups tab, and create a backup.",
        ),
        api=(
            "GET /backups.",
            "GET /backups/BACKUP_ID, which answers 404 for one that is gone.",
            "POST /indexes/{name}/backups.",
        ),
        false_positives="A backup that was deleted on purpose, by a person or by the clean-up of a test: exempt that"
        " backup by its id, which the evidence has, or let the finding stand until the backup would have expired, or"
        " for 30 days. A retention that was lowered and raised again between two audits.",
        frameworks=BACKED_UP,
        corresponds_to=("AWS Config backup-recovery-point-manual-deletion-disabled",),
    ),
    judge=judge,
)
