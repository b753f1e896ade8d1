"""Wire the function `audit`. Clients and secrets live as long as its process."""

import os
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws import metrics
from backup_auditor.adapters.aws.config_sources import PINECONE_KEY
from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.application.project_audit import audit_project
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources, LambdaContext, answer_requests, get_seconds_left, get_sources
from backup_auditor.bootstrap.pinecone import open_project
from backup_auditor.domain.audit_failure import FailedAudit
from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.events import REQUEST_RETENTION, QueueRecord, is_check_request, read_audit_request
from backup_auditor.domain.outbox import EVENT_CHANNEL, ChannelKind
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import SecretError
from backup_auditor.ports.messaging import ContextLog, MetricEmitter
from backup_auditor.ports.pinecone import ProjectReader
from backup_auditor.settings.pinecone import read_settings_with_key

LOG = Logger(service="audit")
_SECONDS_AFTER_READING = 60.0
"""Seconds reserved for the steps after reading, so that an audit ends incomplete before Lambda stops it."""
_SECONDS_AFTER_EVENTS = 5.0
"""Seconds reserved for the steps after publishing. An invocation that Lambda stops would be repeated."""


class _AuditInvocation:
    """The dependencies of one invocation, limited by the time that it has left."""

    log: ContextLog = LOG
    monotonic = staticmethod(time.monotonic)

    def __init__(self, sources: ConfigSources, context: LambdaContext, request_id: str | None) -> None:
        self._sources = sources
        self._context = context
        self._request_id = request_id
        self.load_registry = sources.load_registry
        self.load_policy = sources.load_policy
        self.emit: MetricEmitter = partial(metrics.emit, stack=sources.settings.stack)

    def now(self) -> datetime:
        return runtime.now()

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
        settings = self._sources.settings
        return DynamoState(
            self._sources.aws.dynamodb,
            settings.state_table,
            retention=settings.retention,
            request_id=self._request_id,
        )

    def find_recorded_report(self, project: str) -> StoredReport | None:
        if self._request_id is None:
            return None
        record = self.open_store().find_requested_audit(project, self.now() - REQUEST_RETENTION)
        return None if record is None else record.report

    def open_evidence(self) -> EvidenceBucket:
        return EvidenceBucket(self._sources.aws.s3, self._sources.settings.evidence_bucket)

    def publish_events(self, project: str) -> None:
        from backup_auditor.application.notifications.dispatcher import (  # noqa: PLC0415  at the end
            ChannelRoute,
            deliver_pending,
        )
        from backup_auditor.bootstrap.events import EventDelivery  # noqa: PLC0415  at the end

        seconds_left = partial(get_seconds_left, self._context, _SECONDS_AFTER_EVENTS)
        deps = EventDelivery(self._sources, seconds_left, self.log)
        deliver_pending(deps, lambda _message: ChannelRoute(EVENT_CHANNEL), project, ChannelKind.EVENTS)

    def record_failure(self, project: str, failed_audit: FailedAudit) -> None:
        from backup_auditor.adapters.dynamodb.watch_store import DynamoWatchStore  # noqa: PLC0415  after a failure

        store = DynamoWatchStore(self._sources.aws.dynamodb, self._sources.settings.state_table)
        store.record_failed_audit(project, failed_audit)


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Audit the project of a payload and return the summary, or those of queue records and return which failed."""
    return answer_requests(event, partial(_answer, context), LOG)


def _answer(context: LambdaContext, payload: object, record: QueueRecord | None) -> dict[str, object]:
    """Audit the project of an event, once per event, or of a payload."""
    if record is None and is_check_request(payload):
        from backup_auditor.bootstrap.check import check_audit  # noqa: PLC0415  only for a check

        return check_audit(context)
    sources = get_sources("audit")
    request = read_audit_request(payload, is_final=record is None or record.is_final)
    LOG.append_keys(project=request.project, request_id=request.request_id)
    deps = _AuditInvocation(sources, context, request.request_id)
    if request.request_id is None:
        return audit_project(request, deps)
    from backup_auditor.adapters.aws.idempotency import answer_once  # noqa: PLC0415  not for direct invocations

    return answer_once(
        f"{request.project}/{request.request_id}",  # one request id can be used for several projects
        partial(audit_project, request, deps),
        verb="audit",
        client=sources.aws.dynamodb,
        table=sources.settings.state_table,
        context=context,
        log=LOG,
    )
