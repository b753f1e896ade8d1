"""The official SDK reads a simulated organization, and its keys open one project each."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import httpx
import pytest
from pinecone import Admin, Pinecone
from pinecone.errors.exceptions import ApiError, ForbiddenError, NotFoundError, UnauthorizedError

from backup_auditor_simulator.organization import CLIENT_ID, CLIENT_SECRET, ServiceAccount, SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.simulator import SIMULATED_NOW, serve


@pytest.fixture
def organization() -> SimulatedOrganization:
    """Return an organization of two projects, each with an index of its own."""
    organization = SimulatedOrganization(SIMULATED_NOW)
    for seed, name in enumerate(("search", "support")):
        project = SimulatedProject(SIMULATED_NOW, seed=seed)
        project.create_index(f"index-of-{name}")
        organization.add_project(name, project, age=timedelta(days=9 - seed))
    return organization


@pytest.fixture
def server(organization: SimulatedOrganization) -> Iterator[Server]:
    """Serve the organization."""
    with serve(organization) as server:
        yield server


def open_admin(server: Server, client_id: str = CLIENT_ID, client_secret: str = CLIENT_SECRET) -> closing[Admin]:
    """Open the SDK's client of a service account, with a token."""
    return closing(Admin(client_id=client_id, client_secret=client_secret, host=server.url, oauth_url=server.oauth_url))


def test_the_sdk_lists_projects_and_organizations(server: Server, organization: SimulatedOrganization) -> None:
    """The SDK lists the projects with their ids and ages, and the organization with its plan and payment status."""
    with open_admin(server) as admin:
        assert [(it.id, it.name, it.organization_id, it.created_at) for it in admin.projects.list()] == [
            (it.id, it.name, organization.id, it.created_at.isoformat()) for it in organization.projects
        ]
        (listed_organization,) = admin.organizations.list()
        assert (listed_organization.name, listed_organization.plan) == ("acme", "Standard")
        assert listed_organization.payment_status == "Active"
        assert admin.organizations.describe(organization_id=organization.id).id == organization.id


def test_the_sdk_reads_one_project_and_its_keys(server: Server, organization: SimulatedOrganization) -> None:
    """The SDK reads a project by its id, and its keys with roles and without values."""
    with open_admin(server) as admin:
        project = organization.projects[1]
        assert admin.projects.describe(project_id=project.id).name == "support"
        keys = list(admin.api_keys.list(project_id=project.id))
        assert [it.roles for it in keys] == [
            ["ControlPlaneViewer"],
            ["ControlPlaneEditor"],
            ["ControlPlaneEditor", "DataPlaneViewer"],
        ]
        assert project.viewer_key not in repr(keys)
        with pytest.raises(NotFoundError):
            admin.projects.describe(project_id="no-such-project")


def test_a_key_opens_its_own_project(server: Server, organization: SimulatedOrganization) -> None:
    """One address serves the project that the key belongs to; an unknown key is refused."""
    for project in organization.projects:
        with Pinecone(api_key=project.viewer_key, host=server.url) as client:
            assert [it.name for it in client.indexes.list()] == [f"index-of-{project.name}"]
    with Pinecone(api_key=Server.viewer_key, host=server.url) as client, pytest.raises(UnauthorizedError):
        list(client.indexes.list())


@pytest.mark.parametrize(
    "client_id,client_secret", [(CLIENT_ID, "wrong-secret"), ("no-such-client", CLIENT_SECRET)], ids=["secret", "id"]
)
def test_wrong_credentials_get_no_token(server: Server, client_id: str, client_secret: str) -> None:
    """The SDK reports 401 with the description of the refusal."""
    with pytest.raises(ApiError, match="Unauthorized") as error_info:
        open_admin(server, client_id, client_secret)
    assert error_info.value.status_code == 401


def test_an_expired_token_is_refused_and_renewed_by_the_sdk(
    server: Server, organization: SimulatedOrganization
) -> None:
    """A token ends after its lifetime; the SDK fetches another one and repeats the call once."""
    with open_admin(server) as admin:
        organization.advance_to(SIMULATED_NOW + organization.token_lifetime)
        assert len(list(admin.projects.list())) == 2
        assert [(it.path, it.status) for it in server.requests] == [
            ("/oauth/token", 200),
            ("/admin/projects", 401),
            ("/oauth/token", 200),
            ("/admin/projects", 200),
        ]


def test_a_service_account_without_a_role_sees_nothing(server: Server, organization: SimulatedOrganization) -> None:
    """An account without a role gets a token and an empty list; 403 for a project that it may not see."""
    organization.service_accounts["other"] = ServiceAccount("other-secret", visible_ids=(), sees_organization=False)
    with open_admin(server, "other", "other-secret") as admin:
        assert (list(admin.projects.list()), list(admin.organizations.list())) == ([], [])
        with pytest.raises(ForbiddenError):
            admin.projects.describe(project_id=organization.projects[0].id)


def test_nothing_of_an_organization_can_be_changed(server: Server) -> None:
    """A call of the Admin API that writes is refused and counted as a write; a token is no write."""
    with open_admin(server) as admin:
        with pytest.raises(ForbiddenError):
            admin.projects.create(name="new")
        assert [it.is_write for it in server.requests] == [False, True]


@pytest.mark.parametrize("status", [429, 503])
def test_a_fault_of_the_token_has_the_format_of_oauth(server: Server, status: int) -> None:
    """A fault for the path of tokens answers with `error` and `error_description`."""
    server.faults.append(Fault(path="/oauth/token", status=status, code="slow_down", message="Try later."))
    response = httpx.post(server.oauth_url, json={}, trust_env=False)
    assert (response.status_code, response.json()) == (
        status,
        {"error": "slow_down", "error_description": "Try later."},
    )


@pytest.mark.parametrize(
    "changes,status,error",
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"audience": "https://other.example/"}, 403, "access_denied"),
        ({"client_id": None}, 400, "invalid_request"),
        ({}, 200, None),
    ],
    ids=["grant-type", "audience", "no-client", "valid"],
)
def test_a_token_is_requested_with_a_form_too(
    server: Server, changes: dict[str, str | None], status: int, error: str | None
) -> None:
    """A form is read like JSON, and each wrong member has its error."""
    members = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "client_credentials",
        "audience": "https://api.pinecone.io/",
        **changes,
    }
    form = {name: value for name, value in members.items() if value is not None}
    response = httpx.post(server.oauth_url, data=form, trust_env=False)
    assert (response.status_code, response.json().get("error")) == (status, error)


def test_another_process_can_load_an_organization(server: Server) -> None:
    """`POST /_simulator/scenario` replaces the projects, and the clock advances all of them."""
    response = httpx.post(f"{server.url}/_simulator/scenario", json={"name": "organization:3x2"}, trust_env=False)
    assert response.json()["indexes"] == 2
    assert server.organization is not None
    assert [it.name for it in server.organization.projects] == ["project-0000", "project-0001", "project-0002"]
    httpx.post(f"{server.url}/_simulator/clock", json={"seconds": 3600}, trust_env=False)
    assert {it.project.now for it in server.organization.projects} == {SIMULATED_NOW + timedelta(hours=1)}
    httpx.post(f"{server.url}/_simulator/scenario", json={"name": "empty"}, trust_env=False)
    with Pinecone(api_key=Server.viewer_key, host=server.url) as client:
        assert list(client.indexes.list()) == []
