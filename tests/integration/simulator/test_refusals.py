"""Test what the simulator refuses, with which messages and in which order."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backup_auditor_simulator.model import IndexKind
from backup_auditor_simulator.options import CustomerKeySupport, SimulatorOptions
from backup_auditor_simulator.web.server import Server
from support.simulator import NEW_VERSION, build_empty_project, open_plain_client, serve

SCHEDULE_BODY = {
    "name": "nightly",
    "schedule": {"type": "time-based", "frequency": "daily"},
    "retention": {"expire_after_days": 30},
}


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a project with a serverless and a pod index."""
    project = build_empty_project()
    project.create_index("orders")
    project.create_index("sessions", kind=IndexKind.POD, environment="us-east1-gcp")
    with serve(project) as running_server:
        yield running_server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """Open a client of the newest version."""
    with open_plain_client(server) as plain_client:
        yield plain_client


def _read_error(response: httpx.Response) -> tuple[int, str, str]:
    content = response.json()
    assert content["status"] == response.status_code
    return response.status_code, content["error"]["code"], content["error"]["message"]


@pytest.mark.parametrize(
    "path,missing_resource",
    [
        pytest.param("/indexes/nothing", "Index nothing", id="index"),
        pytest.param("/indexes/nothing/backups", "Index nothing", id="backups-of-index"),
        pytest.param("/indexes/nothing/backup-schedules", "Index nothing", id="schedules-of-index"),
        pytest.param("/backups/nothing", "Backup nothing", id="backup"),
        pytest.param("/backup-schedules/nothing", "Backup schedule", id="schedule"),
        pytest.param("/backup-schedules/nothing/history", "Backup schedule", id="history"),
        pytest.param("/restore-jobs/nothing", "Restore job nothing", id="restore-job"),
        pytest.param("/backup-schedules", "Resource /backup-schedules", id="unknown-call"),
        pytest.param("/", "Resource /", id="root"),
    ],
)
def test_a_missing_resource_is_not_found(client: httpx.Client, path: str, missing_resource: str) -> None:
    """A missing resource returns 404 as JSON."""
    assert _read_error(client.get(path)) == (404, "NOT_FOUND", f"{missing_resource} not found.")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("call", ["backups", "backup-schedules"])
def test_pods_have_no_backups(client: httpx.Client, method: str, call: str) -> None:
    """Reads and writes of a pod's backups and schedules return 400."""
    body = {} if call == "backups" else SCHEDULE_BODY
    response = client.request(method, f"/indexes/sessions/{call}", json=body if method == "POST" else None)
    assert _read_error(response)[:2] == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "change,status",
    [
        pytest.param({"name": None}, 422, id="no-name"),
        pytest.param({"name": 7}, 422, id="name-is-not-text"),
        pytest.param({"schedule": {"type": "time-based"}}, 422, id="no-frequency"),
        pytest.param({"schedule": {"type": "cron", "frequency": "daily"}}, 400, id="another-type"),
        pytest.param({"schedule": {"type": "time-based", "frequency": "hourly"}}, 400, id="another-frequency"),
        pytest.param({"retention": {"expire_after_days": "9"}}, 422, id="days-are-not-a-number"),
        pytest.param({"retention": {"expire_after_days": True}}, 422, id="days-are-a-boolean"),
        pytest.param({"retention": {"expire_after_days": 0}}, 400, id="zero-days"),
        pytest.param({"retention": {"expire_after_days": 10**12}}, 400, id="too-many-days"),
        pytest.param({"enabled": True}, 400, id="unknown-key"),
        pytest.param({"retention": {"expire_after_days": 9, "forever": False}}, 400, id="unknown-inner-key"),
    ],
)
def test_an_invalid_schedule_is_refused(
    client: httpx.Client, server: Server, change: dict[str, Any], status: int
) -> None:
    """A body with an invalid structure returns 422, and one with invalid values returns 400."""
    assert client.post("/indexes/orders/backup-schedules", json=SCHEDULE_BODY | change).status_code == status
    assert server.project.schedules == {}


