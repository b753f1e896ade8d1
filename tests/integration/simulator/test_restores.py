"""Test the calls that restore a backup, describe restore jobs and delete the restored index."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.web.server import Server
from support.simulator import OLD_VERSION, build_empty_project, open_plain_client, serve

RESTORE_DURATION = timedelta(minutes=10)


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a project with one index and its backup."""
    project = build_empty_project()
    project.create_index("orders", records=300, namespaces=3, tags={"env": "prod"})
    project.create_backup("orders")
    project.advance(timedelta(hours=1))
    with serve(project) as running_server:
        yield running_server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """Open a client with the key of drills."""
    with open_plain_client(server, key=server.drill_key) as plain_client:
        yield plain_client


def get_backup_path(server: Server) -> str:
    """Return the path of the only backup."""
    (backup_id,) = server.project.backups
    return f"/backups/{backup_id}"


def restore(server: Server, client: httpx.Client, **members: object) -> httpx.Response:
    """Send the call that restores the backup."""
    return client.post(f"{get_backup_path(server)}/create-index", json={"name": "copy"} | members)


def test_a_restore_is_followed_by_its_job_and_its_index(server: Server, client: httpx.Client) -> None:
    """The answer names job and index; the job has a percentage and an end only when it is complete."""
    ids = restore(server, client, tags={"drill": "7"}).json()
    job_path = f"/restore-jobs/{ids['restore_job_id']}"
    job = client.get(job_path).json()
    assert {key: job[key] for key in ("status", "target_index_name", "target_index_id")} == {
        "status": "Pending",
        "target_index_name": "copy",
        "target_index_id": ids["index_id"],
    }
    assert not {"completed_at", "percent_complete"} & job.keys()
    index = client.get("/indexes/copy").json()
    assert index["status"] == {"ready": False, "state": "Initializing"}
    assert "host" not in index
    server.project.advance(RESTORE_DURATION)
    job = client.get(job_path).json()
    assert (job["status"], job["percent_complete"]) == ("Completed", 100)
    assert job["completed_at"]
    index = client.get("/indexes/copy").json()
    assert index["status"] == {"ready": True, "state": "Ready"}
    assert (index["tags"], index["deletion_protection"]) == ({"drill": "7"}, "disabled")
    assert f"/backups/{index['source_backup_id']}" == get_backup_path(server)


def test_a_failed_restore_has_no_percentage(server: Server, client: httpx.Client) -> None:
    """A failed job has an end and no percentage, and its index is not ready."""
    server.project.damages.append(Damage(kind="failed_restore"))
    job_path = f"/restore-jobs/{restore(server, client).json()['restore_job_id']}"
    server.project.advance(RESTORE_DURATION)
    job = client.get(job_path).json()
    assert job["status"] == "Failed"
    assert job["completed_at"]
    assert "percent_complete" not in job
    assert client.get("/indexes/copy").json()["status"] == {"ready": False, "state": "InitializationFailed"}


def test_only_the_newest_version_names_the_backup_of_an_index(server: Server, client: httpx.Client) -> None:
    """`source_backup_id` is absent in older versions."""
    restore(server, client)
    with open_plain_client(server, version=OLD_VERSION) as old_client:
        assert "source_backup_id" not in old_client.get("/indexes/copy").json()
    assert "source_backup_id" in client.get("/indexes/copy").json()


def test_a_restored_index_is_deleted(server: Server, client: httpx.Client) -> None:
    """The index is terminating and then not found, as its job is; the backup stays."""
    server.project.options.index_deletion_duration = timedelta(minutes=1)
    job_path = f"/restore-jobs/{restore(server, client).json()['restore_job_id']}"
    server.project.advance(RESTORE_DURATION)
    assert client.delete("/indexes/copy").status_code == 202
    assert client.get("/indexes/copy").json()["status"] == {"ready": False, "state": "Terminating"}
    assert client.delete("/indexes/copy").status_code == 202
    assert client.get(job_path).status_code == 200
    server.project.advance(timedelta(minutes=1))
    assert [client.get(it).status_code for it in ("/indexes/copy", job_path, get_backup_path(server))] == [
        404,
        404,
        200,
    ]
    assert client.delete("/indexes/copy").status_code == 404
    assert client.get("/restore-jobs").json()["data"] == []


