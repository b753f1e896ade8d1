"""What an audit on AWS needs, made up: a project read without a call, and a world that writes all of it down."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backup_auditor.application.project_audit import AuditDependencies
from backup_auditor.domain.listing import ListingRead
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import BadKeyError
from support.builders.facts import NOW, IndexCase, index
from support.builders.reports import BUILT_IN
from support.fakes.stores import FakeEvidence, FakeStore

EVENTS = Channel(ChannelKind.EVENTS, "")
SEARCH = RegisteredProject("search", "keys/search", channels=(EVENTS,))


@dataclass
class FakeReader:
    """Reads one index without a call, or raises what it is to raise."""

    case: IndexCase
    error: Exception | None = None
    throttles: int = 3
    requests: int = 7
    max_concurrency: int = 2
    seconds_left: float = 10.0

    def read_indexes(self) -> ListingRead[Index]:
        """List the index."""
        if self.error is not None:
            raise self.error
        return ListingRead((self.case.facts.index,))

    def read_backups(self, on_page: Callable[[], None] | None = None) -> ListingRead[Backup]:
        """Walk its backups."""
        if on_page is not None:
            on_page()
        return ListingRead(self.case.listed)

    def read_schedules(self, index: str) -> ListingRead[Schedule]:
        """Walk its schedules, or break off where they are not known."""
        told: Any = self.case.facts.schedules
        return ListingRead(told.rows if index == self.case.facts.index.name else (), told.failure)

    def read_own_backups(self, index: str) -> ListingRead[Backup]:
        """Walk its backups once more."""
        return ListingRead(tuple(it for it in self.case.listed if it.index_name == index))

    def read_history(self, schedule_id: str) -> ListingRead[Backup]:
        """Walk the runs of a schedule."""
        return ListingRead(self.case.histories[schedule_id].rows)


class Lines:
    """A log that is a list."""

    def __init__(self) -> None:
        """Begin with no line."""
        self.lines: list[tuple[str, str, Mapping[str, object]]] = []
        self.keys: dict[str, object] = {}

    def append_keys(self, **keys: object) -> None:
        """Know these from now on."""
        self.keys |= keys

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write down."""
        self.lines.append(("info", str(msg), extra))

    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write down."""
        self.lines.append(("warning", str(msg), extra))

    def error(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write down."""
        self.lines.append(("error", str(msg), extra))

    def of(self, level: str) -> list[str]:
        """Return what was written down at a level."""
        return [text for at, text, _ in self.lines if at == level]


@dataclass
class Night:
    """A world in which every part can be put in the place of another, and nothing is asked for in vain."""

    case: IndexCase = field(default_factory=index)
    registered: Registry = field(default_factory=lambda: Registry((SEARCH,)))
    required: Policy = BUILT_IN
    keys: list[str] = field(default_factory=lambda: ["key-1"])
    """The key that is remembered, and the one that a fresh look finds."""
    accepted: str | None = "key-1"
    """The only key that is not refused; `None` where every key is accepted."""
    cases: Mapping[str, IndexCase] = field(default_factory=dict)
    """What single keys open instead."""
    store: FakeStore = field(default_factory=FakeStore)
    evidence: FakeEvidence = field(default_factory=FakeEvidence)
    log: Lines = field(default_factory=Lines)
    now: datetime = NOW
    metrics: list[tuple[str | None, dict[str, float | None], dict[str, str]]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    pings: int = 0
    seconds: float = 0.0
    failing: dict[str, Exception] = field(default_factory=dict)
    """What some of its parts raise, by their name."""

    def world(self) -> AuditDependencies:
        """Return it as an audit takes it."""
        return AuditDependencies(
            load_registry=lambda _wanted: self._or_fail("registry", self.registered),
            load_policy=lambda _project: self._or_fail("policy", self.required),
            load_key=self._key,
            open_reader=self._open,
            open_store=lambda: self.store,
            open_evidence=lambda: self.evidence,
            publish_events=lambda project: self._or_fail("tell", self.told).append(project),
            ping=self._ping,
            emit=self._emit,
            log=self.log,
            now=lambda: self.now,
            monotonic=self._monotonic,
        )

    def measured(self, project: str = "search") -> dict[str, float | None]:
        """Return the metrics that have the project for their only dimension."""
        return {
            name: it for of, values, more in self.metrics if of == project and not more for name, it in values.items()
        }

    def _or_fail[Part](self, name: str, part: Part) -> Part:
        if name in self.failing:
            raise self.failing[name]
        return part

    def _key(self, project: RegisteredProject, *, fresh: bool = False) -> str:
        assert project.name == "search"
        return self._or_fail("key", self.keys)[-1 if fresh else 0]

    @contextmanager
    def _open(self, key: str) -> Iterator[FakeReader]:
        refused = BadKeyError("401: Invalid API key") if self.accepted not in {None, key} else None
        yield FakeReader(self.cases.get(key, self.case), self.failing.get("indexes", refused))

    def _ping(self) -> None:
        self._or_fail("ping", None)
        self.pings += 1

    def _emit(
        self, project: str | None, values: Mapping[str, float | None], *, dimensions: Mapping[str, str] | None = None
    ) -> None:
        self.metrics.append((project, dict(values), dict(dimensions or {})))

    def _monotonic(self) -> float:
        self.seconds += 1.5
        return self.seconds
