"""Test that an organization is read with valid tokens, retried like other reads, and without showing a secret."""

import io
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.adapters.pinecone.organization import PineconeOrganization, ServiceAccount, open_organization
from backup_auditor.domain.organization import Organization, OrganizationProject
from backup_auditor.errors import (
    BadKeyError,
    DeadlineError,
    ForbiddenError,
    MalformedResponseError,
    NotFoundError,
    PineconeError,
    SettingsError,
    UnavailableError,
    UnreachableError,
)
from backup_auditor_simulator.organization import ServiceAccount as SimulatedAccount
from backup_auditor_simulator.organization import SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.simulator import SIMULATED_NOW, RecordingClock, serve

SECRET = "canary-of-the-client-secret"  # noqa: S105  the canary
TOKEN = "canary-of-the-access-token"  # noqa: S105  the canary
CLIENT_ID = "client-of-the-tests"
HOUR = timedelta(hours=1)


@pytest.fixture
def organization() -> SimulatedOrganization:
    """Return an organization of two projects."""
    organization = SimulatedOrganization(SIMULATED_NOW)
    organization.service_accounts = {CLIENT_ID: SimulatedAccount(SECRET)}
    for seed, name in enumerate(("search", "support")):
        organization.add_project(name, SimulatedProject(SIMULATED_NOW, seed=seed))
    return organization


@pytest.fixture
def server(organization: SimulatedOrganization) -> Iterator[Server]:
    """Serve the organization."""
    with serve(organization) as server:
        yield server


def make_account(server: Server, **changes: Any) -> ServiceAccount:
    """Return the service account of a server."""
    account = ServiceAccount(CLIENT_ID, SECRET, server.oauth_url, server.url, "2026-07", timedelta(minutes=10))
    return replace(account, **changes)


@contextmanager
def open_reader(server: Server, clock: RecordingClock | None = None, **changes: Any) -> Iterator[PineconeOrganization]:
    """Open the organization of a server, without sleeping."""
    runtime = (clock or RecordingClock()).build_runtime()
    with open_organization(make_account(server, **changes), runtime) as reader:
        yield reader


def list_calls(server: Server) -> list[tuple[str, int | None]]:
    """Return the path and the status of each request."""
    return [(it.path, it.status) for it in server.requests]


def test_projects_and_organizations_are_read(server: Server, organization: SimulatedOrganization) -> None:
    """Each project has its id, name, organization and age, and the organization its plan and payment status."""
    with open_reader(server) as reader:
        listing = reader.read_projects()
        assert listing.failure is None
        assert listing.rows == tuple(
            OrganizationProject(it.id, it.name, organization.id, SIMULATED_NOW) for it in organization.projects
        )
        assert reader.read_organizations().rows == (Organization(organization.id, "acme", "Standard", "Active"),)
        assert reader.read_project(organization.projects[1].id).name == "support"
    assert [path for path, _ in list_calls(server)].count("/oauth/token") == 1
    assert not any(it.is_write for it in server.requests)


def test_a_token_is_renewed_before_its_end(server: Server) -> None:
    """A token is used until 300 seconds before its end, and then another one is fetched."""
    clock = RecordingClock()
    with open_reader(server, clock, deadline=timedelta(hours=2)) as reader:
        reader.read_projects()
        clock.sleep(1499)
        reader.read_projects()
        clock.sleep(1)
        reader.read_projects()
    assert [path for path, _ in list_calls(server)] == [
        *("/oauth/token", "/admin/projects", "/admin/projects"),
        *("/oauth/token", "/admin/projects"),
    ]


@pytest.mark.parametrize(
    "lifetime,wait,count",
    [
        pytest.param(timedelta(seconds=60), 29, 1, id="before-half-of-a-short-time"),
        pytest.param(timedelta(seconds=60), 30, 2, id="half-of-a-short-time"),
        pytest.param(timedelta(), 7000, 1, id="unknown-end"),
    ],
)
def test_a_short_token_is_renewed_at_half_of_its_time(
    server: Server, organization: SimulatedOrganization, lifetime: timedelta, wait: int, count: int
) -> None:
    """A token of less than ten minutes is renewed at half of its time; one without an end after a 401 only."""
    clock = RecordingClock()
    body = json.dumps({"access_token": organization.issue_token(organization.service_accounts[CLIENT_ID])})
    if lifetime:
        organization.token_lifetime = lifetime
    else:
        server.faults.append(Fault(kind="garbage", body=body, path="/oauth/token", content_type="application/json"))
    with open_reader(server, clock, deadline=timedelta(hours=3)) as reader:
        reader.read_projects()
        clock.sleep(wait)
        reader.read_projects()
    assert [path for path, _ in list_calls(server)].count("/oauth/token") == count


