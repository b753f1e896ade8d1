"""Failures of audits: why a project is not audited, what is stored of it, and the notices that channels receive."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from shlex import quote

from backup_auditor.domain.audit_record import LastAudits, is_in_future
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.timefmt import format_length, format_moment


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


OVERDUE_AFTER = timedelta(hours=30)
"""The longest day of 25 hours, and five hours for an audit that starts late and needs every attempt of its queue."""


def find_failure(name: str, project: WatchedProject, now: datetime) -> AuditFailure | None:
    """Return why a project is not audited now; `None` if it is.

    A failed request counts until a later audit is recorded, complete or not, or the project can be overdue.
    """
    failed_audit, observed_at = project.failed_audit, project.last_audits.observed_at
    if (
        failed_audit is not None
        and now - failed_audit.failed_at <= OVERDUE_AFTER
        and (observed_at is None or failed_audit.failed_at > observed_at)
    ):
        next_step = f"{describe_next_step(name)}, or wait for the next night"
        return AuditFailure(FailureKind.FAILED, failed_audit.failed_at, failed_audit.reason, next_step)
    return find_overdue(name, project, now)


def describe_next_step(name: str) -> str:
    """Return what to do about a project that is not audited."""
    payload = json.dumps({"project": name}, ensure_ascii=False)
    return f"fix the cause, then invoke the function audit with {payload}"


def find_overdue(name: str, project: WatchedProject, now: datetime) -> AuditFailure | None:
    """Return the failure of a project without a recent complete audit; `None` if it has one.

    The time of a project without any complete audit counts from its registration.
    """
    complete_at = project.last_audits.complete_at
    if is_in_future(complete_at, now):
        return AuditFailure(
            FailureKind.OVERDUE,
            now,
            "its last complete audit is in the future, so no audit is recorded until then",
            f"discard it: backup-auditor state discard --project {quote(name)} --table TABLE",
        )
    start = complete_at or project.registered_at or now
    if now - start <= OVERDUE_AFTER:
        return None
    age = format_length(now - start)
    period = f"since it was registered {age} ago" if complete_at is None else f"for {age}"
    return AuditFailure(
        FailureKind.OVERDUE,
        start + OVERDUE_AFTER,
        f"no complete audit {period}",
        f"read its last lines in the log of the function audit, {describe_next_step(name)}",
    )
