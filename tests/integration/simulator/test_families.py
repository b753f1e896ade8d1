"""The same project in the shapes of every version."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from backup_auditor_simulator.model import IndexKind, RunOutcome
from backup_auditor_simulator.options import PausedNextRun, SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server
from support.simulator import (
    NEW_VERSION,
    OLD_VERSION,
    SIMULATED_NOW,
    UNSTABLE_VERSION,
    build_empty_project,
    open_plain_client,
    serve,
)

DAY = timedelta(days=1)
DATED_VERSIONS = ("2025-04", OLD_VERSION, "2026-04")
ALL_VERSIONS = (*DATED_VERSIONS, UNSTABLE_VERSION, NEW_VERSION)


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a project with an index of every kind, and a schedule that ran twice and failed once."""
    project = build_empty_project(SIMULATED_NOW - 3 * DAY - timedelta(hours=1))
    project.create_index("orders", tags={"env": "prod"})
    project.create_index("images", kind=IndexKind.BYOC, environment="gcp-us-central1-b921")
    project.create_index("sessions", kind=IndexKind.POD, environment="us-east1-gcp")
    project.script_runs(project.create_schedule("orders", "nightly"), [RunOutcome.SUCCEEDED, RunOutcome.FAILED])
    project.advance_to(SIMULATED_NOW)
    with serve(project) as running_server:
        yield running_server


def _request(server: Server, version: str | None, path: str, **query: str | int) -> httpx.Response:
    with open_plain_client(server, version=version) as client:
        return client.get(path, params=query)


def _find_schedule_id(server: Server) -> str:
    return next(iter(server.project.schedules))


def _list_statuses(server: Server, version: str, path: str) -> list[str]:
    return [it["status"] for it in _request(server, version, path).json()["data"]]


@pytest.mark.parametrize("version", [*DATED_VERSIONS, UNSTABLE_VERSION, None])
def test_older_versions_place_an_index_by_its_spec(server: Server, version: str | None) -> None:
    """Older versions have dimension and metric; a request without a version gets the oldest."""
    rows = {it["name"]: it for it in _request(server, version, "/indexes").json()["indexes"]}
    assert {name: list(row["spec"]) for name, row in rows.items()} == {
        "orders": ["serverless"],
        "images": ["byoc"],
        "sessions": ["pod"],
    }
    assert (rows["orders"]["dimension"], rows["orders"]["metric"]) == (1536, "cosine")
    assert "deployment" not in rows["orders"]


def test_the_newest_version_places_an_index_by_its_deployment(server: Server) -> None:
    """In the newest version, only the schema of an index has dimension and metric."""
    rows = {it["name"]: it for it in _request(server, NEW_VERSION, "/indexes").json()["indexes"]}
    assert {name: row["deployment"]["deployment_type"] for name, row in rows.items()} == {
        "orders": "managed",
        "images": "byoc",
        "sessions": "pod",
    }
    assert not {"spec", "dimension", "metric"} & rows["orders"].keys()


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_no_version_has_an_id_or_a_creation_time_of_an_index(server: Server, version: str) -> None:
    """The id of an index is known only from schedules and backups."""
    for row in _request(server, version, "/indexes").json()["indexes"]:
        assert not {"id", "index_id", "created_at"} & row.keys()


@pytest.mark.parametrize(
    "version,failed_status",
    [pytest.param(OLD_VERSION, "Failed", id="old"), pytest.param(NEW_VERSION, "InitializationFailed", id="new")],
)
def test_a_failed_backup_is_spelled_by_its_family(server: Server, version: str, failed_status: str) -> None:
    """Each family has its own status of a failed backup; the listing is newest first."""
    assert _list_statuses(server, version, "/backups") == ["Ready", failed_status, "Ready"]


def test_a_planned_run_is_scheduled_or_initializing(server: Server) -> None:
    """Only a run that is shown as scheduled has the moment of its execution."""
    path = f"/backup-schedules/{_find_schedule_id(server)}/history"
    old_row = _request(server, UNSTABLE_VERSION, path).json()["data"][0]
    new_row = _request(server, NEW_VERSION, path).json()["data"][0]
    assert (old_row["status"], new_row["status"]) == ("Scheduled", "Initializing")
    assert "scheduled_execution_at" in old_row
    assert "scheduled_execution_at" not in new_row
    assert old_row["name"] == new_row["name"] == f"nightly-{SIMULATED_NOW + DAY - timedelta(hours=1):%Y%m%dT%H%M%SZ}"
    assert (new_row["record_count"], new_row["size_bytes"]) == (None, None)


@pytest.mark.parametrize("version", ALL_VERSIONS)
def test_planned_runs_can_be_in_the_listing(server: Server, version: str) -> None:
    """An option decides whether the listing has planned runs."""
    assert len(_list_statuses(server, version, "/backups")) == 3
    server.project.options.lists_scheduled_runs = True
    server.project.record_change()
    assert len(_list_statuses(server, version, "/backups")) == 4


@pytest.mark.parametrize("version", DATED_VERSIONS)
def test_dated_versions_before_the_newest_know_no_schedules(server: Server, version: str) -> None:
    """Older dated versions answer every call about schedules with 404."""
    for path in ("/indexes/orders/backup-schedules", f"/backup-schedules/{_find_schedule_id(server)}/history"):
        assert _request(server, version, path).status_code == 404


