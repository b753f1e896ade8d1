"""What the function `audit` is made of. It lives as long as the function's process: clients and secrets are kept."""

import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial
from typing import Protocol

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws import metrics
from backup_auditor.adapters.aws.config_sources import (
    PINECONE_KEY,
    PING_URL,
    SLACK_WEBHOOK,
    CachedSource,
    fetch_document,
    fetch_secret,
    read_secret,
)
from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.application.project_audit import AuditDependencies, audit_project
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import EVENT_CHANNEL, load_project_policy, load_projects
from backup_auditor.bootstrap.local import open_project
from backup_auditor.domain.events import read_audit_request
from backup_auditor.domain.outbox import ChannelKind
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import RequestError, SecretError, SettingsError
from backup_auditor.ports.pinecone import ProjectReader
from backup_auditor.settings.functions import AuditSettings, read_audit_settings
from backup_auditor.settings.pinecone import read_settings_with_key

LOG = Logger(service="audit")
_SECONDS_AFTER_READING = 60.0
"""Seconds that are kept for what follows the reading: an audit ends incomplete rather than killed."""
_SECONDS_AFTER_EVENTS = 5.0
"""Seconds that are kept for what follows the events: one that is killed is another audit."""


class Context(Protocol):
    """What Lambda says of an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time is left."""


class Auditor:
    """Audits, one invocation after the other."""

    def __init__(self, settings: AuditSettings, log: Logger) -> None:
        """Make nothing that takes time."""
        self.settings = settings
        self.log = log
        self.aws = AwsSession()
        self.documents = CachedSource(partial(fetch_document, self.aws))
        self.secrets = CachedSource(partial(fetch_secret, self.aws))

    def audit(self, event: object, context: Context) -> dict[str, object]:
        """Audit what an event or a payload asks for, the same event once. Raises what keeps it from being audited."""
        request = read_audit_request(event)
        self.log.append_keys(project=request.project, request_id=request.request_id)
        deps = _Invocation(self, context).make_dependencies()
        if request.request_id is None:
            return audit_project(request, deps)
        from backup_auditor.adapters.aws.idempotency import answer_once  # noqa: PLC0415  who invokes it directly does without

        key = f"{request.project}/{request.request_id}"  # who asks for several under one id means each of them
        audit_call, client, table = partial(audit_project, request, deps), self.aws.dynamodb, self.settings.state_table
        return answer_once(key, audit_call, verb="audit", client=client, table=table, context=context, log=self.log)

    def load_key(self, project: RegisteredProject, *, fresh: bool = False) -> str:
        """Return the key of a project. Raises `SecretError`."""
        if project.secret is None:
            raise SecretError(f"the project {project.name} has no secret; add the one that holds its key")
        return read_secret(project.secret, PINECONE_KEY, self.secrets, fresh=fresh)

    def ping(self) -> None:
        """Call whoever waits for it, if there is anybody. Raises `DeliveryError` and `SecretError`."""
        name = self.settings.ping_url_secret
        if name is not None:
            from backup_auditor.adapters.webhooks import ping  # noqa: PLC0415  not everybody wants it

            ping(read_secret(name, PING_URL, self.secrets), name)


@dataclass(frozen=True, slots=True)
class _Invocation:
    """What one invocation adds: the time that is left."""

    auditor: Auditor
    context: Context

    def make_dependencies(self) -> AuditDependencies:
        settings, aws, documents = self.auditor.settings, self.auditor.aws, self.auditor.documents
        return AuditDependencies(
            load_registry=lambda name: load_projects(settings.registration, documents, name=name),
            load_policy=lambda project: load_project_policy(project, documents),
            load_key=self.auditor.load_key,
            open_reader=self._open_reader,
            open_store=lambda: DynamoState(aws.dynamodb, settings.state_table, retention=settings.retention),
            open_evidence=lambda: EvidenceBucket(aws.s3, settings.evidence_bucket),
            publish_events=self._publish_events,
            ping=self.auditor.ping,
            emit=metrics.emit,
            log=self.auditor.log,
            now=runtime.now,
            monotonic=time.monotonic,
        )

    def _seconds_left(self) -> float:
        return self.context.get_remaining_time_in_millis() / 1000

    def _open_reader(self, key: str) -> AbstractContextManager[ProjectReader]:
        settings = read_settings_with_key(os.environ, key)
        reading_time = timedelta(seconds=max(self._seconds_left() - _SECONDS_AFTER_READING, 1))
        return open_project(replace(settings, deadline=min(settings.deadline, reading_time)))

    def _publish_events(self, project: str) -> None:
        from backup_auditor.application.notifications.dispatcher import deliver_pending  # noqa: PLC0415  as above
        from backup_auditor.application.notifications.routing import Route  # noqa: PLC0415  as above
        from backup_auditor.bootstrap.aws import DeliveryResources, make_delivery_dependencies  # noqa: PLC0415  at the end

        settings = self.auditor.settings
        fetch_webhook = partial(read_secret, secret_format=SLACK_WEBHOOK, source=self.auditor.secrets)
        resources = DeliveryResources(settings.state_table, settings.evidence_bucket, settings.event_bus, fetch_webhook)
        deps = make_delivery_dependencies(
            self.auditor.aws, resources, lambda: self._seconds_left() - _SECONDS_AFTER_EVENTS, self.auditor.log
        )
        deliver_pending(deps, lambda _message: Route(EVENT_CHANNEL), project, ChannelKind.EVENTS)


@cache
def get_auditor() -> Auditor:
    """Return what this process audits with. Raises `SettingsError`."""
    return Auditor(read_audit_settings(os.environ), LOG)


def handle(event: object, context: Context) -> dict[str, object]:
    """Audit what an event or a payload asks for. What keeps it from that is logged, and raised: it will come again."""
    try:
        return get_auditor().audit(event, context)
    except (RequestError, SettingsError) as error:  # what comes later is logged where it happens
        LOG.error(str(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        raise
