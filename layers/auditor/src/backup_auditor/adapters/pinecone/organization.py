"""Read a Pinecone organization through the Admin API, as a service account. Nothing here can change it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Required, TypedDict
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from backup_auditor.adapters.pinecone.client import PineconeClient, Runtime
from backup_auditor.adapters.pinecone.connection import Connection, KeyKind
from backup_auditor.adapters.pinecone.flow_control import Deadline
from backup_auditor.adapters.pinecone.rows import RawRows, parse_optional_moment, parse_row, parse_rows
from backup_auditor.adapters.pinecone.transport import Transport
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.organization import Organization, OrganizationProject
from backup_auditor.domain.text import quote_segment
from backup_auditor.errors import (
    BadKeyError,
    ForbiddenError,
    MalformedResponseError,
    NotFoundError,
    UnsupportedError,
)

_OAUTH_URL_VARIABLE = "PINECONE_OAUTH_URL"
_AUDIENCE = "https://api.pinecone.io/"
_RENEWAL_SECONDS = 300.0
"""How long before its end a token is renewed; of a short token, at half of its time."""
_PROJECTS, _ORGANIZATIONS = "/admin/projects", "/admin/organizations"


class TokenRow(TypedDict, total=False):
    """The response to a request for a token."""

    access_token: Required[str]
    expires_in: int | None


class ProjectRow(TypedDict, total=False):
    """A project of an organization."""

    id: Required[str]
    name: Required[str]
    organization_id: str | None
    created_at: str | None


class OrganizationRow(TypedDict, total=False):
    """An organization."""

    id: Required[str]
    name: Required[str]
    plan: str | None
    payment_status: str | None


_TOKEN = TypeAdapter(TokenRow)
_PROJECT = TypeAdapter(ProjectRow)
_ORGANIZATION = TypeAdapter(OrganizationRow)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """How to read an organization. Its text never contains the client secret."""

    client_id: str
    client_secret: str = field(repr=False)
    oauth_url: str
    """The URL that issues tokens: `https`, or plain `http` to this machine only."""
    host: str
    api_version: str
    deadline: timedelta
    """How long all calls together may take."""
    credentials_place: str = "PINECONE_CLIENT_ID and PINECONE_CLIENT_SECRET"
    """The source of the credentials, for messages."""


class _SecretBody(bytes):
    """A body that a traceback with local variables does not show."""

    def __repr__(self) -> str:
        """Return no content."""
        return "<secret body>"


@dataclass(frozen=True, slots=True)
class _Session:
    """A client with a token, and when the token has to be renewed."""

    client: PineconeClient
    renew_at: float
    """On the clock that never goes back; infinite if the service did not report when the token ends."""


class PineconeOrganization:
    """An `OrganizationReader` over HTTP, for one thread."""

    def __init__(self, account: ServiceAccount, runtime: Runtime, stack: ExitStack) -> None:
        """Start the time until the deadline. The stack closes the connections.

        Raises `SettingsError` for an invalid address; nothing is sent.
        """
        self._account = account
        self._runtime = runtime
        self._stack = stack
        self._deadline = Deadline(account.deadline, runtime.monotonic)
        login = Connection(
            key=account.client_secret,
            host=account.oauth_url,
            host_source=_OAUTH_URL_VARIABLE,
            key_kind=KeyKind.CLIENT_SECRET,
            api_version=account.api_version,
            deadline=account.deadline,
        )
        parts = urlsplit(login.host)
        self._token_target = (parts.path or "/").encode()
        self._login_host = f"{parts.scheme}://{parts.netloc}"
        self._login_client = self._open_client(replace(login, host=self._login_host))
        self._api = Connection(
            key=account.client_secret, host=account.host, key_kind=KeyKind.ACCESS_TOKEN, api_version=account.api_version
        )
        self._session: _Session | None = None

    def read_projects(self) -> ListingRead[OrganizationProject]:
        """Return the projects, which come in one response."""
        try:
            rows = parse_rows(self._read(_PROJECTS), "data", _PROJECT)
        except ForbiddenError as error:
            remedy = "give the service account a role in the organization"
            raise ForbiddenError(f"{self._api.host} refuses to list the projects ({error}); {remedy}") from None
        except NotFoundError as error:
            remedy = "check PINECONE_CONTROLLER_HOST"
            raise NotFoundError(f"{self._api.host} does not respond like Pinecone ({error}); {remedy}") from None
        return ListingRead(tuple(map(_map_project, rows.rows)), _build_failure(_PROJECTS, rows))

    def read_organizations(self) -> ListingRead[Organization]:
        """Return the organizations, which come in one response."""
        rows = parse_rows(self._read(_ORGANIZATIONS), "data", _ORGANIZATION)
        organizations = tuple(
            Organization(it["id"], it["name"], it.get("plan") or None, it.get("payment_status") or None)
            for it in rows.rows
        )
        return ListingRead(organizations, _build_failure(_ORGANIZATIONS, rows))

    def read_project(self, project_id: str) -> OrganizationProject:
        """Return a project by its id."""
        return _map_project(parse_row(self._read(f"{_PROJECTS}/{quote_segment(project_id)}"), _PROJECT))

    def _read(self, path: str) -> bytes:
        """Make a call with a valid token; if it is refused, once more with a new one."""
        session = self._session
        if session is None or self._runtime.monotonic() >= session.renew_at:
            session = self._start_session()
        try:
            return session.client.read(path.encode(), self._account.api_version)
        except BadKeyError:
            session = self._start_session()
        try:
            return session.client.read(path.encode(), self._account.api_version)
        except BadKeyError as error:
            reason = f"{self._api.host} does not accept a new access token ({error})"
        raise BadKeyError(f"{reason}; check that PINECONE_CONTROLLER_HOST and {_OAUTH_URL_VARIABLE} belong together")

    def _start_session(self) -> _Session:
        """Fetch a token. Raises `BadKeyError` if the service account is refused."""
        try:
            response = self._login_client.read_by_post(
                self._token_target, self._account.api_version, _build_token_request(self._account)
            )
        except (BadKeyError, ForbiddenError, UnsupportedError) as error:
            reason = f"{self._login_host} does not accept the service account ({error})"
            remedy = f"copy {self._account.credentials_place} from the console again"
            raise BadKeyError(f"{reason}; {remedy}") from None
        except NotFoundError as error:
            reason = f"{self._login_host} issues no access tokens ({error})"
            raise NotFoundError(f"{reason}; check {_OAUTH_URL_VARIABLE}") from None
        started_at = self._runtime.monotonic()
        row = parse_row(response, _TOKEN)
        if not row["access_token"].isascii() or not row["access_token"].isprintable() or " " in row["access_token"]:
            raise MalformedResponseError(f"{self._login_host} returned an access token with invalid characters")
        length = row.get("expires_in") or 0
        renew_at = started_at + length - min(_RENEWAL_SECONDS, length / 2) if length > 0 else float("inf")
        deadline = timedelta(seconds=self._deadline.require_seconds_left())
        connection = replace(self._api, key=row["access_token"], deadline=deadline)
        self._session = _Session(self._open_client(connection), renew_at)
        return self._session

    def _open_client(self, connection: Connection) -> PineconeClient:
        return PineconeClient(connection, self._stack.enter_context(Transport(connection)), self._runtime)


def _build_token_request(account: ServiceAccount) -> _SecretBody:
    members = {
        "client_id": account.client_id,
        "client_secret": account.client_secret,
        "grant_type": "client_credentials",
        "audience": _AUDIENCE,
    }
    return _SecretBody(json.dumps(members).encode())


def _map_project(row: ProjectRow) -> OrganizationProject:
    created_at = parse_optional_moment(row.get("created_at"))
    return OrganizationProject(row["id"], row["name"], row.get("organization_id") or None, created_at)


def _build_failure[Row](path: str, rows: RawRows[Row]) -> ReadFailure | None:
    return None if rows.fault is None else ReadFailure(f"GET {path}", rows.fault)


@contextmanager
def open_organization(account: ServiceAccount, runtime: Runtime | None = None) -> Iterator[PineconeOrganization]:
    """Open an organization for reading. The deadline starts here."""
    with ExitStack() as stack:
        yield PineconeOrganization(account, runtime or Runtime(), stack)
