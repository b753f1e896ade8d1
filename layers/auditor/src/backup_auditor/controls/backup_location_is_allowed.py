"""Control `backup-location-is-allowed`."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_backups import NO_RECOVERY_POINT_REASON, UNDATED_POINTS_REASON
from backup_auditor.domain.finding import (
    InsufficientDataError,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.model import Backup
from backup_auditor.domain.text import pluralize


def _evaluate(subject: IndexContext) -> Verdict:
    allowed_locations = subject.requirements.protection.locations
    if not allowed_locations:
        return not_applicable("The policy does not restrict the location of backups.")
    backups = subject.backups
    dated_backups = [it.backup for it in backups.require_recovery_points()]
    undated_backups = [it.backup for it in backups.require_undated_recovery_points()]
    outside_backups = _find_outside(dated_backups, allowed_locations)
    evidence: dict[str, object] = {"recovery_points": len(dated_backups), "allowed": list(allowed_locations)}
    if outside_backups:
        locations = sorted({f"{it.cloud}/{it.region}" for it in outside_backups})
        evidence |= {"locations": locations, "backup_ids": sorted(it.backup_id for it in outside_backups)}
        reason = (
            f"{pluralize(len(outside_backups), 'recovery point')} stored in {', '.join(locations)}"
            f" (allowed: {', '.join(allowed_locations)})."
        )
        return non_compliant(reason, evidence)
    unknown_backups = [it for it in (*dated_backups, *undated_backups) if it.cloud is None or it.region is None]
    if unknown_backups:
        evidence["unknown"] = sorted(it.backup_id for it in unknown_backups)
        raise InsufficientDataError(
            f"The location of {pluralize(len(unknown_backups), 'Ready backup')} is unknown.", evidence
        )
    if _find_outside(undated_backups, allowed_locations):
        raise InsufficientDataError(UNDATED_POINTS_REASON, evidence)
    backups.require_backup_listing()
    if not dated_backups:
        return not_applicable(NO_RECOVERY_POINT_REASON, evidence)
    return compliant(f"{pluralize(len(dated_backups), 'recovery point')} stored in allowed locations only.", evidence)


def _find_outside(backups: Iterable[Backup], allowed_locations: tuple[str, ...]) -> list[Backup]:
    located_backups = [it for it in backups if it.cloud is not None and it.region is not None]
    locations = {(it.cloud, it.region) for it in located_backups}
    outside_locations = {
        it for it in locations if not any(fnmatchcase(f"{it[0]}/{it[1]}", pattern) for pattern in allowed_locations)
    }
    return [it for it in located_backups if (it.cloud, it.region) in outside_locations]


BACKUP_LOCATION_IS_ALLOWED = Control(
    id="backup-location-is-allowed",
    title="Recovery points are stored only in allowed locations",
    fails_when="A recovery point is stored in a cloud and region that matches none of the allowed patterns.",
    severity=Severity.HIGH,
    family=Family.PROTECTION,
    rationale="Laws and contracts that restrict where an index may be stored apply to its backups as well.",
    remediation="A backup stays in the region of its index. Create a replacement for {name} in an allowed region and"
    " load its data; then delete the backups that the evidence names with DELETE /backups/BACKUP_ID.",
    looks_at="The cloud and region of every recovery point.",
    console=(
        "Create an index in an allowed region and load the data.",
        "Create a schedule for it.",
        "Delete {name} and its backups when they are no longer needed.",
    ),
    api=("POST /indexes.", "POST /indexes/{name}/backup-schedules.", "DELETE /backups/BACKUP_ID."),
    false_positives="A region that has been allowed since: add it to the policy.",
    evaluate=_evaluate,
    parameters={
        "protection.locations": "allowed locations of backups, as patterns of cloud/region; empty: any location"
    },
)
