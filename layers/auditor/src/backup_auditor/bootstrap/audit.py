"""Wire the function `audit`. Clients and secrets live as long as its process."""

import os
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws import metrics
from backup_auditor.adapters.aws.config_sources import PINECONE_KEY, PING_URL
from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.application.project_audit import AuditDependencies, audit_project
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources, LambdaContext, get_seconds_left, log_errors
from backup_auditor.bootstrap.pinecone import open_project
from backup_auditor.domain.events import read_audit_request
from backup_auditor.domain.outbox import EVENT_CHANNEL, ChannelKind
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import RequestError, SecretError, SettingsError
from backup_auditor.ports.pinecone import ProjectReader
from backup_auditor.settings.functions import AuditSettings, read_audit_settings
from backup_auditor.settings.pinecone import read_settings_with_key

LOG = Logger(service="audit")
_SECONDS_AFTER_READING = 60.0
"""Seconds reserved for the steps after reading, so that an audit ends incomplete before Lambda stops it."""
_SECONDS_AFTER_EVENTS = 5.0
"""Seconds reserved for the steps after publishing. An invocation that Lambda stops would be repeated."""


class Auditor:
    """The parts of the function that one process reuses for all its invocations."""

    def __init__(self, settings: AuditSettings, log: Logger) -> None:
        """Create the sources. No client is created before its first use."""
        self.settings = settings
        self.log = log
        self.sources = ConfigSources(settings.registration)
        self.aws = self.sources.aws

    def audit(self, event: object, context: LambdaContext) -> dict[str, object]:
        """Audit the project of an event or a payload, once per event. Raises what prevents the audit."""
        request = read_audit_request(event)
        self.log.append_keys(project=request.project, request_id=request.request_id)
        deps = _AuditInvocation(self, context)
        if request.request_id is None:
            return audit_project(request, deps)
        from backup_auditor.adapters.aws.idempotency import answer_once  # noqa: PLC0415  not for direct invocations

        key = f"{request.project}/{request.request_id}"  # one request id can be used for several projects
        audit_call, client, table = partial(audit_project, request, deps), self.aws.dynamodb, self.settings.state_table
        return answer_once(key, audit_call, verb="audit", client=client, table=table, context=context, log=self.log)


class _AuditInvocation(AuditDependencies):
    """The dependencies of one invocation, limited by the time that it has left."""

    emit = staticmethod(metrics.emit)
    monotonic = staticmethod(time.monotonic)

    def __init__(self, auditor: Auditor, context: LambdaContext) -> None:
        self._settings = auditor.settings
        self._sources = auditor.sources
        self._context = context
        self.log = auditor.log

    def now(self) -> datetime:
        return runtime.now()

    def load_registry(self, name: str | None) -> Registry:
        return self._sources.load_registry(name)

    def load_policy(self, project: RegisteredProject) -> Policy:
        return self._sources.load_policy(project)

    def load_key(self, project: RegisteredProject, *, fresh: bool = False) -> str:
        if project.secret is None:
            raise SecretError(
                f"project {project.name} has no secret; add the secret that holds its key to the registry"
            )
        return self._sources.load_secret(project.secret, PINECONE_KEY, fresh=fresh)

    def open_reader(self, key: str) -> AbstractContextManager[ProjectReader]:
        settings = read_settings_with_key(os.environ, key)
        reading_time = timedelta(seconds=max(get_seconds_left(self._context, _SECONDS_AFTER_READING), 1))
        return open_project(replace(settings, deadline=min(settings.deadline, reading_time)))

    def open_store(self) -> DynamoState:
        settings = self._settings
        return DynamoState(self._sources.aws.dynamodb, settings.state_table, retention=settings.retention)

    def open_evidence(self) -> EvidenceBucket:
        return EvidenceBucket(self._sources.aws.s3, self._settings.evidence_bucket)

    def publish_events(self, project: str) -> None:
        from backup_auditor.application.notifications.dispatcher import (  # noqa: PLC0415  at the end
            Route,
            deliver_pending,
        )
        from backup_auditor.bootstrap.delivery import AwsDelivery, DeliveryResources  # noqa: PLC0415  at the end

        settings = self._settings
        resources = DeliveryResources(settings.state_table, settings.evidence_bucket, settings.event_bus)
        seconds_left = partial(get_seconds_left, self._context, _SECONDS_AFTER_EVENTS)
        deps = AwsDelivery(resources, self._sources, seconds_left, self.log)
        deliver_pending(deps, lambda _message: Route(EVENT_CHANNEL), project, ChannelKind.EVENTS)

    def ping(self) -> None:
        name = self._settings.ping_url_secret
        if name is not None:
            from backup_auditor.adapters.webhooks import ping  # noqa: PLC0415  only with a ping URL

            ping(self._sources.load_secret(name, PING_URL), name)


@cache
def get_auditor() -> Auditor:
    """Return the auditor of this process. Raises `SettingsError`."""
    return Auditor(read_audit_settings(os.environ), LOG)


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Audit the project of an event or a payload. Errors are logged and raised, so that Lambda retries the event."""
    with log_errors(LOG, RequestError, SettingsError):  # the audit logs all others itself
        return get_auditor().audit(event, context)
