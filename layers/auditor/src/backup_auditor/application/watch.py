"""Find the projects that are not audited, notify their channels, and call the URLs of those that are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

from backup_auditor.application.fleet_page import FleetPageWriter
from backup_auditor.domain.audit_failure import AuditFailure, FailureNotice, WatchedProject, find_failure, find_overdue
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.failures import create_notice_messages, find_notice
from backup_auditor.domain.outbox import EVENT_CHANNEL
from backup_auditor.domain.registry import (
    EntryTarget,
    Registry,
    build_warnings,
    find_shared_by_secret,
    find_shared_by_target,
)
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.errors import describe_failure
from backup_auditor.ports.messaging import Log, MetricEmitter
from backup_auditor.ports.stores import WatchStore
from backup_auditor.worker_pool import WorkerPool

_MAX_CONCURRENCY = 16
_MAX_LISTED = 100


class WatchDependencies(Protocol):
    """What one look at all projects needs from outside."""

    @property
    def log(self) -> Log:
        """The log."""

    @property
    def store(self) -> WatchStore:
        """The store of what is known about the projects."""

    @property
    def fleet(self) -> FleetPageWriter | None:
        """What writes the pages of the fleet; `None` for a single project."""

    @property
    def ping_secret(self) -> str | None:
        """The secret with the URL to call while no project fails; `None` if there is none."""

    @property
    def emit(self) -> MetricEmitter:
        """The emitter of metrics."""

    def look_at_organization(self, registry: Registry) -> dict[str, object]:
        """Compare the organization with the registry if that is due, and return figures. Raises any error."""

    def ping(self, secret: str) -> None:
        """Call the URL in a secret once. Raises `DeliveryError` and `SecretError`."""

    def now(self) -> datetime:
        """Return the present time."""

    def seconds_left(self) -> float:
        """Return the seconds that are left for notices and pings."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What `watch` sees of one project."""

    name: str
    project: WatchedProject
    failure: AuditFailure | None
    is_overdue: bool
    notice: FailureNotice | None
    """The notice that is due."""

    @property
    def is_incomplete(self) -> bool:
        """Whether the last audit of the project is incomplete."""
        return self.project.last_audits.is_latest_incomplete


def watch_projects(registry: Registry, deps: WatchDependencies) -> dict[str, object]:
    """Measure, log and record which projects are not audited, call the URLs of the others, and return the names.

    Projects whose registry entries open the same Pinecone project count as incomplete: one of them is not audited.
    Raises `StateError` and `EvidenceError`. If nothing could be read, no metric is emitted, which raises the alarm too.
    If a notice or a page of the fleet could not be recorded, or the organization not be listed, everything else is done
    before. The page follows the organization, because it names what is unregistered.
    """
    now = deps.now()
    looks = [_look_at(name, it, now) for name, it in _load_projects(registry, deps.store, now).items()]
    failing_looks = [it for it in looks if it.failure is not None]
    overdue_names = [it.name for it in looks if it.is_overdue]
    warnings_by_project = _find_shared_projects(registry, looks)
    incomplete_names = [it.name for it in looks if it.is_incomplete or it.name in warnings_by_project]
    _log_looks(looks, warnings_by_project, deps.log)
    deps.emit(None, {"ProjectsOverdue": len(overdue_names), "ProjectsIncomplete": len(incomplete_names)})
    new_count, notice_error = _record_notices(looks, registry, deps)
    deps.emit(None, {"ProjectsNewlyFailed": new_count})
    organization_figures, organization_error = _look_at_organization(registry, deps)
    page_error = _write_fleet_page(registry, looks, warnings_by_project, deps, now)
    _call_urls(registry, {*warnings_by_project, *(it.name for it in failing_looks)}, deps)
    _raise_last((organization_error, notice_error, page_error), deps.log)
    return {
        **organization_figures,
        "registered": len(looks),
        "overdue": len(overdue_names),
        "projects": overdue_names[:_MAX_LISTED],
        "failing": [it.name for it in failing_looks][:_MAX_LISTED],
        "incomplete": incomplete_names[:_MAX_LISTED],
    }


def _load_projects(registry: Registry, store: WatchStore, now: datetime) -> Mapping[str, WatchedProject]:
    """Return what is stored about each registered project. A project without audits is registered now, once."""
    return {
        name: replace(it, registered_at=store.ensure_registered(name, now))
        if it.last_audits.complete_at is None and it.registered_at is None
        else it
        for name, it in store.load_projects(registry.names).items()
    }


def _look_at(name: str, project: WatchedProject, now: datetime) -> _Look:
    failure = find_failure(name, project, now)
    return _Look(
        name,
        project,
        failure,
        is_overdue=find_overdue(name, project, now) is not None,
        notice=find_notice(failure, project.last_notice, project.last_audits.complete_at, now),
    )


