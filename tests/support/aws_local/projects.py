"""Many simulated projects, and their organization, at one address: the key of a request selects its project."""

import asyncio
from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

import h11

from backup_auditor_simulator.api.admin import is_organization_path
from backup_auditor_simulator.model import VIEWER
from backup_auditor_simulator.organization import SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.recorder import RequestRecorder
from backup_auditor_simulator.web.server import Connection, Server
from support.aws_local.clock import MovedClock
from support.aws_local.outages import Outage

_UNKNOWN_KEY_RECORDER = RequestRecorder(SimulatedProject(MovedClock.EARLIEST), roles={})
_OUTAGE_RECORDER = RequestRecorder(SimulatedProject(MovedClock.EARLIEST), roles={})
_OUTAGE_RECORDER.faults.append(Fault(status=503))


class ProjectsServer(Server):
    """Pinecone with many projects on loopback, while its context lasts."""

    def __init__(self, projects: Mapping[str, SimulatedProject], keys: Mapping[str, str], clock: MovedClock) -> None:
        """Serve projects by name, each with one viewer's key, at the time of the clock."""
        super().__init__(SimulatedProject(MovedClock.EARLIEST))
        self._clock = clock
        self.recorders: dict[str, RequestRecorder] = {}
        self.recorders_by_key: dict[str, RequestRecorder] = {}
        self.organization_recorder = _UNKNOWN_KEY_RECORDER
        self.outage: Outage | None = None
        for name, project in projects.items():
            self.add_project(name, project, keys[name])

    def add_project(self, name: str, project: SimulatedProject, key: str) -> None:
        """Serve one more project. Its id is derived from its name: projects of one seed would share their id."""
        project.project_id = str(uuid5(NAMESPACE_URL, name))
        self.recorders[name] = RequestRecorder(project, clock=self._clock.now, roles={})
        self.add_key(name, key)

    def serve_organization(self, organization: SimulatedOrganization) -> None:
        """Serve an organization to its service accounts. It has its projects already."""
        self.organization_recorder = RequestRecorder(organization.projects[0].project, clock=self._clock.now)
        self.organization_recorder.serve_organization(organization)

    def add_key(self, name: str, key: str, role: str = VIEWER) -> None:
        """Accept one more key of a project."""
        recorder = self.recorders_by_key[key] = self.recorders[name]
        recorder.roles = {**recorder.roles, key: role}

    def rotate_key(self, old_key: str, new_key: str) -> None:
        """Replace a key of a project; the old key is no longer accepted."""
        recorder = self.recorders_by_key.pop(old_key)
        recorder.roles = {new_key if key == old_key else key: role for key, role in recorder.roles.items()}
        self.recorders_by_key[new_key] = recorder

    async def _serve(self) -> None:
        self._loop, self._stop_event = asyncio.get_running_loop(), asyncio.Event()
        listener = await self._loop.create_server(
            lambda: _RoutedConnection(self, self._connections), "127.0.0.1", self.port, backlog=1024
        )
        async with listener:
            self.port = listener.sockets[0].getsockname()[1]
            self._ready_event.set()
            await self._stop_event.wait()
            await self._drop_connections(listener)


class _RoutedConnection(Connection):
    """A connection that passes each request to the recorder of its key."""

    def __init__(self, server: ProjectsServer, open_connections: set[Connection]) -> None:
        super().__init__(_UNKNOWN_KEY_RECORDER, open_connections)
        self._server = server

    def _handle_request(self) -> None:
        headers = self._request_head.headers if isinstance(self._request_head, h11.Request) else []
        path = self._request_head.target.decode().partition("?")[0] if self._request_head else ""
        key = next((value.decode() for name, value in headers if name.lower() == b"api-key"), "")
        if is_organization_path(path):
            self._recorder = self._server.organization_recorder
        else:
            self._recorder = self._server.recorders_by_key.get(key, _UNKNOWN_KEY_RECORDER)
        if self._server.outage is not None and self._server.outage.refuses_call():
            self._recorder = _OUTAGE_RECORDER
        super()._handle_request()
