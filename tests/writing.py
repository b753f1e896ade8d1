"""Opens projects of the simulator for changes."""

from collections.abc import Iterator
from contextlib import contextmanager

from backup_auditor.adapters.pinecone.writer import PineconeWriter, open_writer
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server
from reading import Waits, connection_to
from simulated import serving


@contextmanager
def writing(
    world: SimulatedProject, *, key: str = Server.editor_key, **options: object
) -> Iterator[tuple[PineconeWriter, Server]]:
    """Serve a world and open it for changes."""
    with serving(world) as server:
        connection = connection_to(server, key=key, **options)
        with open_writer(connection, Waits().surroundings()) as writer:
            yield writer, server


def posts(server: Server) -> int:
    """Count what was to be created."""
    return sum(it.method == "POST" for it in server.requests)
