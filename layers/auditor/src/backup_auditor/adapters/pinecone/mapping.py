"""Map rows of Pinecone's responses to facts, and keep each text and each fact in memory once."""

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
    """Maps rows to facts. Safe to use from many threads, because it only adds to what it stores."""

    def __init__(self) -> None:
        """Start without stored facts."""
        self._texts: dict[str, str] = {}
        self._backups: dict[str, Backup] = {}

    def map_backup(self, row: BackupRow) -> Backup:
        """Return the backup of a row. Equal rows of several listings or reads become one object."""
        intern_text = self._texts.setdefault
        previous = self._backups.get(row["backup_id"])
        name, created_at = row.get("name"), parse_optional_moment(row.get("created_at"))
        if previous is not None:
            name = previous.name if previous.name == name else name
            created_at = previous.created_at if previous.created_at == created_at else created_at
        index_id, index_name, status = row["source_index_id"], row["source_index_name"], row["status"]
        cloud, region = row.get("cloud") or "", row.get("region") or ""
        backup = Backup(
            row["backup_id"] if previous is None else previous.backup_id,
            intern_text(index_id, index_id),
            intern_text(index_name, index_name),
            intern_text(status, status),
            name,
            created_at,
            parse_optional_moment(row.get("scheduled_execution_at")),
            intern_text(cloud, cloud) or None,
            intern_text(region, region) or None,
            row.get("record_count"),
            row.get("namespace_count"),
            row.get("size_bytes"),
            parse_optional_moment(row.get("source_index_deleted_at")),
        )
        previous = self._backups.setdefault(backup.backup_id, backup)
        return previous if previous == backup else backup

    def map_schedule(self, row: ScheduleRow) -> Schedule:
        """Return the schedule of a row."""
        days = row.get("retention_expire_after_days")
        next_run_value = row.get("next_scheduled_run")
        next_run = parse_optional_moment(_to_text(next_run_value))
        return Schedule(
            schedule_id=row["schedule_id"],
            name=row.get("name"),
            index_id=row.get("index_id") or None,
            project_id=row.get("project_id") or None,
            frequency=row.get("frequency"),
            retention=timedelta(days=days) if days is not None and 0 <= days <= _MAX_DAYS else None,
            enabled=row.get("enabled"),
            next_run=next_run,
            created_at=parse_optional_moment(row.get("created_at")),
            next_run_unreadable=next_run is None and next_run_value not in (None, ""),
        )

    def map_index(self, row: IndexRow) -> Index:
        """Return the index of a row, in the older or the newer format."""
        deployment, location = _read_deployment(row)
        state = _to_mapping(row.get("status")).get("state")
        tags = _to_mapping(row.get("tags"))
        return Index(
            name=row["name"],
            deployment=deployment,
            cloud=_to_text(location.get("cloud")),
            region=_to_text(location.get("region")),
            state=_to_text(state),
            deletion_protection=_PROTECTION.get(str(row.get("deletion_protection")).casefold()),
            tags={key: value for key, value in tags.items() if isinstance(value, str)},
            holds_documents=_holds_documents(row, location),
            cmek_id=_to_text(row.get("cmek_id")) or _to_text(location.get("cmek_id")),
        )


_MAX_DAYS = 366_000


def parse_optional_moment(text: str | None) -> datetime | None:
    """Return a time; `None` if it is absent or cannot be parsed."""
    if not text:
        return None
    try:
        return parse_moment(text)
    except (ValueError, OverflowError):
        return None


def _read_deployment(row: IndexRow) -> tuple[Deployment, Mapping[str, Any]]:
    location = _to_mapping(row.get("deployment"))
    if location:
        return _DEPLOYMENTS.get(str(location.get("deployment_type")).casefold(), Deployment.UNKNOWN), location
    for kind, kind_fields in _to_mapping(row.get("spec")).items():
        if kind_fields is not None and kind in _DEPLOYMENTS:
            return _DEPLOYMENTS[kind], _to_mapping(kind_fields)
    return Deployment.UNKNOWN, {}


def _holds_documents(row: IndexRow, location: Mapping[str, Any]) -> bool:
    for schema in (row.get("schema"), location.get("schema")):
        for field in _to_mapping(_to_mapping(schema).get("fields")).values():
            traits = _to_mapping(field)
            if traits.get("type") == "semantic_text" or any(traits.get(it) is not None for it in _DOCUMENT_TRAITS):
                return True
    return False


def _to_mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _to_text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
