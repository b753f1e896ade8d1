"""The interface to a Pinecone organization."""

from typing import Protocol

from backup_auditor.domain.listing import ListingRead
from backup_auditor.domain.organization import Organization, OrganizationProject


class OrganizationReader(Protocol):
    """Reads what a service account may see of an organization. Its methods raise any `PineconeError`."""

    def read_projects(self) -> ListingRead[OrganizationProject]:
        """Return the projects, with a failure if some rows could not be parsed. A project may be listed twice."""

    def read_organizations(self) -> ListingRead[Organization]:
        """Return the organizations, with a failure if some rows could not be parsed."""

    def read_project(self, project_id: str) -> OrganizationProject:
        """Return a project by its id."""
