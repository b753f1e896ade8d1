"""Builders of organizations, and of looks at them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from backup_auditor.domain.discovery import Discovery, OrganizationFacts, compare_registry
from backup_auditor.domain.discovery_notice import (
    AccountAlert,
    DiscoveryNotice,
    DiscoveryState,
    Resolution,
    ResolvedProject,
    UnregisteredProject,
)
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.discovery import DiscoveryChange, advance_discovery
from backup_auditor.domain.organization import (
    AccountSubject,
    Organization,
    OrganizationProject,
    ProjectLookup,
)
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import IgnoredProject, RegisteredProject, Registry
from support.builders.facts import DAY, NOW

ACME = Organization("o-1", "acme", "Standard", "Active")
PARTIAL = ReadFailure("GET /admin/projects", "1 of 3 rows cannot be parsed")


def make_project(name: str, project_id: str | None = None) -> OrganizationProject:
    """Return a project of the organization, whose id is made of its name."""
    return OrganizationProject(project_id or f"p-{name}", name, "o-1", NOW - 9 * DAY)


def make_entry(name: str, project_id: str | None = None, **facts: Any) -> RegisteredProject:
    """Return an entry of the registry."""
    return RegisteredProject(name, f"keys/{name}", project_id=project_id, **facts)


def make_ignored(project: str, expires: date) -> IgnoredProject:
    """Return a project to ignore until a day."""
    return IgnoredProject(project, "search-team", "nothing to back up", expires, 7)


@dataclass
class OrganizationHarness:
    """An organization and a registry, each part of which a test changes between two looks."""

    projects: list[OrganizationProject] = field(default_factory=list)
    registry: Registry = field(default_factory=lambda: Registry(()))
    organizations: list[Organization] = field(default_factory=lambda: [ACME])
    failure: ReadFailure | None = None
    lookups: dict[str, ProjectLookup] = field(default_factory=dict)
    known_ids: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    now: datetime = NOW
    state: DiscoveryState = field(default_factory=DiscoveryState)

    def register(self, *entries: RegisteredProject) -> None:
        """Add entries to the registry."""
        self.registry = replace(self.registry, projects=(*self.registry.projects, *entries))

    def ignore(self, *ignored: IgnoredProject) -> None:
        """Replace the projects to ignore."""
        self.registry = replace(self.registry, ignored_projects=ignored)

    def compare(self) -> Discovery:
        """Compare the registry with the organization, and with what was unregistered before."""
        listing = ListingRead(tuple(self.projects), self.failure)
        facts = OrganizationFacts(listing, ListingRead(tuple(self.organizations)), self.lookups)
        watched_names = {it.project_id: it.name for it in self.state.projects}
        today = self.now.astimezone(UTC).date()
        return compare_registry(self.registry, self.known_ids, facts, self.policies, today, watched_names=watched_names)

    def look(self, days: float = 1) -> DiscoveryChange:
        """Look at the organization some days later, and keep the state."""
        self.now += days * DAY
        change = advance_discovery(self.state, self.compare(), self.now)
        self.state = change.state
        return change


def name_projects(projects: Iterable[UnregisteredProject]) -> list[str]:
    """Return the names of projects."""
    return [it.name for it in projects]


def build_unregistered(name: str = "payments", days: int = 0, **facts: Any) -> UnregisteredProject:
    """Build a project that was first seen unregistered some days before `NOW`."""
    defaults: dict[str, Any] = {"organization_id": "o-1", "created_at": NOW - 9 * DAY}
    return UnregisteredProject(f"p-{name}", name, NOW - days * DAY, **(defaults | facts))


def build_resolved(name: str, resolution: Resolution = Resolution.REGISTERED) -> ResolvedProject:
    """Build a project that is no longer unregistered."""
    return ResolvedProject(build_unregistered(name, 3), resolution)


def build_alert(subject: AccountSubject = AccountSubject.PAYMENT, value: str = "PastDue") -> AccountAlert:
    """Build an alert about a payment status or a plan."""
    return AccountAlert(subject, "o-1", value, f"The {subject} of the organization 'acme' is {value}; check it.", NOW)


def build_discovery_notice(**facts: Any) -> DiscoveryNotice:
    """Build a notice, by default about one new project."""
    defaults: dict[str, Any] = {"kind": NoticeKind.OPENED, "noticed_at": NOW, "new_projects": (build_unregistered(),)}
    return DiscoveryNotice(**(defaults | facts))
