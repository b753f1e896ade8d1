"""Restores: an index made anew from a backup, and the job that fills it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.adapters.pinecone import schemas
from backup_auditor.adapters.pinecone.client import PineconeClient
from backup_auditor.adapters.pinecone.mapping import parse_optional_moment
from backup_auditor.adapters.pinecone.pagination import Page, build_page_target, read_pages
from backup_auditor.adapters.pinecone.schemas import parse_page
from backup_auditor.domain.listing import ListingRead


@dataclass(frozen=True, slots=True)
class RestoreJob:
    """The filling of a new index from a backup."""

    restore_job_id: str
    backup_id: str
    status: str
    index_name: str | None
    index_id: str | None
    created_at: datetime | None
    completed_at: datetime | None
    percent_complete: float | None


@dataclass(frozen=True, slots=True)
class Restore:
    """A restore that has begun: its job, and the id of the new index."""

    restore_job_id: str
    index_id: str | None


def map_restore_job(row: schemas.RestoreJobRow) -> RestoreJob:
    """Make a restore job of a row."""
    return RestoreJob(
        restore_job_id=row["restore_job_id"],
        backup_id=row["backup_id"],
        status=row["status"],
        index_name=row.get("target_index_name"),
        index_id=row.get("target_index_id"),
        created_at=parse_optional_moment(row.get("created_at")),
        completed_at=parse_optional_moment(row.get("completed_at")),
        percent_complete=row.get("percent_complete"),
    )


def read_restore_job_listing(client: PineconeClient, version: str) -> ListingRead[RestoreJob]:
    """Walk the restore jobs of the project. The listing may omit some: absence from it proves nothing."""
    path = "/restore-jobs"

    def fetch(token: str | None) -> Page[RestoreJob]:
        body = client.read(build_page_target(path, token), version)
        raw_page = parse_page(body, schemas.RESTORE_JOB_PAGE, schemas.RESTORE_JOB)
        return Page([map_restore_job(row) for row in raw_page.rows], raw_page.token, raw_page.fault)

    return read_pages(f"GET {path}", fetch, _index_by_id)


def _index_by_id(jobs: Iterable[RestoreJob]) -> Mapping[str, RestoreJob]:
    return {it.restore_job_id: it for it in jobs}
