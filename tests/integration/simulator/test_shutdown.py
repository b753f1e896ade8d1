"""How the simulator ends."""

import socket
from contextlib import ExitStack
from threading import Thread

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server
from support.simulator import NOW

ROUNDS, CLIENTS = 30, 12
PATIENCE = 30  # seconds until an end that does not come is called one


def test_it_ends_whoever_is_just_connecting() -> None:
    """Connections that were not yet accepted when it was told to end do not keep it."""
    for _ in range(ROUNDS):
        with ExitStack() as clients:
            server = Server(SimulatedProject(NOW))
            server.__enter__()
            for _ in range(CLIENTS):
                client = clients.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", server.port))
            ending = Thread(target=server.__exit__, args=(None, None, None), daemon=True)
            ending.start()
            ending.join(PATIENCE)
            assert not ending.is_alive()
