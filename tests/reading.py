"""Building blocks of tests that read a simulated project: a held clock, recorded waits, and a whole audit."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from backup_auditor.adapters.pinecone.client import Runtime
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import PineconeReader, open_reader
from backup_auditor.adapters.policy_file.loader import built_in_policy
from backup_auditor.application.audit import AuditResult, run_audit
from backup_auditor.collection.collector import InventoryCollector
from backup_auditor.domain.inventory import Inventory
from backup_auditor.worker_pool import WorkerPool
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.recorder import Request
from backup_auditor_simulator.web.server import Server
from simulated import NEW, OLD, UNSTABLE

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

    def expect(self, what: str, count: int) -> None:
        """Count what is to be read."""
        with self._lock:
            self.expected[what] += count

    def done(self, what: str) -> None:
        """Count what was read."""
        with self._lock:
            self.done_so_far[what] += 1


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
    with WorkerPool(reader.ceiling) as crew:
        gatherer = InventoryCollector(reader, crew, Told())
        gatherer.gather()
        return gatherer.inventory("test", observed_at), gatherer.notes


def audited(server: Server, **options: Any) -> AuditResult:
    """Audit a simulated project under the built-in policy, at the moment its clock shows."""
    with reading(server, **options) as reader:
        return run_audit(reader, built_in_policy(), project="test", observed_at=server.world.now, progress=Told())


def calls(server: Server) -> Counter[str]:
    """Count the requests by what they asked for, names and ids left out."""
    return Counter(_call(it) for it in server.requests)


def _call(request: Request) -> str:
    parts = request.path.strip("/").split("/")
    if len(parts) > 1:
        parts[1] = "*"
    return f"{request.method} /{'/'.join(parts)}"


def add_healthy_index(world: SimulatedProject, name: str, *, days: int = 3) -> None:
    """Create an index with a daily schedule, and let it run for so many days and an hour."""
    world.create_index(name)
    world.create_schedule(name, "nightly", "daily", 14)
    world.advance(timedelta(days=days, hours=1))