def test_schedules_read_alike_where_they_are_known(server: Server) -> None:
    """Versions with schedules differ only in the notation of moments."""
    old_row, new_row = (
        _request(server, it, "/indexes/orders/backup-schedules").json()["data"][0]
        for it in (UNSTABLE_VERSION, NEW_VERSION)
    )
    assert old_row.keys() == new_row.keys()
    assert {key for key in old_row if old_row[key] != new_row[key]} <= {"created_at", "next_scheduled_run"}
    assert old_row["project_id"] == server.project.project_id
    assert old_row["index_id"] == server.project.get_index("orders").id


@pytest.mark.parametrize(
    "next_run,expected",
    [
        pytest.param(PausedNextRun.NULL, {"next_scheduled_run": None}, id="null"),
        pytest.param(PausedNextRun.ABSENT, {}, id="absent"),
    ],
)
def test_a_paused_schedule_shows_no_next_run(
    server: Server, next_run: PausedNextRun, expected: dict[str, object]
) -> None:
    """The next run of a paused schedule is null or absent."""
    server.project.options.paused_next_run = next_run
    server.project.update_schedule(_find_schedule_id(server), enabled=False)
    row = _request(server, NEW_VERSION, f"/backup-schedules/{_find_schedule_id(server)}").json()
    assert row["enabled"] is False
    assert {key: value for key, value in row.items() if key == "next_scheduled_run"} == expected


def test_a_paused_schedule_can_show_a_stale_next_run(server: Server) -> None:
    """The stale next run is the moment that was planned before the pause."""
    server.project.options.paused_next_run = PausedNextRun.STALE
    server.project.update_schedule(_find_schedule_id(server), enabled=False)
    row = _request(server, NEW_VERSION, f"/backup-schedules/{_find_schedule_id(server)}").json()
    assert row["next_scheduled_run"].startswith(f"{SIMULATED_NOW + DAY - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}")


def test_only_the_newest_version_marks_backups_of_deleted_indexes(server: Server) -> None:
    """The newest version marks them, in the listing of the project only if an option says so."""
    server.project.delete_index("orders")
    assert all("source_index_deleted_at" in it for it in _request(server, NEW_VERSION, "/backups").json()["data"])
    assert not any("source_index_deleted_at" in it for it in _request(server, OLD_VERSION, "/backups").json()["data"])


def test_backups_of_the_newest_version_have_no_dimension(server: Server) -> None:
    """Backups of the newest version have a schema instead."""
    old_row, new_row = (_request(server, it, "/backups").json()["data"][0] for it in (OLD_VERSION, NEW_VERSION))
    assert (old_row["dimension"], old_row["metric"]) == (1536, "cosine")
    assert not {"dimension", "metric"} & new_row.keys()
    assert "schema" in new_row


@pytest.mark.parametrize(
    "version,status",
    [
        pytest.param(OLD_VERSION, 201, id="old"),
        pytest.param(UNSTABLE_VERSION, 201, id="unstable"),
        pytest.param(NEW_VERSION, 200, id="new"),
    ],
)
def test_a_creation_is_answered_as_its_family_has_it(server: Server, version: str, status: int) -> None:
    """A creation is answered with 201 in the older shapes, and with 200 in the newest."""
    with open_plain_client(server, version=version) as client:
        assert client.post("/indexes/orders/backups", json={}).status_code == status


@pytest.mark.parametrize(
    "version,is_json",
    [
        pytest.param(OLD_VERSION, True, id="old"),
        pytest.param(NEW_VERSION, False, id="new"),
        pytest.param(None, True, id="none"),
    ],
)
def test_an_unknown_key_is_refused_in_json_or_plain_text(server: Server, version: str | None, is_json: bool) -> None:
    """The newest version answers with plain text, the others with JSON."""
    with open_plain_client(server, version=version, key="another") as client:
        response = client.get("/indexes")
    assert response.status_code == 401
    assert response.headers["content-type"].startswith("application/json") is is_json


def test_an_unsupported_version_is_refused(server: Server) -> None:
    """An unsupported version is refused with 400, so that a wrong setting is noticed."""
    assert _request(server, "2019-01", "/indexes").status_code == 400


def test_moments_are_written_in_many_ways() -> None:
    """Moments have a fraction or not, and `Z` or an offset; the same field is always written alike."""
    project = SimulatedProject(SIMULATED_NOW - 40 * DAY, options=SimulatorOptions(backup_quota=None))
    project.create_index("orders")
    project.create_schedule("orders", "nightly", retention_days=100)
    project.advance_to(SIMULATED_NOW)
    with serve(project) as server:
        moments = [it["created_at"] for it in _request(server, OLD_VERSION, "/backups", limit=100).json()["data"]]
        assert moments == [
            it["created_at"] for it in _request(server, OLD_VERSION, "/backups", limit=100).json()["data"]
        ]
    assert len({len(it) for it in moments}) > 8
    assert {it[10] for it in moments} == {"T", " "}
    assert {it[-1] for it in moments} == {"Z", "0"}