def _find_shared_projects(registry: Registry, looks: Sequence[_Look]) -> Mapping[str, tuple[str, ...]]:
    """Return the warnings for entries that share a secret, or whose states belong to one Pinecone project."""
    leads = [EntryTarget(it.name, it.name, None, it.project.last_audits.pinecone_project_id) for it in looks]
    by_secret = find_shared_by_secret(registry.projects)
    names_by_secret = {it.names for it in by_secret}
    return build_warnings((*by_secret, *(it for it in find_shared_by_target(leads) if it.names not in names_by_secret)))


def _log_looks(looks: Sequence[_Look], warnings_by_project: Mapping[str, tuple[str, ...]], log: Log) -> None:
    """Log each failure with its next step, each warning of the registry once, and each incomplete audit."""
    for look in looks:
        if look.failure is not None:
            complete_at = look.project.last_audits.complete_at
            text = f"{look.name}: {look.failure.reason}; {look.failure.next_step}"
            log.error(text, extra={"project": look.name, "last_complete": complete_at and format_moment(complete_at)})
    for warning in dict.fromkeys(it for warnings in warnings_by_project.values() for it in warnings):
        log.error(warning, extra={})
    for look in looks:
        if look.is_incomplete:
            text = (
                f"{look.name}: its last audit could not read everything; check `read_errors` in its report, and its"
                " lines in the log of the function audit"
            )
            log.warning(text, extra={"project": look.name})


def _record_notices(
    looks: Sequence[_Look], registry: Registry, deps: WatchDependencies
) -> tuple[int, Exception | None]:
    """Record the notices that are due, each with the messages to the channels of its project.

    Return how many failures were opened, and the last error. An opened failure that is not recorded is not counted: it
    would count as new every hour. An invalid entry has no channels but the bus.
    """
    channels_by_project = {it.name: it.channels for it in registry.projects}
    new_count = 0
    last_error: Exception | None = None
    for look in looks:
        if look.notice is None:
            continue
        if deps.seconds_left() <= 0:
            deps.log.warning("no time was left to record all notices; the next look records them", extra={})
            break
        messages = create_notice_messages(look.name, look.notice, channels_by_project.get(look.name, (EVENT_CHANNEL,)))
        try:
            deps.store.record_notice(look.name, look.notice, messages, look.project.last_notice)
        except Exception as error:  # noqa: BLE001  the other notices must be recorded
            last_error = error
            continue
        new_count += look.notice.kind is NoticeKind.OPENED
        fields = {"project": look.name, "notice": look.notice.kind, "channels": [it.channel_id for it in messages]}
        deps.log.info("notice recorded; the function notify sends it within 15m", extra=fields)
    return new_count, last_error


def _look_at_organization(registry: Registry, deps: WatchDependencies) -> tuple[Mapping[str, object], Exception | None]:
    """Return the figures of a look at the organization, and the error if it fails."""
    try:
        return deps.look_at_organization(registry), None
    except Exception as error:  # noqa: BLE001  the page must be written, and the URLs called
        return {}, error


def _raise_last(errors: Sequence[Exception | None], log: Log) -> None:
    """Raise the last error, if there is one, and log the others."""
    found = [it for it in errors if it is not None]
    for error in found[:-1]:
        log.error(describe_failure(error), extra={"error": type(error).__name__})
    if found:
        raise found[-1]


def _write_fleet_page(
    registry: Registry,
    looks: Sequence[_Look],
    warnings_by_project: Mapping[str, tuple[str, ...]],
    deps: WatchDependencies,
    now: datetime,
) -> Exception | None:
    """Write the page of the night if it is due, and return the error if that fails."""
    for error in registry.fleet_errors:
        deps.log.error(registry.format_error(error), extra={})
    if deps.fleet is None:
        return None
    warnings = dict.fromkeys(it for warnings in warnings_by_project.values() for it in warnings)
    try:
        deps.fleet.write_due_page(registry, {it.name: it.project for it in looks}, tuple(warnings), now)
    except Exception as error:  # noqa: BLE001  the URLs must be called
        return error
    return None


def _call_urls(registry: Registry, failing_names: set[str], deps: WatchDependencies) -> None:
    """Call the URLs of projects that are audited, and the URL of the stack while all are. A failure is only logged."""
    secrets_by_project = {it.name: it.ping_secret for it in registry.projects}
    silent_secrets = {secrets_by_project.get(it) for it in failing_names}
    secrets = {*secrets_by_project.values(), *([] if failing_names else [deps.ping_secret])} - silent_secrets - {None}
    with WorkerPool(_MAX_CONCURRENCY) as pool:
        for secret in sorted(it for it in secrets if it is not None):
            pool.submit(partial(_call_url, secret, deps), lambda text: _log_warning(text, deps.log), _NOT_CALLED)
        pool.finish(deps.seconds_left)


_NOT_CALLED = "no time was left to call a ping URL; the next look calls it"


def _call_url(secret: str, deps: WatchDependencies) -> str:
    """Call the URL in a secret. Return what failed, empty after success."""
    try:
        deps.ping(secret)
    except Exception as error:  # noqa: BLE001  the other URLs must be called
        return f"a ping URL could not be called: {describe_failure(error)}"
    return ""


def _log_warning(text: str, log: Log) -> None:
    if text:
        log.warning(text, extra={})
