"""Fakes for a look at all projects: a store in memory, and dependencies that record each call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from backup_auditor.application.fleet_page import FleetPageWriter
from backup_auditor.domain.audit_failure import FailedAudit, FailureNotice, WatchedProject
from backup_auditor.domain.audit_record import LastAudits
from backup_auditor.domain.outbox import OutboxMessage
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import StateError
from support.builders.facts import NOW
from support.fakes.log import FakeLog


@dataclass
class FakeWatchStore:
    """A `WatchStore` in memory."""

    projects: dict[str, WatchedProject] = field(default_factory=dict)
    messages: list[OutboxMessage] = field(default_factory=list)
    write_errors: dict[str, Exception] = field(default_factory=dict)
    """The error of recording a notice, by project."""
    is_unreadable: bool = False

    def set_audits(
        self, project: str, observed_at: datetime | None, complete_at: datetime | None, pinecone_id: str | None = None
    ) -> None:
        """Set the times of the last audits of a project."""
        self.projects[project] = replace(
            self._find(project), last_audits=LastAudits(observed_at, complete_at, pinecone_id)
        )

    def fail_audit(self, project: str, failed_at: datetime, reason: str = "401: Invalid API key") -> None:
        """Record that the audit of a project failed."""
        self.projects[project] = replace(self._find(project), failed_audit=FailedAudit(failed_at, reason))

    def load_projects(self, names: Sequence[str]) -> Mapping[str, WatchedProject]:
        """Return what is stored about each project."""
        if self.is_unreadable:
            raise StateError("the table cannot be read")
        return {it: self._find(it) for it in names}

    def ensure_registered(self, project: str, now: datetime) -> datetime:
        """Return when the project was first checked."""
        watched_project = self._find(project)
        registered_at = watched_project.registered_at or now
        self.projects[project] = replace(watched_project, registered_at=registered_at)
        return registered_at

    def record_notice(
        self,
        project: str,
        notice: FailureNotice,
        messages: Sequence[OutboxMessage],
        last_notice: FailureNotice | None,
    ) -> None:
        """Record a notice and its messages if the notice before it is still the last one."""
        if project in self.write_errors:
            raise self.write_errors[project]
        watched_project = self._find(project)
        if watched_project.last_notice == last_notice:
            self.projects[project] = replace(watched_project, last_notice=notice)
            self.messages.extend(messages)

    def _find(self, project: str) -> WatchedProject:
        return self.projects.get(project, WatchedProject(LastAudits(None, None)))


@dataclass
class FakeWatchDependencies:
    """The dependencies of a look, with a clock that the test sets."""

    store: FakeWatchStore = field(default_factory=FakeWatchStore)
    log: FakeLog = field(default_factory=FakeLog)
    fleet: FleetPageWriter | None = None
    ping_secret: str | None = None
    moment: datetime = NOW
    values: dict[str, list[float | None]] = field(default_factory=dict)
    """The values of each metric."""
    pings: list[str] = field(default_factory=list)
    ping_errors: dict[str, Exception] = field(default_factory=dict)
    organization_figures: dict[str, object] = field(default_factory=dict)
    """What a look at the organization returns."""
    organization_error: Exception | None = None
    before_ping: Callable[[], object] = lambda: None
    remaining_seconds: float = 100.0

    def emit(
        self, project: str | None, values: Mapping[str, float | None], *, dimensions: Mapping[str, str] | None = None
    ) -> None:
        """Record metrics of the stack."""
        assert project is None
        assert not dimensions
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def look_at_organization(self, registry: Registry) -> dict[str, object]:
        """Return the figures of a look, or fail."""
        del registry
        if self.organization_error is not None:
            raise self.organization_error
        return self.organization_figures

    def ping(self, secret: str) -> None:
        """Record a ping, or fail."""
        self.before_ping()
        if secret in self.ping_errors:
            raise self.ping_errors[secret]
        self.pings.append(secret)

    def now(self) -> datetime:
        """Return the time of the clock."""
        return self.moment

    def seconds_left(self) -> float:
        """Return the seconds that are left."""
        return self.remaining_seconds
