"""Fakes for an audit on AWS: a reader without calls, a log, and dependencies that record each call."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backup_auditor.application.project_audit import AuditDependencies
from backup_auditor.domain.audit_failure import FailedAudit
from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.listing import ListingRead
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import BadKeyError
from support.builders.facts import NOW, IndexCase, build_index
from support.builders.reports import BUILT_IN_POLICY
from support.fakes.log import FakeLog
from support.fakes.stores import FakeEvidence, FakeStore

EVENT_CHANNEL = Channel(ChannelKind.EVENTS, "")
SEARCH_PROJECT = RegisteredProject("search", "keys/search", channels=(EVENT_CHANNEL,))


@dataclass
class FakeReader:
    """A reader that returns one index without a call, or raises an error."""

    case: IndexCase
    error: Exception | None = None
    throttles: int = 3
    requests: int = 7
    max_concurrency: int = 2
    seconds_left: float = 10.0

    def read_indexes(self) -> ListingRead[Index]:
        """Return the index."""
        if self.error is not None:
            raise self.error
        return ListingRead((self.case.facts.index,))

    def read_backups(self, on_page: Callable[[], None] | None = None) -> ListingRead[Backup]:
        """Return the backups of the project."""
        if on_page is not None:
            on_page()
        return ListingRead(self.case.listed_backups)

    def read_schedules(self, index: str) -> ListingRead[Schedule]:
        """Return the schedules of an index, with the read error if they are unknown."""
        listing: Any = self.case.facts.schedules
        return ListingRead(listing.rows if index == self.case.facts.index.name else (), listing.failure)

    def read_own_backups(self, index: str) -> ListingRead[Backup]:
        """Return the backups of one index."""
        return ListingRead(tuple(it for it in self.case.listed_backups if it.index_name == index))

    def read_history(self, schedule_id: str) -> ListingRead[Backup]:
        """Return the runs of a schedule."""
        return ListingRead(self.case.histories[schedule_id].rows)


@dataclass
class AuditHarness:
    """The parts of an audit, each of which a test can replace or make fail."""

    case: IndexCase = field(default_factory=build_index)
    registry: Registry = field(default_factory=lambda: Registry((SEARCH_PROJECT,)))
    policy: Policy = BUILT_IN_POLICY
    keys: list[str] = field(default_factory=lambda: ["key-1"])
    """The cached key, and the key that a fresh read returns."""
    accepted_key: str | None = "key-1"
    """The only key that is accepted; `None` means that every key is accepted."""
    cases_by_key: Mapping[str, IndexCase] = field(default_factory=dict)
    """The indexes that single keys read instead of `case`."""
    store: FakeStore = field(default_factory=FakeStore)
    evidence: FakeEvidence = field(default_factory=FakeEvidence)
    log: FakeLog = field(default_factory=FakeLog)
    now: datetime = NOW
    metrics: list[tuple[str | None, dict[str, float | None], dict[str, str]]] = field(default_factory=list)
    notified_projects: list[str] = field(default_factory=list)
    failed_audits: dict[str, FailedAudit] = field(default_factory=dict)
    """The recorded failures, by project."""
    recorded_report: StoredReport | None = None
    """The report that an earlier attempt at the request recorded."""
    clock_seconds: float = 0.0
    failures: dict[str, Exception] = field(default_factory=dict)
    """The error that a part raises, by the name of the part."""

    def build_dependencies(self) -> AuditDependencies:
        """Return the dependencies of an audit that use this harness."""
        return _HarnessDependencies(self)

    def find_project_metrics(self, project: str = "search") -> dict[str, float | None]:
        """Return the metrics whose only dimension is the project."""
        return {
            name: value
            for metric_project, values, dimensions in self.metrics
            if metric_project == project and not dimensions
            for name, value in values.items()
        }

    def fail_or_return[Part](self, name: str, part: Part) -> Part:
        """Return a part, or raise its error."""
        if name in self.failures:
            raise self.failures[name]
        return part


class _HarnessDependencies(AuditDependencies):
    """The dependencies of an audit with the parts of a harness."""

    def __init__(self, harness: AuditHarness) -> None:
        self._harness = harness
        self.log = harness.log

    def load_registry(self, name: str | None) -> Registry:  # noqa: ARG002  every project is in one registry
        return self._harness.fail_or_return("registry", self._harness.registry)

    def load_policy(self, project: RegisteredProject) -> Policy:  # noqa: ARG002  every project has one policy
        return self._harness.fail_or_return("policy", self._harness.policy)

    def load_key(self, project: RegisteredProject, *, fresh: bool = False) -> str:
        assert project.name == "search"
        return self._harness.fail_or_return("key", self._harness.keys)[-1 if fresh else 0]

    @contextmanager
    def open_reader(self, key: str) -> Iterator[FakeReader]:
        harness = self._harness
        key_error = BadKeyError("401: Invalid API key") if harness.accepted_key not in {None, key} else None
        yield FakeReader(harness.cases_by_key.get(key, harness.case), harness.failures.get("indexes", key_error))

    def open_store(self) -> FakeStore:
        return self._harness.store

    def open_evidence(self) -> FakeEvidence:
        return self._harness.evidence

    def find_recorded_report(self, project: str) -> StoredReport | None:
        assert project == "search"
        return self._harness.fail_or_return("recorded", self._harness.recorded_report)

    def publish_events(self, project: str) -> None:
        self._harness.fail_or_return("publish", self._harness.notified_projects).append(project)

    def record_failure(self, project: str, failed_audit: FailedAudit) -> None:
        self._harness.fail_or_return("failure", self._harness.failed_audits)[project] = failed_audit

    def emit(
        self, project: str | None, values: Mapping[str, float | None], *, dimensions: Mapping[str, str] | None = None
    ) -> None:
        self._harness.metrics.append((project, dict(values), dict(dimensions or {})))

    def now(self) -> datetime:
        return self._harness.now

    def monotonic(self) -> float:
        self._harness.clock_seconds += 1.5
        return self._harness.clock_seconds
