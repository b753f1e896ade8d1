"""The use case of the function `watch`: which registered projects have gone too long without a complete audit.

And whose last audit was incomplete: one figure for all of them, which no project's good audit can hide.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from shlex import quote

from backup_auditor.domain.lifecycle.discard import is_ahead
from backup_auditor.domain.registry import Registry
from backup_auditor.domain.shared_projects import Lead, shared_by_leads, shared_by_secret, warnings_of
from backup_auditor.domain.timefmt import format_length, format_moment
from backup_auditor.ports.messaging import Emit, Log
from backup_auditor.ports.stores import AuditHistory, LastAudits

OVERDUE_AFTER = timedelta(hours=26)
"""A night, and two hours for an audit that begins late or is made again."""
_AT_ONCE = 8
_MOST_TOLD = 100


@dataclass(frozen=True, slots=True)
class OverdueDependencies:
    """What watching needs."""

    registry: Callable[[], Registry]
    """Raises `RegistryError` and `DocumentError`."""
    watched: AuditHistory
    emit: Emit
    log: Log
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class _Wait:
    """How long a project has gone without a complete audit."""

    project: str
    last: LastAudits
    length: timedelta


def check_overdue(world: OverdueDependencies) -> dict[str, object]:
    """Measure how many projects are overdue, and of how many the last audit was incomplete; log and return both.

    Projects whose registry entries lead to one Pinecone project count as incomplete: one of them is not audited. A
    project that never had a complete audit waits since it was first seen here. One whose last complete audit lies in
    the future is overdue: nobody knows when it was audited. What keeps this from being found out is raised: then there
    is no figure, and that raises the alarm as well.
    """
    registry, now = world.registry(), world.now()
    waits = _waits(registry.names, world.watched, now)
    overdue = [it for it in waits if it.length > OVERDUE_AFTER or is_ahead(it.last.complete_at, now)]
    for it in overdue:
        last = it.last.complete_at
        world.log.error(
            _ahead(it) if is_ahead(last, now) else _describe(it),
            extra={"project": it.project, "last_complete": last and format_moment(last)},
        )
    shared = _shared(registry, waits)
    for sentence in dict.fromkeys(it for sentences in shared.values() for it in sentences):
        world.log.error(sentence, extra={})
    incomplete = [it.project for it in waits if it.last.are_incomplete or it.project in shared]
    for it in waits:
        if it.last.are_incomplete:
            world.log.warning(_incomplete(it.project), extra={"project": it.project})
    world.emit(None, {"ProjectsOverdue": len(overdue), "ProjectsIncomplete": len(incomplete)})
    return {
        "registered": len(registry.names),
        "overdue": len(overdue),
        "projects": [it.project for it in overdue[:_MOST_TOLD]],
        "incomplete": incomplete[:_MOST_TOLD],
    }


def _shared(registry: Registry, waits: list[_Wait]) -> Mapping[str, tuple[str, ...]]:
    """Return what is wrong with entries that lead to one Pinecone project, by their secrets or by their states."""
    leads = [Lead(it.project, it.project, None, it.last.pinecone_project_id) for it in waits]
    by_secret = shared_by_secret(registry.projects)
    known = {it.names for it in by_secret}
    return warnings_of((*by_secret, *(it for it in shared_by_leads(leads) if it.names not in known)))


def _waits(projects: tuple[str, ...], watched: AuditHistory, now: datetime) -> list[_Wait]:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  a hundred projects are a hundred questions

    def wait(project: str) -> _Wait:
        last = watched.last_audits(project)
        return _Wait(project, last, now - (last.complete_at or watched.registered_since(project, now)))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(wait, projects))


def _describe(wait: _Wait) -> str:
    never = wait.last.complete_at is None
    what = "never had a complete audit, and has been registered" if never else "has had no complete audit"
    return (
        f"{wait.project} {what} for {format_length(wait.length)}: look for its last lines in the log of the function"
        ' audit, mend what they say, then audit it: invoke audit with {"project": NAME}'
    )


def _ahead(wait: _Wait) -> str:
    return (
        f"{wait.project}: its last complete audit is recorded in the future, so that no audit is recorded until then;"
        f" discard it: backup-auditor state discard --project {quote(wait.project)} --table TABLE"
    )


def _incomplete(project: str) -> str:
    return (
        f"{project}: its last audit did not see everything: look at `unread` in its report,"
        " and at its lines in the log of the function audit"
    )
