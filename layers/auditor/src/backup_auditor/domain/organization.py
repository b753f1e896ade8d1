"""A Pinecone organization and its projects, as the Admin API shows them to a service account."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum

from backup_auditor.domain.listing import ReadFailure


@dataclass(frozen=True, slots=True)
class OrganizationProject:
    """One project of an organization."""

    project_id: str
    name: str
    """It is not unique."""
    organization_id: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization. What the service did not report is `None`."""

    organization_id: str
    name: str
    plan: str | None = None
    payment_status: str | None = None


class AccountSubject(StrEnum):
    """What is checked of the account with Pinecone."""

    PAYMENT = "payment"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """One check of a payment status or a plan that could be made."""

    subject: AccountSubject
    key: str
    """Identifies what was checked, the same at each time."""
    value: str
    """The status or the plan that Pinecone reports."""
    warning: str | None
    """What is wrong and what to do; `None` if all is well."""


class Absence(Enum):
    """Why a project that was looked up by its id was not returned."""

    NOT_FOUND = "404"
    FORBIDDEN = "403"


type ProjectLookup = OrganizationProject | Absence | ReadFailure
"""The result of looking up one project by its id."""
