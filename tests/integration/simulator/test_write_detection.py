"""A simulator in a process of its own says whether anything was to be changed, so that no audit does it unseen."""

from collections.abc import Mapping

import httpx
import pytest

from backup_auditor_simulator.testing import run_simulator
from backup_auditor_simulator.web.server import Server


def send_change(environment: Mapping[str, str], key: str) -> int:
    """Ask for a change with a key; return the status of the answer."""
    headers = {"Api-Key": key, "X-Pinecone-Api-Version": "2026-07"}
    path = f"{environment['PINECONE_CONTROLLER_HOST']}/indexes/none/backups"
    return httpx.post(path, headers=headers, json={"name": "x"}, trust_env=False).status_code


def test_what_only_reads_is_served() -> None:
    """Nothing is said against it."""
    with run_simulator("empty") as environment:
        viewer_headers = {"Api-Key": environment["PINECONE_API_KEY"]}
        response = httpx.get(
            f"{environment['PINECONE_CONTROLLER_HOST']}/indexes", headers=viewer_headers, trust_env=False
        )
    assert response.is_success


@pytest.mark.parametrize("key", [Server.viewer_key, Server.editor_key], ids=["viewer", "editor"])
def test_what_asks_for_a_change_is_reported(key: str) -> None:
    """Whether or not it was refused."""
    with pytest.raises(RuntimeError, match="something was to change the empty project"), run_simulator("empty") as it:
        assert send_change(it, key) in {403, 404}


def test_what_may_write_says_so() -> None:
    """Then nothing is said against it either."""
    with run_simulator("empty", allows_writes=True) as it:
        assert send_change(it, Server.editor_key) == 404