def test_a_revoked_token_is_replaced_once(server: Server, organization: SimulatedOrganization) -> None:
    """After a 401 one new token is fetched, and the call is repeated."""
    with open_reader(server) as reader:
        reader.read_projects()
        organization.revoke_tokens()
        assert len(reader.read_projects().rows) == 2
    assert list_calls(server)[2:] == [("/admin/projects", 401), ("/oauth/token", 200), ("/admin/projects", 200)]


def test_a_new_token_that_is_refused_is_an_error(server: Server) -> None:
    """A second 401 ends the read: the host does not belong to the one that issues tokens."""
    server.faults.append(Fault(status=401, path="/admin/*"))
    with open_reader(server) as reader, pytest.raises(BadKeyError) as error_info:
        reader.read_projects()
    assert str(error_info.value) == (
        f"{server.url} does not accept a new access token (401: The service is unavailable.);"
        " check that PINECONE_CONTROLLER_HOST and PINECONE_OAUTH_URL belong together"
    )
    assert [path for path, _ in list_calls(server)] == ["/oauth/token", "/admin/projects"] * 2


def test_a_wrong_client_secret_is_named(server: Server) -> None:
    """The error names the variables to correct, and is not retried."""
    other_secret = SECRET.upper()
    with open_reader(server, client_secret=other_secret) as reader, pytest.raises(BadKeyError) as error_info:
        reader.read_projects()
    assert str(error_info.value) == (
        f"{server.url} does not accept the service account (401: access_denied: Unauthorized);"
        " copy PINECONE_CLIENT_ID and PINECONE_CLIENT_SECRET from the console again"
    )
    assert list_calls(server) == [("/oauth/token", 401)]


@pytest.mark.parametrize("path", ["/oauth/token", "/admin/projects"])
@pytest.mark.parametrize("fault", [{"status": 429}, {"status": 503}, {"kind": "reset"}], ids=["429", "503", "reset"])
def test_a_temporary_fault_is_retried(server: Server, path: str, fault: dict[str, Any]) -> None:
    """Requests for tokens and reads are retried after 429, 5xx and lost connections."""
    server.faults.append(Fault(path=path, times=2, **fault))
    with open_reader(server) as reader:
        assert len(reader.read_projects().rows) == 2
    assert [it for it, _ in list_calls(server)].count(path) == 3


@pytest.mark.parametrize(
    "fault,error_type,text",
    [
        pytest.param(
            Fault(status=503, path="/oauth/token"), UnavailableError, "503: service_unavailable: The", id="no-token"
        ),
        pytest.param(Fault(status=503, path="/admin/*"), UnavailableError, "503: The service", id="no-answer"),
        pytest.param(
            Fault(status=403, path="/admin/*", message="Access denied."),
            ForbiddenError,
            "refuses to list the projects (403: Access denied.); give the service account a role in the organization",
            id="forbidden",
        ),
        pytest.param(
            Fault(status=404, path="/admin/*", message="no"), NotFoundError, "check PINECONE_CONTROLLER_HOST", id="host"
        ),
        pytest.param(
            Fault(status=404, path="/oauth/token"), NotFoundError, "issues no access tokens", id="other-token-host"
        ),
        pytest.param(
            Fault(kind="garbage", path="/oauth/token"), MalformedResponseError, "the response is not JSON", id="page"
        ),
        pytest.param(
            Fault(kind="garbage", path="/oauth/token", body='{"access_token": "a b"}'),
            MalformedResponseError,
            "returned an access token with invalid characters",
            id="invalid-token",
        ),
        pytest.param(
            Fault(kind="garbage", path="/oauth/token", body='{"token": "abc"}'),
            MalformedResponseError,
            "access_token cannot be parsed",
            id="no-access-token",
        ),
        pytest.param(
            Fault(kind="garbage", path="/admin/projects", body='{"projects": []}'),
            MalformedResponseError,
            'no list under the key "data"',
            id="other-key",
        ),
    ],
)
def test_an_organization_that_cannot_be_read_is_an_error(
    server: Server, fault: Fault, error_type: type[PineconeError], text: str
) -> None:
    """A listing that could not be read is an error, and never an empty list."""
    server.faults.append(fault)
    with open_reader(server) as reader, pytest.raises(error_type) as error_info:
        reader.read_projects()
    assert text in str(error_info.value)


