"""What is known about the organization between two looks at it, and the notices that the fleet's channels receive."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.organization import AccountSubject
from backup_auditor.domain.timefmt import format_moment

UNREGISTERED_SEVERITY = Severity.HIGH
"""The severity of an unregistered project: nothing audits it."""
ACCOUNT_SEVERITIES = {AccountSubject.PAYMENT: Severity.CRITICAL, AccountSubject.PLAN: Severity.MEDIUM}
"""With overdue invoices Pinecone stops schedules. Another plan only makes the quota wrong."""


@dataclass(frozen=True, slots=True)
class UnregisteredProject:
    """A project of the organization that is neither registered nor ignored."""

    project_id: str
    name: str
    """Its name at Pinecone, or its id if the name could be a key."""
    first_seen: datetime
    """When a look first found it unregistered."""
    organization_id: str | None = None
    created_at: datetime | None = None
    detail: str | None = None
    """What is known beyond that, for example who ignored it until when."""


class Resolution(StrEnum):
    """Why a project is no longer unregistered."""

    REGISTERED = "registered"
    IGNORED = "ignored"
    GONE = "gone"
    """Pinecone answers that there is no project of its id."""


@dataclass(frozen=True, slots=True)
class ResolvedProject:
    """A project that is no longer unregistered."""

    project: UnregisteredProject
    resolution: Resolution


@dataclass(frozen=True, slots=True)
class AccountAlert:
    """A payment status or a plan that is not as it should be."""

    subject: AccountSubject
    key: str
    """Identifies what was checked."""
    value: str
    """The payment status or the plan. Another value is another alert."""
    text: str
    """What is wrong and what to do."""
    first_seen: datetime

    @property
    def severity(self) -> Severity:
        """The severity of its message."""
        return ACCOUNT_SEVERITIES[self.subject]


@dataclass(frozen=True, slots=True)
class DiscoveryState:
    """What the last look at the organization left behind."""

    revision: int = 0
    """0 before the first look."""
    complete_at: datetime | None = None
    """When all projects were listed the last time."""
    reminded_at: datetime | None = None
    """When channels were last reminded of what is open, or when the first of it was opened; `None` if nothing is."""
    projects: tuple[UnregisteredProject, ...] = ()
    alerts: tuple[AccountAlert, ...] = ()


@dataclass(frozen=True, slots=True)
class DiscoveryNotice:
    """What one look reports, all of it in one message to a channel."""

    kind: NoticeKind
    noticed_at: datetime
    new_projects: tuple[UnregisteredProject, ...] = ()
    open_projects: tuple[UnregisteredProject, ...] = ()
    """The others that are still unregistered."""
    resolved_projects: tuple[ResolvedProject, ...] = ()
    new_alerts: tuple[AccountAlert, ...] = ()
    open_alerts: tuple[AccountAlert, ...] = ()
    """The others that still apply."""
    resolved_alerts: tuple[AccountAlert, ...] = ()
    caveats: tuple[str, ...] = ()
    """Why a project may be listed wrongly, a sentence each."""

    @property
    def notice_id(self) -> str:
        """The id of the notice within the fleet."""
        return f"discovery/{self.kind}/{format_moment(self.noticed_at)}"
