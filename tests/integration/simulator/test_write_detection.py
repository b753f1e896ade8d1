"""Test that a simulator in a separate process reports writes, so that no audit can write unnoticed."""

from collections.abc import Callable, Mapping

import httpx
import pytest

from backup_auditor_simulator.web.server import Server
from simulator_process import run_simulator


def send_change(environment: Mapping[str, str], key: str) -> int:
    """Send a write with a key, and return the status of the response."""
    headers = {"Api-Key": key, "X-Pinecone-Api-Version": "2026-07"}
    path = f"{environment['PINECONE_CONTROLLER_HOST']}/indexes/none/backups"
    return httpx.post(path, headers=headers, json={"name": "x"}, trust_env=False).status_code


def test_reads_are_not_reported() -> None:
    """A process that only reads causes no error."""
    with run_simulator("empty") as environment:
        viewer_headers = {"Api-Key": environment["PINECONE_API_KEY"]}
        response = httpx.get(
            f"{environment['PINECONE_CONTROLLER_HOST']}/indexes", headers=viewer_headers, trust_env=False
        )
    assert response.is_success


@pytest.mark.parametrize("key", [Server.viewer_key, Server.editor_key], ids=["viewer", "editor"])
def test_a_write_is_reported(key: str) -> None:
    """A write causes an error, even if the simulator refused it."""
    with pytest.raises(RuntimeError, match="the empty project received write calls"), run_simulator("empty") as it:
        assert send_change(it, key) in {403, 404}


def test_allowed_writes_are_not_reported() -> None:
    """A write causes no error if writes are allowed."""
    with run_simulator("empty", allows_writes=True) as it:
        assert send_change(it, Server.editor_key) == 404


def use_drill_client(environment: Mapping[str, str], use: Callable[[httpx.Client], int]) -> int:
    """Send requests with the key of drills, and return what they return."""
    headers = {"Api-Key": Server.drill_key, "X-Pinecone-Api-Version": "2026-07"}
    url = environment["PINECONE_CONTROLLER_HOST"]
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        return use(client)


def read_counts(client: httpx.Client) -> int:
    """Read the number of records of an index, with a POST."""
    response = client.post(f"{client.get('/indexes/orders').json()['host']}/describe_index_stats", json={})
    return int(response.json()["totalVectorCount"])


def restore_backup(client: httpx.Client) -> int:
    """Restore the newest backup, and return the status of the response."""
    backup_id = client.get("/backups").json()["data"][0]["backup_id"]
    return client.post(f"/backups/{backup_id}/create-index", json={"name": "copy"}).status_code


def test_reading_records_is_not_reported() -> None:
    """A call that reads records causes no error, although its method is POST."""
    with run_simulator("drill") as environment:
        assert use_drill_client(environment, read_counts) == 900


def test_a_restore_is_reported() -> None:
    """A restore causes an error."""
    with pytest.raises(RuntimeError, match="the drill project received write calls"), run_simulator("drill") as it:
        assert use_drill_client(it, restore_backup) == 202
