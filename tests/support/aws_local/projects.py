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

_UNKNOWN_KEY_RECORDER = RequestRecorder(SimulatedProject(MovedClock.EARLIEST), roles={})


class ProjectsServer(Server):
    """Pinecone with many projects, on loopback, while its context lasts."""

    def __init__(self, projects: Mapping[str, SimulatedProject], keys: Mapping[str, str], clock: MovedClock) -> None:
        """Serve worlds by the names of their projects; each has one key at first, a viewer's, and follows the clock."""
        super().__init__(SimulatedProject(MovedClock.EARLIEST))
        self._clock = clock
        self.recorders: dict[str, RequestRecorder] = {}
        self.recorders_by_key: dict[str, RequestRecorder] = {}
        for name, project in projects.items():
            self.add_project(name, project, keys[name])

    def add_project(self, name: str, project: SimulatedProject, key: str) -> None:
        """Serve one more world. Its id is made of its name: worlds of one seed would share theirs."""
        project.project_id = str(uuid5(NAMESPACE_URL, name))
        self.recorders[name] = RequestRecorder(project, clock=self._clock.now, roles={})
        self.add_key(name, key)

    def add_key(self, name: str, key: str, role: str = VIEWER) -> None:
        """Accept one more key of a project."""
        recorder = self.recorders_by_key[key] = self.recorders[name]
        recorder.roles = {**recorder.roles, key: role}

    def rotate_key(self, old_key: str, new_key: str) -> None:
        """Let a project have another key; the old one is accepted no more."""
        recorder = self.recorders_by_key.pop(old_key)
        recorder.roles = {new_key if key == old_key else key: role for key, role in recorder.roles.items()}
        self.recorders_by_key[new_key] = recorder

    async def _serve(self) -> None:
        self._loop, self._stop_event = asyncio.get_running_loop(), asyncio.Event()
        listener = await self._loop.create_server(
            lambda: _RoutedConnection(self.recorders_by_key, self._connections), "127.0.0.1", self.port, backlog=1024
        )
        async with listener:
            self.port = listener.sockets[0].getsockname()[1]
            self._ready_event.set()
            await self._stop_event.wait()
            await self._drop_connections(listener)


class _RoutedConnection(Connection):
    """A connection that brings each request to the desk of its key."""

    def __init__(self, recorders_by_key: Mapping[str, RequestRecorder], open_connections: set[Connection]) -> None:
        super().__init__(_UNKNOWN_KEY_RECORDER, open_connections)
        self._recorders_by_key = recorders_by_key

    def _handle_request(self) -> None:
        headers = self._request_head.headers if isinstance(self._request_head, h11.Request) else []
        key = next((value.decode() for name, value in headers if name.lower() == b"api-key"), "")
        self._recorder = self._recorders_by_key.get(key, _UNKNOWN_KEY_RECORDER)
        super()._handle_request()
