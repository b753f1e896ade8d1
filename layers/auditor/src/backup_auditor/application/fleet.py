"""The registered projects together: request an audit of each, and find those that are overdue or incomplete.

One metric counts the projects, so that a complete audit of one project cannot hide another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from shlex import quote

from backup_auditor.domain.events import AUDIT_REQUESTED, DispatchRequest
from backup_auditor.domain.lifecycle.discard import is_in_future
from backup_auditor.domain.registry import (
    EntryTarget,
    Registry,
    build_warnings,
    find_shared_by_secret,
    find_shared_by_target,
)
from backup_auditor.domain.timefmt import format_length, format_moment
from backup_auditor.ports.messaging import Bus, Event, Log, MetricEmitter
from backup_auditor.ports.stores import AuditHistory, LastAudits


def request_audits(
    request: DispatchRequest, registry: Registry, bus: Bus, log: Log, seconds_left: Callable[[], float]
) -> dict[str, object]:
    """Publish one request for each project. Return their number and the errors of the registry.

    Entries that share a secret are an error. A project with an invalid entry is requested too, so that its audit fails
    visibly. An event whose answer was lost is published again: its request id prevents a second audit. Raises
    `DeliveryError` if the bus did not accept all events, so that the request is retried.
    """
    problems = [registry.format_error(it) for it in registry.errors]
    problems += [it.sentence for it in find_shared_by_secret(registry.projects)]
    for problem in problems:
        log.error(problem, extra={"request_id": request.request_id})
    events = [
        Event(
            AUDIT_REQUESTED, {"project": name, "reason": request.reason, "request_id": f"{request.request_id}/{name}"}
        )
        for name in registry.names
    ]
    result = bus.put(events, seconds_left, may_duplicate=True)
    if result.error is not None:
        raise result.error
    fields = {"requested": len(events), "request_id": request.request_id, "reason": request.reason}
    log.info("audits requested", extra=fields)
    return {"requested": len(events), "registry_errors": problems}


OVERDUE_AFTER = timedelta(hours=30)
"""The longest day of 25 hours, and five hours for an audit that starts late and needs every attempt of its queue."""
_MAX_CONCURRENCY = 8
_MAX_LISTED = 100


@dataclass(frozen=True, slots=True)
class _AuditAge:
    """The time since a project's last complete audit."""

    project: str
    last_audits: LastAudits
    age: timedelta


def check_overdue(
    registry: Registry, audit_history: AuditHistory, now: datetime, emit: MetricEmitter, log: Log
) -> dict[str, object]:
    """Count overdue projects and projects whose last audit was incomplete. Log, measure and return both.

    Projects whose registry entries open the same Pinecone project count as incomplete: one of them is not audited. The
    time of a project without any complete audit counts from its first check. A project whose last complete audit is
    in the future is overdue. Raises `StateError`; then no metric is emitted, which raises the alarm too.
    """
    audit_ages = _load_audit_ages(registry.names, audit_history, now)
    overdue_ages = [it for it in audit_ages if it.age > OVERDUE_AFTER or is_in_future(it.last_audits.complete_at, now)]
    for audit_age in overdue_ages:
        complete_at = audit_age.last_audits.complete_at
        log.error(
            _describe_overdue(audit_age, now),
            extra={"project": audit_age.project, "last_complete": complete_at and format_moment(complete_at)},
        )
    warnings_by_project = _find_shared_projects(registry, audit_ages)
    for warning in dict.fromkeys(it for warnings in warnings_by_project.values() for it in warnings):
        log.error(warning, extra={})
    incomplete_projects = []
    for audit_age in audit_ages:
        project, is_latest_incomplete = audit_age.project, audit_age.last_audits.is_latest_incomplete
        if is_latest_incomplete or project in warnings_by_project:
            incomplete_projects.append(project)
        if is_latest_incomplete:
            text = (
                f"{project}: its last audit could not read everything; check `read_errors` in its report, and its lines"
                " in the log of the function audit"
            )
            log.warning(text, extra={"project": project})
    emit(None, {"ProjectsOverdue": len(overdue_ages), "ProjectsIncomplete": len(incomplete_projects)})
    return {
        "registered": len(registry.names),
        "overdue": len(overdue_ages),
        "projects": [it.project for it in overdue_ages[:_MAX_LISTED]],
        "incomplete": incomplete_projects[:_MAX_LISTED],
    }


def _find_shared_projects(registry: Registry, audit_ages: list[_AuditAge]) -> Mapping[str, tuple[str, ...]]:
    """Return the warnings for entries that share a secret, or whose states belong to one Pinecone project."""
    leads = [EntryTarget(it.project, it.project, None, it.last_audits.pinecone_project_id) for it in audit_ages]
    by_secret = find_shared_by_secret(registry.projects)
    names_by_secret = {it.names for it in by_secret}
    return build_warnings((*by_secret, *(it for it in find_shared_by_target(leads) if it.names not in names_by_secret)))


def _load_audit_ages(projects: tuple[str, ...], audit_history: AuditHistory, now: datetime) -> list[_AuditAge]:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  one request per project

    def load_audit_age(project: str) -> _AuditAge:
        last_audits = audit_history.find_last_audits(project)
        return _AuditAge(
            project, last_audits, now - (last_audits.complete_at or audit_history.ensure_registered(project, now))
        )

    with ThreadPoolExecutor(_MAX_CONCURRENCY) as pool:
        return list(pool.map(load_audit_age, projects))


def _describe_overdue(audit_age: _AuditAge, now: datetime) -> str:
    age, complete_at = format_length(audit_age.age), audit_age.last_audits.complete_at
    if is_in_future(complete_at, now):
        return (
            f"{audit_age.project}: its last complete audit is in the future, so no audit is recorded until then;"
            f" discard it: backup-auditor state discard --project {quote(audit_age.project)} --table TABLE"
        )
    since = f"since it was registered {age} ago" if complete_at is None else f"for {age}"
    return (
        f"{audit_age.project}: no complete audit {since}; read its last lines in the log of the function audit, fix the"
        ' cause, then invoke audit with {"project": NAME}'
    )
