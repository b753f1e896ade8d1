"""What the tests run in: no credentials, a home of its own, no sockets where none are needed."""

import os
import socket
from pathlib import Path

import pytest
from pytest_socket import SocketBlockedError


def test_no_credentials_are_at_hand() -> None:
    """Whatever the developer's environment holds, tests see nothing of Pinecone or AWS."""
    assert [name for name in os.environ if name.startswith(("PINECONE_", "AWS_"))] == []


def test_home_is_made_for_the_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The home folder, and all that is kept there by convention, lies among the files of this test run."""
    base = tmp_path_factory.getbasetemp()
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        assert Path(os.environ[name]).is_relative_to(base)


def test_no_socket_is_opened_here() -> None:
    """Outside integration and e2e a test that opens a socket fails."""
    with pytest.warns(UserWarning, match="tried"), pytest.raises(SocketBlockedError):
        socket.socket()