@pytest.mark.parametrize("content", [b"{", b"[]", b"7", b"\xff"])
def test_a_body_that_is_not_an_object_is_refused(client: httpx.Client, content: bytes) -> None:
    """A body that is not a JSON object returns 422."""
    assert client.post("/indexes/orders/backups", content=content).status_code == 422


@pytest.mark.parametrize("name", ["", "-x", "x-", "Upper", "a" * 46, "under_score"])
def test_a_backup_with_an_invalid_name_is_refused(client: httpx.Client, name: str) -> None:
    """A backup with an invalid name returns 400."""
    assert client.post("/indexes/orders/backups", json={"name": name}).status_code == 400


def test_the_plan_is_checked_before_the_index(client: httpx.Client, server: Server) -> None:
    """A plan without schedules returns 403, even for a missing index."""
    server.project.options = SimulatorOptions(plan="builder", plan_denies_listings=True)
    for path in ("/indexes/nothing/backup-schedules", "/backup-schedules/nothing"):
        status, code, message = _read_error(client.get(path))
        assert (status, code) == (403, "PERMISSION_DENIED")
        assert "plan" in message
    assert _read_error(client.post("/indexes/orders/backups", json={}))[0] == 403
    assert client.get("/backups").status_code == 200


def test_a_plan_without_schedules_refuses_creation_and_resumption(client: httpx.Client, server: Server) -> None:
    """A plan without schedules allows listings, histories, other changes and deletions."""
    schedule = server.project.create_schedule("orders", "nightly").id
    server.project.options = SimulatorOptions(plan="builder")
    new_body = SCHEDULE_BODY
    assert _read_error(client.post("/indexes/orders/backup-schedules", json=new_body))[0] == 403
    for path in ("/indexes/orders/backup-schedules", f"/backup-schedules/{schedule}/history"):
        assert client.get(path).status_code == 200
    assert client.patch(f"/backup-schedules/{schedule}", json={"enabled": False}).status_code == 200
    assert _read_error(client.patch(f"/backup-schedules/{schedule}", json={"enabled": True}))[0] == 403
    assert client.delete(f"/backup-schedules/{schedule}").status_code == 204


@pytest.mark.parametrize("keys, listing", [(CustomerKeySupport.NONE, 400), (CustomerKeySupport.LISTING_ONLY, 200)])
def test_an_encrypted_index_has_no_backups(
    client: httpx.Client, server: Server, keys: CustomerKeySupport, listing: int
) -> None:
    """The creation of a backup returns 400, and the listings return 400 or are empty."""
    server.project.options.customer_key_support = keys
    server.project.create_index("secrets", cmek_id="key-1")
    assert client.post("/indexes/secrets/backups", json={}).status_code == 400
    for path in ("/indexes/secrets/backups", "/indexes/secrets/backup-schedules"):
        assert client.get(path).status_code == listing
    assert client.get("/indexes/secrets").json()["cmek_id"] == "key-1"


def test_an_index_is_initializing_then_ready_then_terminating(client: httpx.Client, server: Server) -> None:
    """The options set the duration of the creation and the deletion of an index."""
    server.project.options.index_creation_duration = server.project.options.index_deletion_duration = timedelta(
        minutes=5
    )
    server.project.create_index("slow")

    def state() -> object:
        response = client.get("/indexes/slow")
        return response.json()["status"]["state"] if response.status_code == 200 else response.status_code

    states = [state()]
    server.project.advance(timedelta(minutes=5))
    states.append(state())
    assert client.delete("/indexes/slow").status_code == 202
    states.append(state())
    assert client.post("/indexes/slow/backups", json={}).status_code == 412
    server.project.advance(timedelta(minutes=5))
    states.append(state())
    assert states == ["Initializing", "Ready", "Terminating", 404]


