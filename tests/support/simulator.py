"""Simulated projects for tests: served on loopback, read by audits and changed by remediation."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import httpx

from backup_auditor.adapters.pinecone.client import Runtime
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import PineconeReader, open_reader
from backup_auditor.adapters.pinecone.writer import PineconeWriters, open_writer
from backup_auditor.adapters.policy_file.loader import load_built_in_policy
from backup_auditor.adapters.sqlite.remediation_log import open_remediation_log
from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.application.remediation.executor import ExecutionResult, execute_plan
from backup_auditor.application.remediation.service import create_plan
from backup_auditor.collection.collector import InventoryCollector
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.plan import ActionResult, ActionState, RemediationPlan
from backup_auditor.ports.stores import RemediationLog
from backup_auditor.worker_pool import WorkerPool
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.recorder import RecordedRequest
from backup_auditor_simulator.web.server import Server
from support.builders.plans import remedial

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


FAMILIES = [(NEW, NEW), (OLD, UNSTABLE)]
"""The versions of the calls about backups, and of those about schedules."""


@dataclass(slots=True)
class Waits:
    """A clock that only waiting moves; what was waited for is written down instead of being slept through."""

    seconds: list[float] = field(default_factory=list)
    now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)
    _lock: Lock = field(default_factory=Lock)

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        with self._lock:
            self.seconds.append(seconds)

    def monotonic(self) -> float:
        """Return the seconds waited for so far."""
        return sum(self.seconds)

    def surroundings(self) -> Runtime:
        """Return surroundings in which the shortest wait is always picked."""
        return Runtime(self.monotonic, lambda: self.now, self.sleep, lambda low, _high: low)


class Told:
    """Progress that counts."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.expected: Counter[str] = Counter()
        self.done_so_far: Counter[str] = Counter()
        self._lock = Lock()

    def expect(self, label: str, count: int) -> None:
        """Count what is to be read."""
        with self._lock:
            self.expected[label] += count

    def advance(self, label: str) -> None:
        """Count what was read."""
        with self._lock:
            self.done_so_far[label] += 1


def connection_to(server: Server, **options: Any) -> Connection:
    """Return how a server is reached with a viewer's key, under a deadline that no test should meet."""
    usual: dict[str, Any] = {"key": server.viewer_key, "host": server.url, "deadline": timedelta(minutes=10)}
    return Connection(**(usual | options))


@contextmanager
def reading(server: Server, waits: Waits | None = None, **options: Any) -> Iterator[PineconeReader]:
    """Open a simulated project for reading; nothing is slept through."""
    with open_reader(connection_to(server, **options), (waits or Waits()).surroundings()) as reader:
        yield reader


def gathered(reader: PineconeReader, observed_at: datetime) -> tuple[Inventory, list[str]]:
    """Read everything once, without judging it; return the notes too."""
    with WorkerPool(reader.max_concurrency) as crew:
        gatherer = InventoryCollector(reader, crew, Told())
        gatherer.collect()
        return gatherer.build_inventory("test", observed_at), gatherer.notes


def audited(server: Server, **options: Any) -> AuditResult:
    """Audit a simulated project under the built-in policy, at the moment its clock shows."""
    with reading(server, **options) as reader:
        return run_audit(
            reader, load_built_in_policy(), project="test", observed_at=server.project.now, progress=Told()
        )


def calls(server: Server) -> Counter[str]:
    """Count the requests by what they asked for, names and ids left out."""
    return Counter(_call(it) for it in server.requests)


def _call(request: RecordedRequest) -> str:
    parts = request.path.strip("/").split("/")
    if len(parts) > 1:
        parts[1] = "*"
    return f"{request.method} /{'/'.join(parts)}"


def add_healthy_index(world: SimulatedProject, name: str, *, days: int = 3) -> None:
    """Create an index with a daily schedule, and let it run for so many days and an hour."""
    world.create_index(name)
    world.create_schedule(name, "nightly", "daily", 14)
    world.advance(timedelta(days=days, hours=1))


WRITES = frozenset({"POST", "PATCH", "DELETE", "PUT"})


@dataclass
class Project:
    """A project that is put right again and again, under one policy, with one state."""

    server: Server
    log: RemediationLog
    policy: Policy = field(default_factory=remedial)
    who: str = "tester@here"
    plan: RemediationPlan | None = None
    """The one that was made last."""

    @property
    def world(self) -> SimulatedProject:
        """What is served."""
        return self.server.project

    def audited(self) -> AuditResult:
        """Audit it, with a key that cannot write."""
        with reading(self.server) as reader:
            return run_audit(reader, self.policy, project="default", observed_at=self.world.now, progress=Told())

    def planned(self) -> RemediationPlan:
        """Make a plan."""
        self.plan = create_plan(self.audited(), self.policy, self.log)
        return self.plan

    def carried_out(
        self, plan: RemediationPlan | None = None, found: AuditResult | None = None, **options: Any
    ) -> ExecutionResult:
        """Carry a plan out, by default the one that was made last, as soon as an audit has looked at the room."""
        chosen = plan or self.plan or self.planned()
        inventory = (found or self.audited()).inventory
        connection = connection_to(self.server, **{"key": Server.editor_key, **options})
        with open_writer(connection, Waits().surroundings()) as writer:
            how: dict[str, Any] = {"log": self.log, "actor": self.who, "now": lambda: self.world.now}
            return execute_plan(chosen, self.policy, inventory, writer=writer.project, **how)

    def run(self, **options: Any) -> ExecutionResult:
        """Audit, plan and act, as one run of the command does."""
        found = self.audited()
        self.plan = create_plan(found, self.policy, self.log)
        return self.carried_out(self.plan, found, **options)

    @property
    def writes(self) -> list[RecordedRequest]:
        """Every request that would change something."""
        return [it for it in self.server.requests if it.method in WRITES]

    def under(self, policy: Policy) -> "Project":
        """Return it under another policy, with the same state."""
        return replace(self, policy=policy)


@contextmanager
def remedying(world: SimulatedProject, state: Path, policy: Policy | None = None) -> Iterator[Project]:
    """Serve a project, and open a state for what is done to it."""
    with serving(world) as server, open_remediation_log(state) as log:
        yield Project(server, log, policy or remedial())


def states(results: tuple[ActionResult, ...]) -> dict[str, ActionState]:
    """Return what came of the actions, by index."""
    return {it.action.index: it.state for it in results}


def scheduled(world: SimulatedProject) -> dict[str, list[tuple[str, str, int, bool]]]:
    """Return the schedules of each index."""
    return {
        name: [(it.name, it.frequency.value, it.retention.days, it.enabled) for it in index.schedules.values()]
        for name, index in world.indexes.items()
    }


@contextmanager
def writing(
    world: SimulatedProject, *, key: str = Server.editor_key, **options: object
) -> Iterator[tuple[PineconeWriters, Server]]:
    """Serve a world and open it for changes."""
    with serving(world) as server:
        connection = connection_to(server, key=key, **options)
        with open_writer(connection, Waits().surroundings()) as writer:
            yield writer, server


def posts(server: Server) -> int:
    """Count what was to be created."""
    return sum(it.method == "POST" for it in server.requests)
