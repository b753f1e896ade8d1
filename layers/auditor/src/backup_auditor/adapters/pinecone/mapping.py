"""Turns rows as Pinecone writes them into facts, each text and each fact kept in memory once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.adapters.pinecone.schemas import BackupRow, IndexRow, ScheduleRow
from backup_auditor.domain.model import Backup, Deployment, Index, Schedule
from backup_auditor.domain.timefmt import parse_moment

_DEPLOYMENTS = {
    "managed": Deployment.SERVERLESS,
    "serverless": Deployment.SERVERLESS,
    "byoc": Deployment.BYOC,
    "pod": Deployment.POD,
}
_PROTECTION = {"enabled": True, "disabled": False}
_DOCUMENT_TRAITS = ("full_text_search", "embed", "sparse_embed")


class RowMapper:
    """Makes facts of rows. Safe to use from many threads: it only ever adds to what it remembers."""

    def __init__(self) -> None:
        """Begin without a memory."""
        self._texts: dict[str, str] = {}
        self._backups: dict[str, Backup] = {}

    def backup(self, row: BackupRow) -> Backup:
        """Make a backup. The same row of two listings, or of two walks, becomes one object."""
        once = self._texts.setdefault
        known = self._backups.get(row["backup_id"])
        name, created_at = row.get("name"), moment(row.get("created_at"))
        if known is not None:
            name = known.name if known.name == name else name
            created_at = known.created_at if known.created_at == created_at else created_at
        index_id, index_name, status = row["source_index_id"], row["source_index_name"], row["status"]
        cloud, region = row.get("cloud") or "", row.get("region") or ""
        found = Backup(
            row["backup_id"] if known is None else known.backup_id,
            once(index_id, index_id),
            once(index_name, index_name),
            once(status, status),
            name,
            created_at,
            moment(row.get("scheduled_execution_at")),
            once(cloud, cloud) or None,
            once(region, region) or None,
            row.get("record_count"),
            row.get("namespace_count"),
            row.get("size_bytes"),
            moment(row.get("source_index_deleted_at")),
        )
        known = self._backups.setdefault(found.backup_id, found)
        return known if known == found else found

    def schedule(self, row: ScheduleRow) -> Schedule:
        """Make a schedule."""
        days = row.get("retention_expire_after_days")
        told = row.get("next_scheduled_run")
        next_run = moment(_text(told))
        return Schedule(
            schedule_id=row["schedule_id"],
            name=row.get("name"),
            index_id=row.get("index_id") or None,
            project_id=row.get("project_id") or None,
            frequency=row.get("frequency"),
            retention=timedelta(days=days) if days is not None and 0 <= days <= _MOST_DAYS else None,
            enabled=row.get("enabled"),
            next_run=next_run,
            created_at=moment(row.get("created_at")),
            next_run_unreadable=next_run is None and told not in (None, ""),
        )

    def index(self, row: IndexRow) -> Index:
        """Make an index, of the older shape or of the newer one."""
        deployment, place = _deployment(row)
        state = _mapping(row.get("status")).get("state")
        tags = _mapping(row.get("tags"))
        return Index(
            name=row["name"],
            deployment=deployment,
            cloud=_text(place.get("cloud")),
            region=_text(place.get("region")),
            state=_text(state),
            deletion_protection=_PROTECTION.get(str(row.get("deletion_protection")).casefold()),
            tags={key: value for key, value in tags.items() if isinstance(value, str)},
            holds_documents=_holds_documents(row, place),
            cmek_id=_text(row.get("cmek_id")) or _text(place.get("cmek_id")),
        )


_MOST_DAYS = 366_000


def moment(text: str | None) -> datetime | None:
    """Read a moment; one that cannot be read is not known."""
    if not text:
        return None
    try:
        return parse_moment(text)
    except (ValueError, OverflowError):
        return None


def _deployment(row: IndexRow) -> tuple[Deployment, Mapping[str, Any]]:
    place = _mapping(row.get("deployment"))
    if place:
        return _DEPLOYMENTS.get(str(place.get("deployment_type")).casefold(), Deployment.UNKNOWN), place
    for kind, inner in _mapping(row.get("spec")).items():
        if inner is not None and kind in _DEPLOYMENTS:
            return _DEPLOYMENTS[kind], _mapping(inner)
    return Deployment.UNKNOWN, {}


def _holds_documents(row: IndexRow, place: Mapping[str, Any]) -> bool:
    for schema in (row.get("schema"), place.get("schema")):
        for field in _mapping(_mapping(schema).get("fields")).values():
            traits = _mapping(field)
            if traits.get("type") == "semantic_text" or any(traits.get(it) is not None for it in _DOCUMENT_TRAITS):
                return True
    return False


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
