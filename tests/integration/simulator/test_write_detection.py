"""Test that a simulator in a separate process reports writes, so that no audit can write unnoticed."""

from collections.abc import Mapping

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