def test_a_row_that_cannot_be_parsed_makes_the_listing_incomplete(server: Server) -> None:
    """The other rows are kept, and the failure says how many could not be parsed."""
    body = json.dumps({"data": [{"id": "p-1", "name": "search", "created_at": 7}, {"id": "p-2"}]})
    server.faults.append(Fault(kind="garbage", path="/admin/projects", body=body))
    with open_reader(server) as reader:
        listing = reader.read_projects()
    assert listing.rows == (OrganizationProject("p-1", "search"),)
    assert str(listing.failure) == "GET /admin/projects: 1 of 2 rows cannot be parsed: its name cannot be parsed"


def test_the_time_limit_holds_for_all_calls_together(server: Server) -> None:
    """After the deadline no call is sent."""
    clock = RecordingClock()
    with open_reader(server, clock, deadline=timedelta(minutes=1)) as reader:
        reader.read_projects()
        clock.sleep(61)
        with pytest.raises(DeadlineError):
            reader.read_organizations()
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "changes,text",
    [
        pytest.param(
            {"oauth_url": "http://login.example/oauth/token"},
            "the client secret would be sent unencrypted to login.example; use https",
            id="plain-http",
        ),
        pytest.param({"oauth_url": "https://"}, "invalid address in PINECONE_OAUTH_URL", id="no-host"),
        pytest.param({"oauth_url": "https://h/t?a=b"}, "invalid address in PINECONE_OAUTH_URL", id="query"),
        pytest.param(
            {"oauth_url": "https://user:pass@h/t"}, "PINECONE_OAUTH_URL contains a user or a password", id="user"
        ),
        pytest.param(
            {"host": "http://api.example"}, "the access token would be sent unencrypted to api.example", id="api-host"
        ),
    ],
)
def test_an_invalid_address_is_refused_before_anything_is_sent(
    server: Server, changes: dict[str, Any], text: str
) -> None:
    """A secret is sent by https only, or to this machine."""
    with pytest.raises(SettingsError, match=text), open_reader(server, **changes):
        pass
    assert server.requests == []


def test_a_host_that_cannot_be_reached_is_named_with_its_variable() -> None:
    """The error of a refused connection names the variable of the host that issues tokens."""
    account = ServiceAccount(CLIENT_ID, SECRET, "http://127.0.0.1:9/oauth/token", "http://127.0.0.1:9", "2026-07", HOUR)
    runtime, text = RecordingClock().build_runtime(), "check PINECONE_OAUTH_URL and the network"
    with open_organization(account, runtime) as reader, pytest.raises(UnreachableError, match=text):
        reader.read_projects()


ECHOES = [
    pytest.param(Fault(status=401, path="/oauth/token", message=f"wrong secret {SECRET}"), id="token-in-json"),
    pytest.param(Fault(status=503, path="/oauth/token", body=f"<html>{SECRET}</html>"), id="token-in-html"),
    pytest.param(Fault(kind="garbage", path="/oauth/token", body=f'{{"{SECRET}": 1}}'), id="token-in-a-key"),
    pytest.param(Fault(kind="reset", path="/oauth/token"), id="reset"),
    pytest.param(Fault(kind="truncate", path="/admin/projects"), id="truncated"),
    pytest.param(Fault(status=403, path="/admin/projects", message=f"{TOKEN} may not"), id="echoed-token"),
    pytest.param(Fault(status=302, path="/oauth/token", headers={"location": "http://127.0.0.1:9/"}), id="redirect"),
]


@pytest.mark.parametrize("fault", ECHOES)
def test_no_error_log_or_traceback_contains_a_secret(
    organization: SimulatedOrganization, server: Server, fault: Fault
) -> None:
    """Neither an error, a debug log nor a traceback with local variables has the client secret or the token."""
    organization._tokens[TOKEN] = organization.service_accounts[CLIENT_ID], SIMULATED_NOW + HOUR
    body = json.dumps({"access_token": TOKEN, "expires_in": 1800})
    server.faults += [fault, Fault(kind="garbage", path="/oauth/token", body=body)]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with open_reader(server) as reader, pytest.raises(PineconeError) as error_info:
            reader.read_projects()
        shown_text = repr((reader, vars(reader), make_account(server)))
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    summary = traceback.TracebackException.from_exception(error_info.value, capture_locals=True)
    frames = [it.locals or {} for it in summary.stack if "backup_auditor/" in it.filename]
    assert frames
    for secret in (SECRET, TOKEN):
        assert secret not in f"{error_info.value}{error_info.value!r}{frames}{shown_text}{stream.getvalue()}"
