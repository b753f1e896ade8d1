"""Control `exemptions-are-current`."""

from collections.abc import Iterable
from datetime import UTC, timedelta

from backup_auditor.domain.control import (
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import deleted_indexes
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Exemption, ResourceType, Severity
from backup_auditor.domain.listing import BACKUP_LISTING
from backup_auditor.domain.text import pluralize

ENDING = timedelta(days=14)
"""How long before its end an exemption is mentioned."""


def judge(subject: ProjectContext) -> Verdict:
    """Judge the project."""
    exemptions = subject.policy.exemptions
    if not exemptions:
        return not_applicable("The policy has no exemptions.")
    day = subject.observed_at.astimezone(UTC).date()
    expired = [it for it in exemptions if it.expires < day]
    ending = [it for it in exemptions if day <= it.expires <= day + ENDING]
    deleted = {it.name for it in deleted_indexes(subject)}
    unmatched = [it for it in exemptions if it.is_for_indexes and not _fits(it, subject, deleted)]
    evidence: dict[str, object] = {
        "exemptions": len(exemptions),
        "expired": _shown(expired),
        "ending": _shown(ending),
    }
    backups = subject.inventory.backups
    needs_deleted = any(not it.tags for it in unmatched)  # a deleted index has no tags
    may_lack_names = subject.inventory.indexes_unread or (backups.broken if needs_deleted else None)
    is_confirmed = may_lack_names is None and (backups.walks > 1 or not needs_deleted)
    if expired:
        evidence["fitting_nothing"] = _shown(unmatched if is_confirmed else [])
        return non_compliant(
            f"{pluralize(len(expired), 'exemption')} expired: what it covered is open again.", evidence
        )
    if unmatched and may_lack_names is not None:
        reason = f"Whether {pluralize(len(unmatched), 'exemption')} fits anything is not known: {may_lack_names.what}:"
        raise InsufficientDataError(f"{reason} {may_lack_names.error}", evidence)
    evidence["fitting_nothing"] = _shown(unmatched)
    if unmatched:
        fit = "fits" if len(unmatched) == 1 else "fit"
        reason = f"{pluralize(len(unmatched), 'exemption')} {fit} no index, live or deleted."
        return non_compliant(reason, evidence, rests_on=(BACKUP_LISTING,) if needs_deleted else ())
    return compliant(
        f"{pluralize(len(exemptions), 'exemption')}, {len(ending)} of them ending within 14 days.", evidence
    )


def _fits(exemption: Exemption, subject: ProjectContext, deleted: Iterable[str]) -> bool:
    indexes = (*(it.index for it in subject.facts.values()), *subject.inventory.terminating)
    live = any(exemption.fits_index(it.name, it.tags) for it in indexes)
    return live or any(exemption.fits_index(name, None) for name in deleted)


def _shown(exemptions: list[Exemption]) -> list[dict[str, object]]:
    return [
        {
            **it.subject,
            "controls": list(it.controls),
            "owner": it.owner,
            "reason": it.reason,
            "expires": it.expires.isoformat(),
        }
        for it in exemptions
    ]


EXEMPTIONS_ARE_CURRENT = Control(
    id="exemptions-are-current",
    title="Every exemption of the policy holds, and fits something",
    fails_when="An exemption has expired, or its names and tags fit no index; names alone may fit a deleted one. An"
    " exemption of single backups, or of the project, is current until it expires. Those that end within 14 days are in"
    " the evidence.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.PROJECT,),
    family=Family.AUDIT,
    rationale="An exemption that ended is a deviation that nobody accepts any more; one that fits nothing will one day"
    " cover an index that nobody had in mind.",
    remediation="Ask the owners of the exemptions that the evidence names, and remove these from the policy of {name},"
    " or renew them with a reason (documentation: exemptions).",
    guidance=Guidance(
        looks_at="The exemptions of the policy, their last day, the names and tags of all live indexes, and the names"
        " of deleted ones.",
        console=(),
        api=("None: exemptions stand in the policy file.",),
        false_positives="An exemption that was written before its index is made: make the index first.",
    ),
    judge=judge,
)
