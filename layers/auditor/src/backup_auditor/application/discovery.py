"""Discovery: read an organization, and compare it with the registry. Nothing is changed or recorded."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from backup_auditor.domain.discovery import Discovery, OrganizationFacts, compare_registry, find_missing_ids
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.organization import Absence, Organization, ProjectLookup
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import Registry
from backup_auditor.errors import ForbiddenError, NotFoundError, PineconeError
from backup_auditor.ports.pinecone import OrganizationReader


def discover_projects(  # noqa: PLR0913  each is a part of what is known
    registry: Registry,
    reader: OrganizationReader,
    known_ids: Mapping[str, str],
    policies: Mapping[str, Policy],
    now: datetime,
    *,
    watched_names: Mapping[str, str] = MappingProxyType({}),
) -> Discovery:
    """Return how the projects of an organization and the entries of a registry relate.

    `known_ids` are the ids that audits recorded, by the name of the entry. `watched_names` are further projects by
    their ids, which are looked up too if the listing does not have them. Raises `PineconeError` if the projects could
    not be listed: then nothing is known about any of them.
    """
    projects = reader.read_projects()
    organizations = _read_organizations(reader)
    lookups: dict[str, ProjectLookup] = {}
    if projects.rows or projects.failure is not None:
        missing_ids = find_missing_ids(registry, known_ids, projects.rows, watched_names)
        lookups = {it: _look_up_project(reader, it) for it in missing_ids}
    facts = OrganizationFacts(projects, organizations, lookups)
    today = now.astimezone(UTC).date()
    return compare_registry(registry, known_ids, facts, policies, today, watched_names=watched_names)


def _read_organizations(reader: OrganizationReader) -> ListingRead[Organization]:
    try:
        return reader.read_organizations()
    except PineconeError as error:
        return ListingRead((), ReadFailure("GET /admin/organizations", str(error)))


def _look_up_project(reader: OrganizationReader, project_id: str) -> ProjectLookup:
    """Confirm that a project is missing: a listing has only what the service account may see."""
    try:
        return reader.read_project(project_id)
    except NotFoundError:
        return Absence.NOT_FOUND
    except ForbiddenError:
        return Absence.FORBIDDEN
    except PineconeError as error:
        return ReadFailure(f"GET /admin/projects/{project_id}", str(error))
