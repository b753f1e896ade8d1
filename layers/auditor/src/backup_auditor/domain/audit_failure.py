"""Failures of audits: what is stored about them, and the notices that channels receive."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backup_auditor.domain.audit_record import LastAudits
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.timefmt import format_moment


class FailureKind(StrEnum):
    """The kinds of failure."""

    FAILED = "failed"
    """The last request for an audit failed in all attempts, so there is no report."""
    OVERDUE = "overdue"
    """There was no complete audit for too long."""


@dataclass(frozen=True, slots=True)
class FailedAudit:
    """The last request for an audit of a project that failed in all attempts."""

    failed_at: datetime
    """The start of its last attempt, because the time of an audit is its start too."""
    reason: str
    """The error, in one line without secrets."""
    request_id: str | None = None
    """The id of the request; `None` if it is unknown."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """What the page of the fleet needs of the last recorded audit."""

    observed_at: datetime
    document: str
    """The row of the page, as JSON."""
    request_id: str | None = None
    """The id of the request that the audit answered; `None` for a direct invocation."""


@dataclass(frozen=True, slots=True)
class AuditFailure:
    """Why a project is not audited."""

    kind: FailureKind
    since: datetime
    reason: str
    next_step: str
    """What to do."""


@dataclass(frozen=True, slots=True)
class FailureNotice:
    """One notice about a failure, the same for all channels of the project."""

    kind: NoticeKind
    failure: AuditFailure
    """The failure as it is now; in a notice that it is resolved, as it was in the notice before."""
    noticed_at: datetime
    complete_at: datetime | None
    """The time of the last complete audit; `None` if there was none."""

    @property
    def notice_id(self) -> str:
        """The id of the notice within its project."""
        return f"{self.kind}/{format_moment(self.noticed_at)}"

    @property
    def is_open(self) -> bool:
        """Whether the failure is not over."""
        return self.kind is not NoticeKind.RESOLVED


@dataclass(frozen=True, slots=True)
class WatchedProject:
    """What is stored about the audits of a project, as `watch` needs it."""

    last_audits: LastAudits
    registered_at: datetime | None = None
    """When `watch` first saw the project; `None` before."""
    failed_audit: FailedAudit | None = None
    last_notice: FailureNotice | None = None
    row: AuditRow | None = None
