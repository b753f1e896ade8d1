"""Control `backup-location-is-allowed`."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

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
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Backup
from backup_auditor.domain.text import pluralize


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    allowed_locations = subject.requirements.protection.locations
    if not allowed_locations:
        return not_applicable("The policy allows its backups to lie anywhere.")
    backups = subject.backups
    dated_backups = [it.backup for it in backups.recovery_points]
    undated_backups = [it.backup for it in backups.undated_recovery_points]
    outside_backups = _find_outside(dated_backups, allowed_locations)
    evidence: dict[str, object] = {"recovery_points": len(dated_backups), "allowed": list(allowed_locations)}
    if outside_backups:
        locations = sorted({f"{it.cloud}/{it.region}" for it in outside_backups})
        evidence |= {"locations": locations, "backup_ids": sorted(it.backup_id for it in outside_backups)}
        reason = (
            f"{pluralize(len(outside_backups), 'recovery point')} in {', '.join(locations)}, where"
            " the policy allows none."
        )
        return non_compliant(reason, evidence)
    unknown_backups = [it for it in (*dated_backups, *undated_backups) if it.cloud is None or it.region is None]
    if unknown_backups:
        evidence["unknown"] = sorted(it.backup_id for it in unknown_backups)
        raise InsufficientDataError(
            f"Where {pluralize(len(unknown_backups), 'Ready backup')} of it lies is not told.", evidence
        )
    if _find_outside(undated_backups, allowed_locations):
        raise InsufficientDataError("Some of its Ready backups tell no time at which they were taken.", evidence)
    backups.require_backup_listing()
    if not dated_backups:
        return not_applicable("It has no recovery point.", evidence)
    return compliant(f"{pluralize(len(dated_backups), 'recovery point')}, all where the policy allows it.", evidence)


def _find_outside(backups: Iterable[Backup], allowed_locations: tuple[str, ...]) -> list[Backup]:
    """Return the backups that lie, as far as is told, where none may."""
    located_backups = [it for it in backups if it.cloud is not None and it.region is not None]
    locations = {(it.cloud, it.region) for it in located_backups}
    outside_locations = {
        it for it in locations if not any(fnmatchcase(f"{it[0]}/{it[1]}", pattern) for pattern in allowed_locations)
    }
    return [it for it in located_backups if (it.cloud, it.region) in outside_locations]


BACKUP_LOCATION_IS_ALLOWED = Control(
    id="backup-location-is-allowed",
    title="Recovery points lie only where the policy allows it",
    fails_when="A recovery point lies in a cloud and region that none of the patterns fits.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.PROTECTION,
    rationale="A backup is as much personal data, or data under a contract, as the index it was taken of.",
    remediation="A backup stays where its index is: move {name} by making it anew in an allowed region, and filling it"
    " there; then delete the backups that the evidence names, by DELETE /backups/BACKUP_ID.",
    guidance=Guidance(
        looks_at="The cloud and the region of every recovery point.",
        console=(
            "Create an index in an allowed region, and fill it.",
            "Give it a schedule.",
            "Delete {name} and its backups, when nobody needs them any more.",
        ),
        api=("POST /indexes.", "POST /indexes/{name}/backup-schedules.", "DELETE /backups/BACKUP_ID."),
        false_positives="A region that was allowed since: add it to the policy.",
    ),
    evaluate=evaluate,
    parameters={"protection.locations": "where backups may lie, as patterns of cloud/region; none: anywhere"},
)
