"""Test that tests run without credentials, with a temporary home, and with sockets only where they are needed."""

import os
import socket
from pathlib import Path

import pytest
from pytest_socket import SocketBlockedError


def test_no_credentials_are_available() -> None:
    """The environment of the tests has no variables of Pinecone or AWS."""
    assert [name for name in os.environ if name.startswith(("PINECONE_", "AWS_"))] == []


def test_home_is_a_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The home folder and the XDG folders are temporary folders of this test run."""
    base = tmp_path_factory.getbasetemp()
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        assert Path(os.environ[name]).is_relative_to(base)


def test_a_unit_test_cannot_open_a_socket() -> None:
    """A test outside integration and e2e that opens a socket fails."""
    with pytest.warns(UserWarning, match="tried"), pytest.raises(SocketBlockedError):
        socket.socket()
