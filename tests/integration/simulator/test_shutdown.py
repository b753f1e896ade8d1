"""Test the shutdown of the simulator."""

import socket
from contextlib import ExitStack
from threading import Thread

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server
from support.simulator import SIMULATED_NOW

ROUND_COUNT, CLIENT_COUNT = 30, 12
TIMEOUT_SECONDS = 30  # seconds until a missing end is a failure


def test_a_shutdown_closes_connections_that_are_being_opened() -> None:
    """Connections that are not yet accepted do not block the shutdown."""
    for _ in range(ROUND_COUNT):
        with ExitStack() as client_stack:
            server = Server(SimulatedProject(SIMULATED_NOW))
            server.__enter__()
            for _ in range(CLIENT_COUNT):
                client = client_stack.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", server.port))
            shutdown_thread = Thread(target=server.__exit__, args=(None, None, None), daemon=True)
            shutdown_thread.start()
            shutdown_thread.join(TIMEOUT_SECONDS)
            assert not shutdown_thread.is_alive()
