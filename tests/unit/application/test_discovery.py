"""Discovery reads an organization once, and looks up what the listing does not have."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from backup_auditor.application.discovery import discover_projects
from backup_auditor.domain.discovery import Discovery, ProjectStatus
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.organization import Organization, OrganizationProject
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import BadKeyError, ForbiddenError, NotFoundError, PineconeError, ThrottledError

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
REGISTRY = Registry((RegisteredProject("a", "s", project_id="p-a"), RegisteredProject("b", "s", project_id="p-b")))


NO_ORGANIZATIONS: ListingRead[Organization] = ListingRead(())
NOT_FOUND = NotFoundError("404: no")


@dataclass
class FakeOrganization:
    """An `OrganizationReader` with fixed answers, of which an error is raised."""

    projects: ListingRead[OrganizationProject] | PineconeError
    organizations: ListingRead[Organization] | PineconeError = NO_ORGANIZATIONS
    project: OrganizationProject | PineconeError = NOT_FOUND
    looked_up_ids: list[str] = field(default_factory=list)

    def read_projects(self) -> ListingRead[OrganizationProject]:
        """Return the projects."""
        if isinstance(self.projects, PineconeError):
            raise self.projects
        return self.projects

    def read_organizations(self) -> ListingRead[Organization]:
        """Return the organizations."""
        if isinstance(self.organizations, PineconeError):
            raise self.organizations
        return self.organizations

    def read_project(self, project_id: str) -> OrganizationProject:
        """Return the one project."""
        self.looked_up_ids.append(project_id)
        if isinstance(self.project, PineconeError):
            raise self.project
        return self.project


PROJECTS = ListingRead((OrganizationProject("p-a", "a"),))


def discover(organization: FakeOrganization) -> Discovery:
    """Compare the registry with an organization."""
    return discover_projects(REGISTRY, organization, {}, {}, NOW)


@pytest.mark.parametrize(
    "answer,status",
    [
        (NotFoundError("404: no"), ProjectStatus.GONE),
        (ForbiddenError("403: no"), ProjectStatus.NO_ACCESS),
        (ThrottledError("429: later"), ProjectStatus.UNKNOWN),
        (OrganizationProject("p-b", "b"), ProjectStatus.REGISTERED),
    ],
)
def test_a_missing_project_is_looked_up_once(
    answer: OrganizationProject | PineconeError, status: ProjectStatus
) -> None:
    """Each answer to the second read has a status of its own."""
    organization = FakeOrganization(PROJECTS, project=answer)
    discovery = discover(organization)
    assert organization.looked_up_ids == ["p-b"]
    assert {it.entry: it.status for it in discovery.projects} == {"a": ProjectStatus.REGISTERED, "b": status}


def test_an_empty_list_needs_no_second_read() -> None:
    """Where nothing can be seen, nothing is looked up."""
    organization = FakeOrganization(ListingRead(()))
    assert {it.status for it in discover(organization).projects} == {ProjectStatus.NO_ACCESS}
    assert organization.looked_up_ids == []


def test_an_organization_that_cannot_be_read_is_a_read_error() -> None:
    """The projects are compared, and the plan is unknown."""
    organization = FakeOrganization(PROJECTS, ForbiddenError("403: no"), OrganizationProject("p-b", "b"))
    discovery = discover(organization)
    assert discovery.read_failures == (ReadFailure("GET /admin/organizations", "403: no"),)
    assert {it.status for it in discovery.projects} == {ProjectStatus.REGISTERED}


def test_a_failed_listing_is_an_error() -> None:
    """Without the listing there is no discovery: nothing is resolved or raised."""
    with pytest.raises(BadKeyError):
        discover(FakeOrganization(BadKeyError("401: no")))
