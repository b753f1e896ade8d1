"""A simulated Pinecone organization: projects behind one address, and service accounts that may list them."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor_simulator.model import DRILLER, EDITOR, VIEWER
from backup_auditor_simulator.project import SimulatedProject

CLIENT_ID = "client-id-for-tests"
CLIENT_SECRET = "client-secret-for-tests"  # noqa: S105  not a secret
_ID_PREFIX_LENGTH = 8


@dataclass(slots=True, eq=False)
class OrganizationProject:
    """A project of an organization, with its keys."""

    name: str
    """It is not unique."""
    project: SimulatedProject
    created_at: datetime

    @property
    def id(self) -> str:
        """The id of the project."""
        return self.project.project_id

    @property
    def viewer_key(self) -> str:
        """The key that reads the control plane."""
        return self._make_key(VIEWER)

    @property
    def keys(self) -> dict[str, str]:
        """The role of each key."""
        return {self._make_key(role): role for role in (VIEWER, EDITOR, DRILLER)}

    def _make_key(self, role: str) -> str:
        return f"{role}-key-of-{self.id[:_ID_PREFIX_LENGTH]}"


@dataclass(slots=True)
class ServiceAccount:
    """A client that may read the organization."""

    client_secret: str
    visible_ids: Collection[str] | None = None
    """The projects that it may see; `None` for all."""
    sees_organization: bool = True

    def sees(self, project: OrganizationProject) -> bool:
        """Return whether the account may see a project."""
        return self.visible_ids is None or project.id in self.visible_ids


class SimulatedOrganization:
    """Projects, service accounts and access tokens. Its time is that of its projects."""

    def __init__(self, now: datetime, *, name: str = "acme", seed: int = 0) -> None:
        """Create an organization without projects, with one service account that may see everything."""
        self.name = name
        self.plan = "Standard"
        self.payment_status = "Active"
        self.created_at = now
        self.token_lifetime = timedelta(minutes=30)
        self.projects: list[OrganizationProject] = []
        """In the order of the listing. One that is in it twice is listed twice."""
        self.service_accounts = {CLIENT_ID: ServiceAccount(CLIENT_SECRET)}
        self.roles: dict[str, str] = {}
        """The role of each key of each project."""
        self._rng = random.Random(seed)  # noqa: S311  the same seed must make the same organization
        self.id = f"-O{self._rng.getrandbits(64):016x}"
        self._projects_by_key: dict[str, SimulatedProject] = {}
        self._tokens: dict[str, tuple[ServiceAccount, datetime]] = {}

    @property
    def now(self) -> datetime:
        """The time of the project that is furthest."""
        return max((it.project.now for it in self.projects), default=self.created_at)

    def advance_to(self, moment: datetime) -> None:
        """Let time pass in every project."""
        for it in self.projects:
            it.project.advance_to(moment)

    def add_project(self, name: str, project: SimulatedProject, *, age: timedelta = timedelta()) -> OrganizationProject:
        """Add a project, created a duration ago."""
        added = OrganizationProject(name, project, self.now - age)
        self.projects.append(added)
        self.roles |= added.keys
        self._projects_by_key |= dict.fromkeys(added.keys, project)
        return added

    def find_project(self, key: str) -> SimulatedProject | None:
        """Return the project that a key belongs to."""
        return self._projects_by_key.get(key)

    def issue_token(self, account: ServiceAccount) -> str:
        """Return a new access token of a service account."""
        token = f"token-{self._rng.getrandbits(160):040x}"
        self._tokens[token] = account, self.now + self.token_lifetime
        return token

    def revoke_tokens(self) -> None:
        """Let every token become invalid before its end."""
        self._tokens.clear()

    def find_account(self, token: str) -> ServiceAccount | None:
        """Return the service account of a token that is valid."""
        account, expires_at = self._tokens.get(token, (None, self.now))
        return account if self.now < expires_at else None
