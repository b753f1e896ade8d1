"""Many simulated projects behind one address: a request belongs to the project whose key it carries."""

import asyncio
from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

import h11

from backup_auditor_simulator.api.app import VIEWER
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.recorder import RequestRecorder
from backup_auditor_simulator.web.server import Connection, Server
from support.aws_local.clock import MovedClock

_STRANGER = RequestRecorder(SimulatedProject(MovedClock.BEGINNING), roles={})


class Projects(Server):
    """Pinecone with many projects, on loopback, while its context lasts."""

    def __init__(self, worlds: Mapping[str, SimulatedProject], keys: Mapping[str, str], clock: MovedClock) -> None:
        """Serve worlds by the names of their projects; each has one key at first, a viewer's, and follows the clock."""
        super().__init__(SimulatedProject(MovedClock.BEGINNING))
        self._clock = clock
        self.desks: dict[str, RequestRecorder] = {}
        self.by_key: dict[str, RequestRecorder] = {}
        for name, world in worlds.items():
            self.add(name, world, keys[name])

    def add(self, name: str, world: SimulatedProject, key: str) -> None:
        """Serve one more world. Its id is made of its name: worlds of one seed would share theirs."""
        world.project_id = str(uuid5(NAMESPACE_URL, name))
        self.desks[name] = RequestRecorder(world, clock=self._clock.now, roles={})
        self.admit(name, key)

    def admit(self, name: str, key: str, role: str = VIEWER) -> None:
        """Accept one more key of a project."""
        desk = self.by_key[key] = self.desks[name]
        desk.roles = {**desk.roles, key: role}

    def rotate(self, old: str, new: str) -> None:
        """Let a project have another key; the old one is accepted no more."""
        desk = self.by_key.pop(old)
        desk.roles = {new if key == old else key: role for key, role in desk.roles.items()}
        self.by_key[new] = desk

    async def _serve(self) -> None:
        self._loop, self._stop_event = asyncio.get_running_loop(), asyncio.Event()
        listener = await self._loop.create_server(
            lambda: _Routed(self.by_key, self._connections), "127.0.0.1", self.port, backlog=1024
        )
        async with listener:
            self.port = listener.sockets[0].getsockname()[1]
            self._ready_event.set()
            await self._stop_event.wait()
            await self._drop_connections(listener)


class _Routed(Connection):
    """A connection that brings each request to the desk of its key."""

    def __init__(self, by_key: Mapping[str, RequestRecorder], open_connections: set[Connection]) -> None:
        super().__init__(_STRANGER, open_connections)
        self._by_key = by_key

    def _handle_request(self) -> None:
        headers = self._request_head.headers if isinstance(self._request_head, h11.Request) else []
        key = next((value.decode() for name, value in headers if name.lower() == b"api-key"), "")
        self._recorder = self._by_key.get(key, _STRANGER)
        super()._handle_request()
