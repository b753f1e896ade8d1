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
from backup_auditor.adapters.pinecone.writer import PineconeWriter, open_writer
from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.adapters.sqlite.remediation_log import open_remediation_log
from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.application.remediation.executor import ExecutionResult, PlanExecutor
from backup_auditor.application.remediation.service import create_plan
from backup_auditor.collection.collector import InventoryCollector
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.plan import ActionResult, ActionState, RemediationPlan
from backup_auditor.ports.stores import RemediationLog
from backup_auditor.worker_pool import WorkerPool
from backup_auditor_simulator.api.messages import ParsedRequest
from backup_auditor_simulator.organization import SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server
from support.builders.plans import build_remediation_policy

SIMULATED_NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""The time of most tests."""

OLD_VERSION = "2025-10"
UNSTABLE_VERSION = "unstable"
NEW_VERSION = "2026-07"


def build_empty_project(now: datetime = SIMULATED_NOW) -> SimulatedProject:
    """Create a project without indexes."""
    return SimulatedProject(now)


@contextmanager
def serve(source: SimulatedProject | SimulatedOrganization, *, latency: float = 0.0) -> Iterator[Server]:
    """Serve a project or an organization on loopback while the context lasts."""
    with Server(source, latency=latency) as server:
        yield server


@contextmanager
def open_plain_client(
    server: Server, *, version: str | None = NEW_VERSION, key: str | None = None
) -> Iterator[httpx.Client]:
    """Open a client without rules of its own; the key is the editor's by default."""
    headers = {"Api-Key": key or server.editor_key}
    if version is not None:
        headers["X-Pinecone-Api-Version"] = version
    with httpx.Client(base_url=server.url, headers=headers, timeout=5, trust_env=False) as client:
        yield client


VERSION_PAIRS = [(NEW_VERSION, NEW_VERSION), (OLD_VERSION, UNSTABLE_VERSION)]
"""The API versions of the backup calls and of the schedule calls."""


@dataclass(slots=True)
class RecordingClock:
    """A clock that only `sleep` advances; it records the waits instead of sleeping."""

    waited_seconds: list[float] = field(default_factory=list)
    now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)
    _lock: Lock = field(default_factory=Lock)

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        with self._lock:
            self.waited_seconds.append(seconds)

    def monotonic(self) -> float:
        """Return the seconds waited for so far."""
        return sum(self.waited_seconds)

    def build_runtime(self) -> Runtime:
        """Return a runtime that always picks the shortest wait."""
        return Runtime(self.monotonic, lambda: self.now, self.sleep, lambda low, _high: low)


class ProgressCounter:
    """Progress that counts its calls."""

    def __init__(self) -> None:
        """Start at zero."""
        self.expected_counts: Counter[str] = Counter()
        self.completed_counts: Counter[str] = Counter()
        self._lock = Lock()

    def expect(self, label: str, count: int) -> None:
        """Count the expected reads."""
        with self._lock:
            self.expected_counts[label] += count

    def advance(self, label: str) -> None:
        """Count a completed read."""
        with self._lock:
            self.completed_counts[label] += 1


def make_connection(server: Server, **options: Any) -> Connection:
    """Return the connection to a server with a viewer's key and a deadline that no test reaches."""
    defaults: dict[str, Any] = {"key": server.viewer_key, "host": server.url, "deadline": timedelta(minutes=10)}
    return Connection(**(defaults | options))


@contextmanager
def open_simulated_reader(
    server: Server, clock: RecordingClock | None = None, **options: Any
) -> Iterator[PineconeReader]:
    """Open a simulated project for reads, without sleeping."""
    with open_reader(make_connection(server, **options), (clock or RecordingClock()).build_runtime()) as reader:
        yield reader


def collect_inventory(reader: PineconeReader, observed_at: datetime) -> tuple[Inventory, list[str]]:
    """Read a project once, without evaluation; return the inventory and the notes."""
    with WorkerPool(reader.max_concurrency) as pool:
        collector = InventoryCollector(reader, pool, ProgressCounter())
        collector.collect()
        return collector.build_inventory("test", observed_at), collector.notes


def audit_server(server: Server, **options: Any) -> AuditResult:
    """Audit a simulated project with the built-in policy, at the time of its clock."""
    with open_simulated_reader(server, **options) as reader:
        return run_audit(
            reader, load_built_in_policy(), project="test", observed_at=server.project.now, progress=ProgressCounter()
        )


