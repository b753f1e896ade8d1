"""Why a project is not audited, from what is stored about its audits."""

import json
from datetime import datetime, timedelta
from shlex import quote

from backup_auditor.domain.audit_failure import AuditFailure, FailureKind, WatchedProject
from backup_auditor.domain.lifecycle.discard import is_in_future
from backup_auditor.domain.timefmt import format_length

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
