"""Many simulated projects behind one address: the key of a request chooses the project."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from backup_auditor_simulator.api.app import respond
from backup_auditor_simulator.api.messages import ParsedRequest, Response
from backup_auditor_simulator.model import VIEWER
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.healthy import build_fleet
from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.web.server import Server
from support.simulator import SIMULATED_NOW


class _ProjectRole(str):
    """The role of a viewer, and the project of its key."""

    __slots__ = ("number",)
    number: int


class FleetServer(Server):
    """Serves many projects, each to a viewer's key of its own."""

    def __init__(self, projects: Sequence[SimulatedProject], *, latency: float = 0.0) -> None:
        """Take the projects, which stay as they are."""
        super().__init__(projects[0], latency=latency)
        self.projects = projects
        self.keys = [self.make_key(it) for it in range(len(projects))]
        self.roles = {key: _make_role(number) for number, key in enumerate(self.keys)}
        self.index_reads: Counter[int] = Counter()
        """How often the indexes of each project were listed, by its number."""
        self.max_in_flight = 0
        """The largest number of requests that waited for their answers at once."""
        self._in_flight = 0

    @staticmethod
    def make_key(number: int) -> str:
        """Return the key of a project."""
        return f"viewer-key-of-project-{number:04}"

    def record(self, request: ParsedRequest) -> None:
        """Record a request that waits for its answer."""
        super().record(request)
        self._in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self._in_flight)

    def build_response(self, request: ParsedRequest, fault: Fault | None) -> Response:
        """Answer from the project of the key."""
        self._in_flight -= 1
        is_answered = fault is None or fault.kind is FaultKind.DELAY
        if not is_answered or not isinstance(request.role, _ProjectRole):
            return super().build_response(request, fault)
        if request.path == "/indexes":
            self.index_reads[request.role.number] += 1
        return respond(self.projects[request.role.number], request)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables `KEY_0`, `KEY_1`, … with the keys, and the address."""
        keys = {f"KEY_{number}": key for number, key in enumerate(self.keys)}
        return {"PINECONE_CONTROLLER_HOST": self.url, **keys}


def _make_role(number: int) -> _ProjectRole:
    role = _ProjectRole(VIEWER)
    role.number = number
    return role


def build_projects(count: int, indexes: int, backups: int, now: datetime = SIMULATED_NOW) -> list[SimulatedProject]:
    """Build healthy projects with different ids."""
    return [build_fleet(now, indexes=indexes, backups_per_index=backups, seed=seed) for seed in range(count)]


def write_registry_text(count: int) -> str:
    """Return a registry of the projects of a server."""
    entries = "".join(f"- {{name: project-{it:04}, key_env: KEY_{it}}}\n" for it in range(count))
    return f"version: 1\nprojects:\n{entries}"
