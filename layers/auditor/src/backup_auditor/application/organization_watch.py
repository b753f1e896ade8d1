"""Compare the organization with the registry once a day, and notify the channels of the fleet of what changed."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Protocol

from backup_auditor.application.discovery import discover_projects
from backup_auditor.domain.discovery import Discovery, ProjectStatus
from backup_auditor.domain.discovery_notice import DiscoveryState
from backup_auditor.domain.notifications.discovery import (
    DiscoveryChange,
    advance_discovery,
    create_discovery_messages,
    is_look_due,
)
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import BackupAuditorError, ForbiddenError, PineconeError, describe_failure
from backup_auditor.ports.messaging import Log, MetricEmitter
from backup_auditor.ports.pinecone import OrganizationReader
from backup_auditor.ports.stores import DiscoveryStore
from backup_auditor.worker_pool import WorkerPool

_MAX_CONCURRENCY = 8
_MAX_LOGGED = 100
_FAULTY_STATUSES = (ProjectStatus.GONE, ProjectStatus.NO_ACCESS, ProjectStatus.UNKNOWN)


class OrganizationWatchDependencies(Protocol):
    """What one look at the organization needs from outside."""

    @property
    def log(self) -> Log:
        """The log."""

    @property
    def discovery_store(self) -> DiscoveryStore:
        """The store of what is known about the organization."""

    @property
    def emit(self) -> MetricEmitter:
        """The emitter of metrics."""

    def load_project_ids(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return Pinecone's ids of projects that audits recorded, by name. Raises `StateError`."""

    def load_policy(self, project: RegisteredProject) -> Policy:
        """Return the policy of a project. Raises `PolicyError` and `DocumentError`."""

    def open_organization(self) -> AbstractContextManager[OrganizationReader]:
        """Open the organization, with a deadline that fits the time left. Raises `SecretError` and `SettingsError`."""

    def now(self) -> datetime:
        """Return the present time."""

    def policy_seconds_left(self) -> float:
        """Return the seconds that are left for reading policies."""


def watch_organization(registry: Registry, deps: OrganizationWatchDependencies) -> dict[str, object]:
    """Look at the organization if the last complete look is a day old, and return how many projects are unregistered.

    Raises an error if the projects could not be listed: then nothing is measured or recorded, and the next look tries
    again. One that was listed in part is recorded before its error is raised.
    """
    state, now = deps.discovery_store.load(), deps.now()
    if not is_look_due(state, now):
        return {}
    discovery = _discover(registry, state, now, deps)
    change = advance_discovery(state, discovery, now)
    _log_discovery(discovery, change, deps.log)
    notice = change.notice
    channels = (it.channel for it in registry.fleet_channels)
    messages = () if notice is None else create_discovery_messages(notice, channels)
    if change.state != state:
        deps.discovery_store.record(change.state, messages)
    deps.emit(None, {"ProjectsUnregistered": change.unregistered_count})
    if notice is not None:
        fields = {"notice": notice.kind, "channels": [it.channel_id for it in messages]}
        deps.log.info("notice recorded; the function notify sends it within 15m", extra=fields)
    if not discovery.is_listing_complete:
        faults = "; ".join(map(str, discovery.read_failures))
        raise PineconeError(
            f"the projects of the organization were listed in part ({faults}); the next look repeats it"
        )
    return {"unregistered": change.unregistered_count}


def _discover(
    registry: Registry, state: DiscoveryState, now: datetime, deps: OrganizationWatchDependencies
) -> Discovery:
    """Compare the registry with the organization. Raises an error if no project was listed."""
    known_ids = deps.load_project_ids(registry.names)
    watched_names = {it.project_id: it.name for it in state.projects}
    policies = _load_policies(registry, deps)
    try:
        with deps.open_organization() as reader:
            discovery = discover_projects(registry, reader, known_ids, policies, now, watched_names=watched_names)
    except PineconeError as error:
        raise PineconeError(f"the organization was not compared with the registry: {error}") from None
    if not discovery.has_listed:
        raise ForbiddenError(
            "the organization was not compared with the registry: the service account sees no project; give it a role"
            " in the organization"
        )
    return discovery


def _load_policies(registry: Registry, deps: OrganizationWatchDependencies) -> Mapping[str, Policy]:
    """Return the policies by project, as far as they can be read: only the check of the plan needs them."""
    policies: dict[str | None, Policy] = {}

    def accept(address: str | None, result: Policy | str) -> None:
        if isinstance(result, str):
            deps.log.warning("project.plan is not compared", extra={"error": result})
        else:
            policies[address] = result

    with WorkerPool(_MAX_CONCURRENCY) as pool:
        for address, project in {it.policy: it for it in registry.projects}.items():
            no_time: Policy | str = f"no time was left to read the policy of {project.name}; the next look reads it"
            pool.submit(partial(_load_policy, project, deps), partial(accept, address), no_time)
        pool.finish(deps.policy_seconds_left)
    return {it.name: policies[it.policy] for it in registry.projects if it.policy in policies}


def _load_policy(project: RegisteredProject, deps: OrganizationWatchDependencies) -> Policy | str:
    try:
        return deps.load_policy(project)
    except BackupAuditorError as error:
        return describe_failure(error)


def _log_discovery(discovery: Discovery, change: DiscoveryChange, log: Log) -> None:
    """Log the counts, and each entry and project with something to do."""
    counts = {str(it): len(discovery.list_projects(it)) for it in ProjectStatus if discovery.list_projects(it)}
    log.info("the organization was compared with the registry", extra={"projects": counts})
    texts = [*map(str, discovery.read_failures), *discovery.warnings]
    texts += [f"{it.label}: {it.detail}" for status in _FAULTY_STATUSES for it in discovery.list_projects(status)]
    texts += [
        f"{it.name} ({it.project_id}) was unregistered, and its status is unknown now; give the service account a role"
        " in the project, or ignore it by its id"
        for it in change.unseen_projects
    ]
    for text in texts[:_MAX_LOGGED]:
        log.warning(text, extra={})
    for project in change.state.projects[:_MAX_LOGGED]:
        fields = {"project": project.name, "project_id": project.project_id}
        log.warning("a project is unregistered; register or ignore it", extra=fields)
