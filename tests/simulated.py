"""Building blocks of tests that speak to the simulator."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""The moment of most tests."""

OLD = "2025-10"
UNSTABLE = "unstable"
NEW = "2026-07"


def empty_world(now: datetime = NOW) -> SimulatedProject:
    """Begin a project without an index."""
    return SimulatedProject(now)


@contextmanager
def serving(world: SimulatedProject, *, latency: float = 0.0) -> Iterator[Server]:
    """Serve a world on loopback while the context lasts."""
    with Server(world, latency=latency) as server:
        yield server


@contextmanager
def plain_client(server: Server, *, version: str | None = NEW, key: str | None = None) -> Iterator[httpx.Client]:
    """Open a client without any rules of its own; the key is the editor's unless another is given."""
    headers = {"Api-Key": key or server.editor_key}
    if version is not None:
        headers["X-Pinecone-Api-Version"] = version
    with httpx.Client(base_url=server.url, headers=headers, timeout=5, trust_env=False) as client:
        yield client
