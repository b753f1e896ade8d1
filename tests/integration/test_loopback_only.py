"""Test that tests with sockets can connect only to this machine."""

import socket

import pytest
from pytest_socket import SocketConnectBlockedError


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(("192.0.2.1", 443), id="documentation-address"),
        pytest.param(("10.0.0.1", 80), id="private-address"),
        pytest.param(("128.0.0.1", 80), id="one-past-loopback"),
    ],
)
def test_no_connection_leaves_this_machine(address: tuple[str, int]) -> None:
    """A connection to another machine is refused before data is sent."""
    with socket.socket() as it, pytest.warns(UserWarning, match="tried"), pytest.raises(SocketConnectBlockedError):
        it.connect(address)


def test_loopback_is_reachable() -> None:
    """A test can connect to its own server."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as connection:
        assert connection.getpeername() == server.getsockname()
