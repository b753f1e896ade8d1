"""The record of a restore drill as every store has it: a JSON text, and the columns that audits read."""

from functools import cache
from typing import TYPE_CHECKING

from backup_auditor.adapters.records import DRILLS, StoredRow, to_ticks
from backup_auditor.domain.drills.drill import DrillRecord, build_known_drill

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def encode_drill(record: DrillRecord) -> bytes:
    """Return a record as JSON. Raises `TypeError` for a time without a zone."""
    _require_zones(record)
    return _make_adapter().dump_json(record)


def decode_drill(text: str | bytes, project: str, number: int, revision: int) -> DrillRecord:
    """Return the record of a JSON text. Raises `ValueError` if it is not the record under which it is stored."""
    try:
        record = _make_adapter().validate_json(text, strict=True)
        _require_zones(record)
    except (ValueError, TypeError):  # the message of pydantic has several lines
        raise ValueError(f"the record of drill {number} of {project} is invalid") from None
    if (record.project, record.number, record.revision) != (project, number, revision):
        raise ValueError(f"the record of drill {number} of {project} is another one")
    return record


def encode_known_drill(record: DrillRecord) -> StoredRow:
    """Return the values of the columns that audits read."""
    return DRILLS.encode(build_known_drill(record))


@cache
def _make_adapter() -> "TypeAdapter[DrillRecord]":
    from pydantic import TypeAdapter  # noqa: PLC0415  only to read and write whole records

    return TypeAdapter(DrillRecord)


def _require_zones(record: DrillRecord) -> None:
    job = record.job
    for moment in (
        record.point.captured_at,
        record.chosen_at,
        record.requested_at,
        record.restored_at,
        record.verified_at,
        record.unready_at,
        record.deletion_requested_at,
        record.deleted_at,
        record.published_at,
        None if job is None else job.created_at,
        None if job is None else job.completed_at,
    ):
        to_ticks(moment)