def test_a_viewer_key_cannot_write(server: Server) -> None:
    """Each refused write names the missing permission."""
    with open_plain_client(server, key=server.viewer_key) as viewer:
        for method, path, permission in (
            ("POST", "/indexes", "control::indexes::create"),
            ("DELETE", "/indexes/orders", "control::indexes::delete"),
            ("POST", "/indexes/orders/backups", "control::backups::create"),
            ("POST", "/indexes/orders/backup-schedules", "control::backup-schedules::create"),
            ("PATCH", "/backup-schedules/x", "control::backup-schedules::update"),
            ("DELETE", "/backups/x", "control::backups::delete"),
        ):
            message = f"Access denied: Permission {permission} is required"
            assert _read_error(viewer.request(method, path)) == (403, "PERMISSION_DENIED", message)
    assert list(server.project.indexes) == ["orders", "sessions"]


def test_a_full_project_is_refused_by_its_quota(client: httpx.Client, server: Server) -> None:
    """The refusal by the quota has its own code and message."""
    server.project.options.backup_quota = 1
    assert client.post("/indexes/orders/backups", json={}).status_code == 200
    message = "Increase your quota or upgrade to create more backups."
    assert _read_error(client.post("/indexes/orders/backups", json={})) == (403, "FORBIDDEN", message)


def test_an_index_is_created_only_from_a_ready_backup(client: httpx.Client, server: Server) -> None:
    """A backup that is not ready returns 412, and a name in use returns 409."""
    backup_id = client.post("/indexes/orders/backups", json={}).json()["backup_id"]
    path = f"/backups/{backup_id}/create-index"
    assert _read_error(client.post(path, json={"name": "copy"}))[:2] == (412, "FAILED_PRECONDITION")
    server.project.advance(timedelta(hours=1))
    assert _read_error(client.post(path, json={"name": "orders"}))[:2] == (409, "ALREADY_EXISTS")
    response = client.post(path, json={"name": "copy"})
    assert response.status_code == 202
    assert response.json().keys() == {"restore_job_id", "index_id"}


def test_the_backups_of_a_deleted_index_are_listed_only_with_include_deleted(
    client: httpx.Client, server: Server
) -> None:
    """The listing of a deleted index returns 404 without `include_deleted`, and that of an unknown index always."""
    client.post("/indexes/orders/backups", json={})
    client.delete("/indexes/orders")
    assert client.get("/indexes/orders/backups").status_code == 404
    deleted_query = {"include_deleted": "true"}
    assert len(client.get("/indexes/orders/backups", params=deleted_query).json()["data"]) == 1
    assert client.get("/indexes/nothing/backups", params=deleted_query).status_code == 404
    assert client.get("/indexes/orders/backups", params={"include_deleted": "yes"}).status_code == 400
    with open_plain_client(server, version="2026-04") as old_client:
        assert old_client.get("/indexes/orders/backups", params=deleted_query).status_code == 400


def test_an_older_version_creates_an_index_by_its_spec(server: Server) -> None:
    """The newest version reads an index that an older version created."""
    body = {"name": "old", "dimension": 8, "metric": "euclidean", "spec": {"byoc": {"environment": "aws-us-east-1-b9"}}}
    with (
        open_plain_client(server, version="2025-10") as old_client,
        open_plain_client(server, version=NEW_VERSION) as new_client,
    ):
        assert old_client.post("/indexes", json=body).status_code == 201
        assert old_client.post("/indexes", json=body).status_code == 409
        assert old_client.post("/indexes", json={"name": "x", "spec": {}}).status_code == 400
        assert new_client.get("/indexes/old").json()["deployment"] == {
            "deployment_type": "byoc",
            "environment": "aws-us-east-1-b9",
        }
    assert (server.project.get_index("old").cloud, server.project.get_index("old").region) == ("aws", "us-east-1")