@pytest.mark.parametrize(
    "members,status",
    [
        pytest.param({"name": None}, 422, id="no-name"),
        pytest.param({"name": "Copy"}, 400, id="invalid-name"),
        pytest.param({"name": "a" * 46}, 400, id="long-name"),
        pytest.param({"name": "orders"}, 409, id="name-in-use"),
        pytest.param({"deletion_protection": "yes"}, 400, id="invalid-protection"),
        pytest.param({"tags": {"drill": 7}}, 422, id="invalid-tag"),
        pytest.param({"region": "eu-west-1"}, 400, id="unknown-field"),
    ],
)
def test_an_invalid_restore_is_refused(
    server: Server, client: httpx.Client, members: dict[str, object], status: int
) -> None:
    """An invalid restore creates neither an index nor a job."""
    assert restore(server, client, **members).status_code == status
    assert (list(server.project.indexes), server.project.restore_jobs) == (["orders"], {})


def test_the_quota_of_indexes_refuses_a_restore_and_a_creation(server: Server, client: httpx.Client) -> None:
    """A full project refuses both calls that create an index."""
    server.project.options.index_quota = 1
    body = {
        "name": "new",
        "schema": {"fields": {"_values": {"type": "dense_vector", "dimension": 2, "metric": "cosine"}}},
    }
    for response in (restore(server, client), client.post("/indexes", json=body)):
        assert (response.status_code, response.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert list(server.project.indexes) == ["orders"]


def test_a_viewer_cannot_restore(server: Server) -> None:
    """The key of audits restores nothing, and it can read restore jobs."""
    with open_plain_client(server, key=server.viewer_key) as viewer:
        assert restore(server, viewer).status_code == 403
        assert viewer.get("/restore-jobs").status_code == 200
    assert list(server.project.indexes) == ["orders"]


def test_overdue_invoices_and_an_outage_of_jobs_are_faults(server: Server, client: httpx.Client) -> None:
    """A fault with a status simulates overdue invoices, and an outage of the store of jobs."""
    server.faults.append(Fault(path="/backups/*/create-index", status=402, times=1))
    response = restore(server, client)
    assert (response.status_code, response.json()["error"]["code"]) == (402, "PAYMENT_REQUIRED")
    job_path = f"/restore-jobs/{restore(server, client).json()['restore_job_id']}"
    server.faults.append(Fault(path="/restore-jobs/*", status=404, times=1))
    assert [client.get(job_path).status_code for _ in range(2)] == [404, 200]


def test_the_answer_to_a_restore_can_be_lost(server: Server, client: httpx.Client) -> None:
    """A reset before the effect creates no index; one after it creates the index, and a repetition is a conflict."""
    server.faults.append(Fault(kind=FaultKind.RESET, method="POST", times=1))
    server.faults.append(Fault(kind=FaultKind.RESET_AFTER_EFFECT, method="POST", times=1))
    for index_names in (["orders"], ["orders", "copy"]):
        with pytest.raises(httpx.ReadError):
            restore(server, client)
        assert list(server.project.indexes) == index_names
    assert restore(server, client).status_code == 409
    assert len(server.project.restore_jobs) == 1


def test_the_answer_to_a_deletion_can_be_lost(server: Server, client: httpx.Client) -> None:
    """A reset after the effect of a deletion leaves no index."""
    restore(server, client)
    server.faults.append(Fault(kind=FaultKind.RESET_AFTER_EFFECT, method="DELETE", times=1))
    with pytest.raises(httpx.ReadError):
        client.delete("/indexes/copy")
    assert client.get("/indexes/copy").status_code == 404


def test_damage_is_planted_and_cleared_by_control_calls(server: Server, client: httpx.Client) -> None:
    """Damage that was planted by a control call is in later restores, until it is cleared."""
    body = {"kind": "missing_records", "count": 5, "source": "orders"}
    assert client.post("/_simulator/damages", json=body).json() == {"damages": 1}
    restore(server, client)
    assert client.delete("/_simulator/damages").json() == {"damages": 0}
    restore(server, client, name="second-copy")
    assert [len(server.project.get_index(it).damages) for it in ("copy", "second-copy")] == [1, 0]
    for invalid_body in ({"kind": "nothing"}, {"kind": "nan_values", "every": 0}, {"color": "red"}, {}):
        assert client.post("/_simulator/damages", json=invalid_body).status_code == 400


def test_another_index_can_take_the_name_of_a_restored_one(server: Server, client: httpx.Client) -> None:
    """A change before an answer replaces the restored index by another one, which no backup was restored into."""
    job_path = f"/restore-jobs/{restore(server, client).json()['restore_job_id']}"
    fault = {"kind": "shift", "path": "/indexes/*", "after": 1, "times": 1, "change": "replace-restored-index"}
    client.post("/_simulator/faults", json=fault)
    first_index, second_index = (client.get("/indexes/copy").json() for _ in range(2))
    assert "source_backup_id" in first_index
    assert second_index["status"]["ready"]
    assert "source_backup_id" not in second_index
    assert client.get(job_path).status_code == 404
    client.post("/_simulator/faults", json=fault | {"after": 0})
    assert client.get("/indexes/copy").json() == second_index
