"""Wire the function `remediate`, the only one that has a key with write access."""

import os
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws import metrics
from backup_auditor.adapters.aws.config_sources import PINECONE_KEY
from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.adapters.dynamodb.remediation_log import DynamoRemediationLog
from backup_auditor.application.remediation.reconcile import require_published
from backup_auditor.application.remediation.service import remediate_project
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources, LambdaContext, answer_requests, get_seconds_left, get_sources
from backup_auditor.bootstrap.pinecone import make_connection, open_project
from backup_auditor.domain.events import QueueRecord, is_check_request, read_remediation_request
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import SecretError
from backup_auditor.ports.messaging import Bus, ContextLog, MetricEmitter
from backup_auditor.ports.pinecone import ProjectReader, ProjectWriter
from backup_auditor.ports.stores import PublicationLog
from backup_auditor.settings.pinecone import PineconeSettings, read_settings_with_key

LOG = Logger(service="remediate")
_SECONDS_FOR_ACTIONS = 300.0
"""Seconds reserved for the actions, which reading may not use."""
_SECONDS_AFTER_ACTIONS = 60.0
"""Seconds reserved for the steps after the last action."""


class _RemediationInvocation:
    """The dependencies of one invocation, limited by the time that it has left."""

    log: ContextLog = LOG

    def __init__(self, sources: ConfigSources, context: LambdaContext, record: QueueRecord | None) -> None:
        self._sources = sources
        self._context = context
        self.load_registry = sources.load_registry
        self.load_policy = sources.load_policy
        self.emit: MetricEmitter = partial(metrics.emit, stack=sources.settings.stack)
        self.remediation_log: PublicationLog = DynamoRemediationLog(sources.aws.dynamodb, sources.settings.state_table)
        self.bus: Bus = EventBus(sources.aws.events, sources.settings.event_bus)
        # each attempt at a record has the same id, so that the next one settles the actions of a killed one
        self.actor = f"{context.function_name} {context.aws_request_id if record is None else record.record_id}"

    def now(self) -> datetime:
        return runtime.now()

    def load_key(self, project: RegisteredProject) -> str:
        if project.editor_secret is None:
            raise SecretError(
                f"project {project.name} has no editor_secret; add the secret that holds its key with write access to"
                " the registry"
            )
        return self._sources.load_secret(project.editor_secret, PINECONE_KEY)

    def open_reader(self, key: str) -> AbstractContextManager[ProjectReader]:
        return open_project(self._make_settings(key, _SECONDS_FOR_ACTIONS))

    def open_writer(self, key: str) -> AbstractContextManager[ProjectWriter]:
        from backup_auditor.adapters.pinecone.writer import open_writer  # noqa: PLC0415  a plan can be empty

        return open_writer(make_connection(self._make_settings(key, _SECONDS_AFTER_ACTIONS)))

    def seconds_left(self) -> float:
        return get_seconds_left(self._context)

    def _make_settings(self, key: str, reserved: float) -> PineconeSettings:
        settings = read_settings_with_key(os.environ, key)
        time_left = timedelta(seconds=max(get_seconds_left(self._context, reserved), 1))
        return replace(settings, deadline=min(settings.deadline, time_left))


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Remediate the project of a payload and return the results, or those of queue records and return which failed."""
    return answer_requests(event, partial(_answer, context), LOG)


def _answer(context: LambdaContext, payload: object, record: QueueRecord | None) -> dict[str, object]:
    """Remediate the project of an event, once per event, or of a payload."""
    if record is None and is_check_request(payload):
        from backup_auditor.bootstrap.check import check_remediate  # noqa: PLC0415  only for a check

        return check_remediate(context)
    # keys and policies are not cached: a policy that says `never` is in force at once
    sources = get_sources("remediate", is_cached=False)
    request = read_remediation_request(payload, is_final=record is None or record.is_final)
    LOG.append_keys(project=request.project, plan_id=request.plan_id, request_id=request.request_id)
    deps = _RemediationInvocation(sources, context, record)
    if request.request_id is None:
        return remediate_project(request, deps)
    from backup_auditor.adapters.aws.idempotency import answer_once  # noqa: PLC0415  not for direct invocations

    answer = answer_once(
        f"{request.project}/{request.request_id}",
        # without the result of each action: the log has them, and a stored answer must be small
        lambda: {name: it for name, it in remediate_project(request, deps).items() if name != "results"},
        verb="remediate",
        client=sources.aws.dynamodb,
        table=sources.settings.state_table,
        context=context,
        log=LOG,
    )
    return require_published(answer, request, deps)