def count_calls(server: Server) -> Counter[str]:
    """Count the requests by method and path, without names and ids."""
    return Counter(_describe_call(it) for it in server.requests)


def _describe_call(request: ParsedRequest) -> str:
    parts = request.path.strip("/").split("/")
    if len(parts) > 1:
        parts[1] = "*"
    return f"{request.method} /{'/'.join(parts)}"


def add_healthy_index(project: SimulatedProject, name: str, *, days: int = 3) -> None:
    """Create an index with a daily schedule, and advance the clock by some days and one hour."""
    project.create_index(name)
    project.create_schedule(name, "nightly", "daily", 14)
    project.advance(timedelta(days=days, hours=1))


@dataclass
class RemediatedProject:
    """A project that is remediated several times, with one policy and one state."""

    server: Server
    log: RemediationLog
    policy: Policy = field(default_factory=build_remediation_policy)
    actor: str = "tester@here"
    plan: RemediationPlan | None = None
    """The plan that was created last."""

    @property
    def simulated_project(self) -> SimulatedProject:
        """The project that is served."""
        return self.server.project

    def audit(self) -> AuditResult:
        """Audit the project, with a key that cannot write."""
        with open_simulated_reader(self.server) as reader:
            return run_audit(
                reader,
                self.policy,
                project="default",
                observed_at=self.simulated_project.now,
                progress=ProgressCounter(),
            )

    def create_plan(self) -> RemediationPlan:
        """Create a plan from a new audit."""
        self.plan = create_plan(self.audit(), self.policy, self.log)
        return self.plan

    def execute_plan(
        self, plan: RemediationPlan | None = None, audit_result: AuditResult | None = None, **options: Any
    ) -> ExecutionResult:
        """Execute a plan, by default the one created last, after an audit that reads the free quota."""
        selected_plan = plan or self.plan or self.create_plan()
        inventory = (audit_result or self.audit()).inventory
        connection = make_connection(self.server, **{"key": Server.editor_key, **options})
        with open_writer(connection, RecordingClock().build_runtime()) as writer:
            execution_options: dict[str, Any] = {
                "log": self.log,
                "actor": self.actor,
                "now": lambda: self.simulated_project.now,
            }
            executor = PlanExecutor(plan=selected_plan, policy=self.policy, writer=writer, **execution_options)
            return executor.execute(inventory)

    def run(self, **options: Any) -> ExecutionResult:
        """Audit, plan and execute, as one run of the command does."""
        audit_result = self.audit()
        self.plan = create_plan(audit_result, self.policy, self.log)
        return self.execute_plan(self.plan, audit_result, **options)

    @property
    def write_requests(self) -> list[ParsedRequest]:
        """Every request that would change the project."""
        return [it for it in self.server.requests if it.is_write]

    def with_policy(self, policy: Policy) -> "RemediatedProject":
        """Return the project with another policy and the same state."""
        return replace(self, policy=policy)


@contextmanager
def serve_remediated_project(
    project: SimulatedProject, state: Path, policy: Policy | None = None
) -> Iterator[RemediatedProject]:
    """Serve a project, and open a state for its remediation."""
    with serve(project) as server, open_remediation_log(state) as log:
        yield RemediatedProject(server, log, policy or build_remediation_policy())


def get_states_by_index(results: tuple[ActionResult, ...]) -> dict[str, ActionState]:
    """Return the states of the actions, by index."""
    return {it.action.index: it.state for it in results}


def list_schedules(project: SimulatedProject) -> dict[str, list[tuple[str, str, int, bool]]]:
    """Return the schedules of each index."""
    return {
        name: [(it.name, it.frequency.value, it.retention.days, it.enabled) for it in index.schedules.values()]
        for name, index in project.indexes.items()
    }


@contextmanager
def open_simulated_writer(
    project: SimulatedProject, *, key: str = Server.editor_key, **options: object
) -> Iterator[tuple[PineconeWriter, Server]]:
    """Serve a project, and open it for changes."""
    with serve(project) as server:
        connection = make_connection(server, key=key, **options)
        with open_writer(connection, RecordingClock().build_runtime()) as writer:
            yield writer, server


def count_posts(server: Server) -> int:
    """Count the requests that create something."""
    return sum(it.method == "POST" for it in server.requests)
