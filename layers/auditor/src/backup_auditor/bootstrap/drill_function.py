"""Wire the function `drill`, the only one that has a key for restore drills, which can delete indexes."""

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws import metrics
from backup_auditor.adapters.aws.config_sources import PINECONE_KEY
from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.adapters.dynamodb.drill_ledger import DynamoDrillLedger
from backup_auditor.application.requests import list_drilled_projects, request_drills
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources, LambdaContext, answer_requests, get_seconds_left, get_sources
from backup_auditor.domain.events import DrillRunRequest, QueueRecord, is_check_request, read_drill_request
from backup_auditor.domain.model import Deployment, Index
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import SecretError
from backup_auditor.ports.drills import DrillArchive, DrillLedger, DrillProject
from backup_auditor.ports.messaging import Bus, ContextLog, MetricEmitter
from backup_auditor.ports.pinecone import ProjectReader
from backup_auditor.settings.pinecone import PineconeSettings, read_settings_with_key

LOG = Logger(service="drill")
_SECONDS_FOR_DRILLS = 420.0
"""Seconds reserved for the drills, which the audit may not use."""
_MAX_CALL_TIME = timedelta(seconds=90)
"""How long one call of a drill may take, retries included. A verification, which is many reads, is one call."""
_SECONDS_AFTER_EVENTS = 5.0
"""Seconds reserved for the steps after the requests of a sweep."""


class _DrillInvocation:
    """The dependencies of one invocation, limited by the time that it has left."""

    log: ContextLog = LOG

    def __init__(self, sources: ConfigSources, context: LambdaContext, request: DrillRunRequest) -> None:
        settings = sources.settings
        self._sources = sources
        self._context = context
        self.load_registry = sources.load_registry
        self.load_policy = sources.load_policy
        self.emit: MetricEmitter = partial(metrics.emit, stack=settings.stack)
        self.ledger: DrillLedger = DynamoDrillLedger(sources.aws.dynamodb, settings.state_table)
        self.archive: DrillArchive = EvidenceBucket(sources.aws.s3, settings.evidence_bucket)
        self.bus: Bus = EventBus(sources.aws.events, settings.event_bus)
        self.actor = f"{context.function_name} {request.request_id}"

    def now(self) -> datetime:
        return runtime.now()

    def make_seed(self) -> str:
        return token_hex(8)

    def load_key(self, project: RegisteredProject) -> str:
        if project.drill_secret is None:
            raise SecretError(
                f"project {project.name} has no drill_secret; add the secret that holds its key for restore drills to"
                " the registry"
            )
        return self._sources.load_secret(project.drill_secret, PINECONE_KEY)

    def load_state(self, project: str) -> ProjectState:
        from backup_auditor.adapters.dynamodb.state_store import DynamoStateReader  # noqa: PLC0415  not for a sweep

        return DynamoStateReader(self._sources.aws.dynamodb, self._sources.settings.state_table).load(project)

    def open_reader(self, key: str) -> AbstractContextManager[ProjectReader]:
        from backup_auditor.bootstrap.pinecone import open_project  # noqa: PLC0415  not for a sweep

        settings = read_settings_with_key(os.environ, key)
        time_left = timedelta(seconds=max(get_seconds_left(self._context, _SECONDS_FOR_DRILLS), 1))
        return open_project(replace(settings, deadline=min(settings.deadline, time_left)))

    def open_project(self, key: str) -> AbstractContextManager[DrillProject]:
        return _open_drill_project(replace(read_settings_with_key(os.environ, key), deadline=_MAX_CALL_TIME))

    def seconds_left(self) -> float:
        return get_seconds_left(self._context)


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Run or continue the drills of a payload and return them, or those of queue records and return which failed."""
    return answer_requests(event, partial(_answer, context), LOG)


def _answer(context: LambdaContext, payload: object, record: QueueRecord | None) -> dict[str, object]:
    """Run or continue the drills of one project, or request those of all."""
    if record is None and is_check_request(payload):
        from backup_auditor.bootstrap.check import check_drill  # noqa: PLC0415  only for a check

        return check_drill(context, _check_record_access)
    # keys and policies are not cached: a policy that says `never` is in force at once
    sources = get_sources("drill", is_cached=False)
    request = read_drill_request(payload, context.aws_request_id, record)
    LOG.append_keys(project=request.project, request_id=request.request_id)
    if request.project is None:
        bus = EventBus(sources.aws.events, sources.settings.event_bus)
        seconds_left = partial(get_seconds_left, context, _SECONDS_AFTER_EVENTS)
        return request_drills(request, _list_projects(request, sources), bus, LOG, seconds_left)
    from backup_auditor.application.drills.project_drill import drill_project  # noqa: PLC0415  not for requests

    return drill_project(request.project, request, _DrillInvocation(sources, context, request))


def _open_drill_project(settings: PineconeSettings) -> AbstractContextManager[DrillProject]:
    from backup_auditor.adapters.pinecone.restores import open_drill_project  # noqa: PLC0415  not for a sweep of nothing
    from backup_auditor.bootstrap.pinecone import make_connection  # noqa: PLC0415  not for a sweep of nothing

    return open_drill_project(make_connection(settings))


def _check_record_access(indexes: Iterable[Index], settings: PineconeSettings) -> None:
    """Raise any `PineconeError` unless the key may read the records of the first index that can be read from here."""
    index = next((it for it in indexes if not it.is_initializing and it.deployment is not Deployment.BYOC), None)
    if index is not None:
        with _open_drill_project(settings) as drill_project:
            drill_project.check_access(index.name)


def _list_projects(request: DrillRunRequest, sources: ConfigSources) -> Sequence[str]:
    """Return the projects with drills in progress for a sweep, else all that have a key for restore drills."""
    if request.is_sweep:
        ledger = DynamoDrillLedger(sources.aws.dynamodb, sources.settings.state_table)
        return ledger.list_projects_in_progress()
    return list_drilled_projects(sources.load_registry(), LOG)
