"""How rows of every API version become facts."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backup_auditor.adapters.pinecone.rows import SCHEDULE, BackupRow, RowMapper, ScheduleRow, parse_row
from backup_auditor.domain.model import Backup, Deployment, Index, Schedule

MOMENT = datetime(2026, 11, 20, 6, tzinfo=UTC)
ROW: BackupRow = {
    "backup_id": "b-1",
    "source_index_id": "i-1",
    "source_index_name": "orders",
    "status": "Ready",
    "name": "nightly-20261120T060000Z",
    "created_at": "2026-11-19T06:00:00.244Z",
    "scheduled_execution_at": "2026-11-20T06:00:00+00:00",
    "cloud": "aws",
    "region": "us-east-1",
    "record_count": 5,
    "namespace_count": 0,
    "size_bytes": 10**12,
    "source_index_deleted_at": "2026-11-20 07:00:00Z",
}


def map_index(**row: Any) -> Index:
    """Return the index of a row."""
    raw_row: Any = {"name": "orders", **row}
    return RowMapper().map_index(raw_row)


def test_a_backup_keeps_all_its_fields() -> None:
    """Every field has its attribute, and times are in UTC."""
    assert RowMapper().map_backup(ROW) == Backup(
        backup_id="b-1",
        index_id="i-1",
        index_name="orders",
        status="Ready",
        name="nightly-20261120T060000Z",
        created_at=MOMENT - timedelta(days=1) + timedelta(milliseconds=244),
        scheduled_for=MOMENT,
        cloud="aws",
        region="us-east-1",
        record_count=5,
        namespace_count=0,
        size_bytes=10**12,
        index_deleted_at=MOMENT + timedelta(hours=1),
    )


def test_a_backup_may_lack_most_fields() -> None:
    """Absent fields are unknown, and an unknown status is kept."""
    minimal_backup = RowMapper().map_backup(
        {"backup_id": "b-1", "source_index_id": "i-1", "source_index_name": "orders", "status": "Archiving"}
    )
    assert minimal_backup == Backup("b-1", "i-1", "orders", "Archiving")


@pytest.mark.parametrize("text", ["", "soon", "2026-13-40T00:00:00Z", "0001-01-01T00:00:00+14:00", None])
def test_an_invalid_time_is_unknown(text: str | None) -> None:
    """The row is kept without the time."""
    assert RowMapper().map_backup({**ROW, "created_at": text}).created_at is None


def test_the_same_row_of_two_listings_is_one_object() -> None:
    """A hundred thousand backups are in memory once, with their histories and second reads."""
    mapper = RowMapper()
    first_backup, same_backup = mapper.map_backup(ROW), mapper.map_backup({**ROW})
    assert same_backup is first_backup


def test_different_rows_of_a_backup_share_equal_values() -> None:
    """A history has more fields of a run than the listing; equal values are shared."""
    mapper = RowMapper()
    first_backup, other_backup = mapper.map_backup(ROW), mapper.map_backup({**ROW, "status": "Initializing"})
    assert other_backup.status == "Initializing"
    assert other_backup.created_at is first_backup.created_at
    assert other_backup.backup_id is first_backup.backup_id


def test_a_schedule_keeps_all_its_fields() -> None:
    """The retention becomes a `timedelta`."""
    row: ScheduleRow = {
        "schedule_id": "s-1",
        "name": "nightly",
        "index_id": "i-1",
        "project_id": "p-1",
        "frequency": "daily",
        "retention_expire_after_days": 35,
        "enabled": True,
        "next_scheduled_run": "2026-11-20T06:00:00Z",
        "created_at": "2026-11-20T06:00:00Z",
    }
    assert RowMapper().map_schedule(row) == Schedule(
        "s-1", "nightly", "i-1", "p-1", "daily", timedelta(days=35), enabled=True, next_run=MOMENT, created_at=MOMENT
    )


@pytest.mark.parametrize(
    "next_run, is_unreadable",
    [
        pytest.param({"next_scheduled_run": None}, False, id="null"),
        pytest.param({}, False, id="absent"),
        pytest.param({"next_scheduled_run": ""}, False, id="empty"),
        pytest.param({"next_scheduled_run": "2026-11-20T06:00:00Z"}, False, id="moment"),
        pytest.param({"next_scheduled_run": "tomorrow"}, True, id="words"),
        pytest.param({"next_scheduled_run": 1_795_154_400}, True, id="number"),
        pytest.param({"next_scheduled_run": {"at": "06:00"}}, True, id="object"),
    ],
)
def test_an_invalid_next_run_differs_from_no_next_run(next_run: dict[str, Any], is_unreadable: bool) -> None:
    """A schedule without a next run is a finding; an invalid next run is unknown."""
    row = parse_row(json.dumps({"schedule_id": "s-1", **next_run}).encode(), SCHEDULE)
    assert RowMapper().map_schedule(row).next_run_unreadable is is_unreadable


@pytest.mark.parametrize("days", [-1, 10**12, None])
def test_an_impossible_retention_is_unknown(days: int | None) -> None:
    """A very large number does not break the audit."""
    assert RowMapper().map_schedule({"schedule_id": "s-1", "retention_expire_after_days": days}).retention is None


@pytest.mark.parametrize(
    "row, expected",
    [
        pytest.param({"spec": {"serverless": {"cloud": "aws", "region": "r"}}}, Deployment.SERVERLESS, id="serverless"),
        pytest.param({"spec": {"pod": {"environment": "e"}}}, Deployment.POD, id="pod"),
        pytest.param({"spec": {"byoc": {"environment": "e"}}}, Deployment.BYOC, id="byoc"),
        pytest.param({"spec": {"serverless": None, "pod": {}}}, Deployment.POD, id="null-beside-pod"),
        pytest.param({"deployment": {"deployment_type": "managed"}}, Deployment.SERVERLESS, id="managed"),
        pytest.param({"deployment": {"deployment_type": "pod"}}, Deployment.POD, id="new-pod"),
        pytest.param({"deployment": {"deployment_type": "byoc"}}, Deployment.BYOC, id="new-byoc"),
        pytest.param({"deployment": {"deployment_type": "orbital"}}, Deployment.UNKNOWN, id="unknown"),
        pytest.param({"spec": {"orbital": {}}}, Deployment.UNKNOWN, id="old-unknown"),
        pytest.param({"spec": 7, "deployment": []}, Deployment.UNKNOWN, id="garbage"),
        pytest.param({}, Deployment.UNKNOWN, id="absent"),
    ],
)
def test_the_deployment_of_an_index_is_read_in_both_formats(row: dict[str, Any], expected: Deployment) -> None:
    """Until 2026-04 it is in `spec`, since 2026-07 in `deployment`; an unknown one may have backups."""
    assert map_index(**row).deployment is expected


@pytest.mark.parametrize(
    "row, expected",
    [
        pytest.param({"schema": {"fields": {"body": {"type": "semantic_text"}}}}, True, id="semantic-text"),
        pytest.param({"schema": {"fields": {"body": {"full_text_search": {}}}}}, True, id="full-text"),
        pytest.param({"schema": {"fields": {"v": {"type": "dense_vector"}}}}, False, id="vectors"),
        pytest.param({"schema": {"fields": {"year": {"filterable": True}}}}, False, id="metadata"),
        pytest.param({"spec": {"serverless": {"schema": {"fields": {"a": {"filterable": True}}}}}}, False, id="old"),
        pytest.param({"schema": {"fields": {"body": {"full_text_search": None}}}}, False, id="null"),
        pytest.param({"schema": "none"}, False, id="garbage"),
        pytest.param({}, False, id="absent"),
    ],
)
def test_the_fields_of_an_index_show_whether_it_is_a_document_index(row: dict[str, Any], expected: bool) -> None:
    """Full-text and semantic-text fields make a document index."""
    assert map_index(**row).holds_documents is expected


def test_an_index_keeps_its_location_state_protection_and_tags() -> None:
    """Tags whose value is not a text are left out."""
    mapped_index = map_index(
        deployment={"deployment_type": "managed", "cloud": "gcp", "region": "us-central1"},
        status={"ready": True, "state": "Ready"},
        deletion_protection="enabled",
        tags={"env": "prod", "odd": 7},
    )
    assert mapped_index == Index(
        "orders", Deployment.SERVERLESS, "gcp", "us-central1", "Ready", deletion_protection=True, tags={"env": "prod"}
    )


@pytest.mark.parametrize("value, expected", [("b-1", "b-1"), ("", None), (None, None), (7, None)])
def test_a_restored_index_names_its_backup(value: object, expected: str | None) -> None:
    """Only the newest API version has this key; a value that is no text is unknown."""
    assert map_index(source_backup_id=value).source_backup_id == expected
    assert map_index().source_backup_id is None


@pytest.mark.parametrize(
    "value, expected",
    [("enabled", True), ("disabled", False), ("Enabled", True), ("pending", None), (None, None), (7, None)],
)
def test_deletion_protection_may_be_unknown(value: object, expected: bool | None) -> None:
    """Only a known word says whether the protection is enabled."""
    assert map_index(deletion_protection=value).deletion_protection is expected


@pytest.mark.parametrize(
    "row, cmek_id",
    [
        pytest.param({}, None, id="absent"),
        pytest.param({"cmek_id": None}, None, id="null"),
        pytest.param({"cmek_id": ""}, None, id="empty"),
        pytest.param({"cmek_id": 7}, None, id="number"),
        pytest.param({"cmek_id": "key-1", "deployment": {"deployment_type": "managed"}}, "key-1", id="2026-07"),
        pytest.param({"spec": {"serverless": {"cmek_id": "key-1"}}}, "key-1", id="in-the-older-placement"),
    ],
)
def test_the_customer_key_of_an_index_is_read(row: dict[str, Any], cmek_id: str | None) -> None:
    """An index names the key that encrypts it, or none."""
    assert map_index(**row).cmek_id == cmek_id


@pytest.mark.parametrize(
    "state, is_initializing, is_terminating",
    [
        ("Initializing", True, False),
        ("INITIALIZING", True, False),
        ("Terminating", False, True),
        ("terminating", False, True),
        ("Ready", False, False),
        ("InitializationFailed", False, False),
        ("ScalingUp", False, False),
        ("Disabled", False, False),
        (None, False, False),
    ],
)
def test_the_state_of_an_index_is_compared_without_case(
    state: str | None, is_initializing: bool, is_terminating: bool
) -> None:
    """Only two states exclude an index or some of its controls."""
    index = map_index(status={"ready": False, "state": state})
    assert (index.is_initializing, index.is_terminating) == (is_initializing, is_terminating)
