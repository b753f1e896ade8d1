"""Control `exemptions-are-current`."""

from collections.abc import Iterable
from datetime import UTC, timedelta

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.index import find_deleted_indexes
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import (
    Exemption,
    InsufficientDataError,
    ResourceType,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.listing import BACKUP_LISTING
from backup_auditor.domain.text import pluralize

EXPIRY_NOTICE = timedelta(days=14)
"""How long before its end an exemption is mentioned."""


def _evaluate(subject: ProjectContext) -> Verdict:
    exemptions = subject.policy.exemptions
    if not exemptions:
        return not_applicable("The policy has no exemptions.")
    day = subject.observed_at.astimezone(UTC).date()
    expired_exemptions = [it for it in exemptions if it.expires < day]
    ending_exemptions = [it for it in exemptions if day <= it.expires <= day + EXPIRY_NOTICE]
    deleted_names = {it.name for it in find_deleted_indexes(subject)}
    unmatched_exemptions = [it for it in exemptions if it.is_for_indexes and not _fits(it, subject, deleted_names)]
    evidence: dict[str, object] = {
        "exemptions": len(exemptions),
        "expired": [it.evidence for it in expired_exemptions],
        "ending": [it.evidence for it in ending_exemptions],
    }
    backups = subject.inventory.backups
    needs_deleted_names = any(not it.tags for it in unmatched_exemptions)  # a deleted index has no tags
    names_failure = subject.inventory.indexes_failure or (backups.failure if needs_deleted_names else None)
    is_confirmed = names_failure is None and (backups.read_count > 1 or not needs_deleted_names)
    if expired_exemptions:
        evidence["unmatched"] = [it.evidence for it in unmatched_exemptions] if is_confirmed else []
        return non_compliant(f"{pluralize(len(expired_exemptions), 'exemption')} of the policy expired.", evidence)
    if unmatched_exemptions and names_failure is not None:
        reason = (
            f"It is unknown whether {pluralize(len(unmatched_exemptions), 'exemption')} matches an index:"
            f" {names_failure}"
        )
        raise InsufficientDataError(reason, evidence)
    evidence["unmatched"] = [it.evidence for it in unmatched_exemptions]
    if unmatched_exemptions:
        verb = "matches" if len(unmatched_exemptions) == 1 else "match"
        reason = f"{pluralize(len(unmatched_exemptions), 'exemption')} {verb} no live or deleted index."
        return non_compliant(reason, evidence, depends_on_absence_in=(BACKUP_LISTING,) if needs_deleted_names else ())
    return compliant(
        f"{pluralize(len(exemptions), 'exemption')} checked; {len(ending_exemptions)} will expire within 14 days.",
        evidence,
    )


def _fits(exemption: Exemption, subject: ProjectContext, deleted_names: Iterable[str]) -> bool:
    indexes = (*(it.index for it in subject.facts_by_name.values()), *subject.inventory.terminating)
    fits_live_index = any(exemption.fits_index(it.name, it.tags) for it in indexes)
    return fits_live_index or any(exemption.fits_index(name, None) for name in deleted_names)


EXEMPTIONS_ARE_CURRENT = Control(
    id="exemptions-are-current",
    title="Every exemption of the policy is current and matches a resource",
    fails_when="An exemption has expired, or its names and tags match no index. Names without tags may match a"
    " deleted index. An exemption of single backups, or of the project, is current until it expires. The evidence"
    " lists exemptions that expire within 14 days.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.PROJECT,),
    family=Family.AUDIT,
    rationale="The deviation that an expired exemption covered is no longer accepted. An exemption that matches"
    " nothing may later cover an unintended index.",
    remediation="Ask the owners of the exemptions that the evidence names. Remove these exemptions from the policy of"
    " {name}, or renew them with a reason (see Exemptions in the policy documentation).",
    looks_at="The exemptions of the policy, their expiry dates, the names and tags of all live indexes, and the"
    " names of deleted indexes.",
    console=(),
    api=("None: edit the policy file.",),
    false_positives="An exemption that was written before its index was created: create the index first.",
    evaluate=_evaluate,
)
