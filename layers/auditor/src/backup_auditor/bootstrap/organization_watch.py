"""Wire the daily look of `watch` at the organization. Only a stack with `ORGANIZATION_SECRET` imports this module."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

from backup_auditor.adapters.aws.config_sources import SERVICE_ACCOUNT
from backup_auditor.adapters.dynamodb.discovery_store import DynamoDiscoveryStore
from backup_auditor.adapters.dynamodb.watch_store import DynamoWatchStore
from backup_auditor.application.organization_watch import watch_organization
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources
from backup_auditor.bootstrap.pinecone import open_organization_of
from backup_auditor.domain.registry import Registry
from backup_auditor.ports.messaging import Log, MetricEmitter
from backup_auditor.ports.pinecone import OrganizationReader
from backup_auditor.settings.pinecone import read_organization_settings_with

_READING_SECONDS = 40.0
"""How long an organization is read at most: some calls of a second each."""
_POLICY_SECONDS = 20.0
_SECONDS_AFTER_READING = 40.0
"""Seconds reserved for the steps after reading, and for counting the subscriptions of topics."""


class _OrganizationWatch:
    """The dependencies of one look, limited by the time that the invocation has left."""

    def __init__(
        self, sources: ConfigSources, seconds_left: Callable[[], float], emit: MetricEmitter, log: Log
    ) -> None:
        self._sources = sources
        self._seconds_left = seconds_left
        client, table = sources.aws.dynamodb, sources.settings.state_table
        self._watch_store = DynamoWatchStore(client, table)
        self.discovery_store = DynamoDiscoveryStore(client, table)
        self.load_policy = sources.load_policy
        self.emit = emit
        self.log = log

    def load_project_ids(self, names: Sequence[str]) -> Mapping[str, str]:
        ids = (
            (name, it.last_audits.pinecone_project_id) for name, it in self._watch_store.load_projects(names).items()
        )
        return {name: project_id for name, project_id in ids if project_id is not None}

    def open_organization(self) -> AbstractContextManager[OrganizationReader]:
        return open_stack_organization(self._sources, self._seconds_left())

    def now(self) -> datetime:
        return runtime.now()

    def policy_seconds_left(self) -> float:
        return min(_POLICY_SECONDS, self._seconds_left() - _SECONDS_AFTER_READING)


def open_stack_organization(sources: ConfigSources, seconds_left: float) -> AbstractContextManager[OrganizationReader]:
    """Open the organization of the service account of the stack. Raises `SecretError` and `SettingsError`."""
    secret = sources.settings.organization_secret or ""
    credentials = sources.load_secret(secret, SERVICE_ACCOUNT, fresh=True)
    place = f"client_id and client_secret in the secret {secret}"
    settings = read_organization_settings_with(os.environ, credentials.client_id, credentials.client_secret, place)
    seconds = max(min(_READING_SECONDS, seconds_left - _SECONDS_AFTER_READING), 1.0)
    return open_organization_of(replace(settings, deadline=min(settings.deadline, timedelta(seconds=seconds))))


def look_at_organization(
    sources: ConfigSources, registry: Registry, seconds_left: Callable[[], float], emit: MetricEmitter, log: Log
) -> dict[str, object]:
    """Look at the organization if that is due, and return how many projects are unregistered."""
    return watch_organization(registry, _OrganizationWatch(sources, seconds_left, emit, log))
