"""What the function `audit` is made of. It lives as long as the function's process: clients and secrets are kept."""

import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial
from typing import Protocol

from aws_lambda_powertools import Logger

from backup_auditor.adapters import metrics
from backup_auditor.adapters.aws_session import AwsSession
from backup_auditor.adapters.documents import fetch_document
from backup_auditor.adapters.dynamodb_state.store import DynamoState
from backup_auditor.adapters.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.remembered import Remembered
from backup_auditor.adapters.secrets import PINECONE_KEY, PING_URL, SLACK_WEBHOOK, fetch_secret, secret
from backup_auditor.bootstrap import clock
from backup_auditor.bootstrap.pinecone import open_project
from backup_auditor.bootstrap.policies import policy_of
from backup_auditor.bootstrap.projects import EVENTS, projects_of
from backup_auditor.domain.alerting.channel import ChannelKind
from backup_auditor.domain.audit_request import read_request
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import RequestError, SecretError, SettingsError
from backup_auditor.ports.nightly import NightlyWorld
from backup_auditor.ports.reading import ProjectReader
from backup_auditor.service.nightly import audit_registered
from backup_auditor.settings.functions import AuditSettings, audit_settings
from backup_auditor.settings.pinecone import settings_with

LOG = Logger(service="audit")
_TO_CONCLUDE = 60.0
"""Seconds that are kept for what follows the reading: an audit ends incomplete rather than killed."""
_FOR_THE_END = 5.0
"""Seconds that are kept for what follows the events: one that is killed is another audit."""


class Context(Protocol):
    """What Lambda says of an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time is left."""


class Nightly:
    """Audits, one invocation after the other."""

    def __init__(self, settings: AuditSettings, log: Logger) -> None:
        """Make nothing that takes time."""
        self.settings = settings
        self.log = log
        self.aws = AwsSession()
        self.documents = Remembered(partial(fetch_document, self.aws))
        self.secrets = Remembered(partial(fetch_secret, self.aws))

    def audit(self, event: object, context: Context) -> dict[str, object]:
        """Audit what an event or a payload asks for, the same event once. Raises what keeps it from being audited."""
        request = read_request(event)
        self.log.append_keys(project=request.project, request_id=request.request_id)
        world = _Invocation(self, context).world()
        if request.request_id is None:
            return audit_registered(request, world)
        from backup_auditor.adapters.idempotency import once  # noqa: PLC0415  who invokes it directly does without

        key = f"{request.project}/{request.request_id}"  # who asks for several under one id means each of them
        answer, client, table = partial(audit_registered, request, world), self.aws.dynamodb, self.settings.state_table
        return once(key, answer, verb="audit", client=client, table=table, context=context, log=self.log)

    def key(self, project: RegisteredProject, *, fresh: bool = False) -> str:
        """Return the key of a project. Raises `SecretError`."""
        if project.secret is None:
            raise SecretError(f"the project {project.name} has no secret; add the one that holds its key")
        return secret(project.secret, PINECONE_KEY, self.secrets, fresh=fresh)

    def ping(self) -> None:
        """Call whoever waits for it, if there is anybody. Raises `DeliveryError` and `SecretError`."""
        name = self.settings.ping_url_secret
        if name is not None:
            from backup_auditor.adapters.ping import ping  # noqa: PLC0415  not everybody wants it

            ping(secret(name, PING_URL, self.secrets), name)


@dataclass(frozen=True, slots=True)
class _Invocation:
    """What one invocation adds: the time that is left."""

    all: Nightly
    context: Context

    def world(self) -> NightlyWorld:
        settings, aws, documents = self.all.settings, self.all.aws, self.all.documents
        return NightlyWorld(
            registry=lambda wanted: projects_of(settings.registration, documents, wanted=wanted),
            policy=lambda project: policy_of(project, documents),
            key=self.all.key,
            open_reader=self._open,
            store=lambda: DynamoState(aws.dynamodb, settings.state_table, retention=settings.retention),
            evidence=lambda: EvidenceBucket(aws.s3, settings.evidence_bucket),
            tell=self._tell,
            ping=self.all.ping,
            emit=metrics.emit,
            log=self.all.log,
            now=clock.now,
            monotonic=time.monotonic,
        )

    def _seconds_left(self) -> float:
        return self.context.get_remaining_time_in_millis() / 1000

    def _open(self, key: str) -> AbstractContextManager[ProjectReader]:
        settings = settings_with(os.environ, key)
        left = timedelta(seconds=max(self._seconds_left() - _TO_CONCLUDE, 1))
        return open_project(replace(settings, deadline=min(settings.deadline, left)))

    def _tell(self, project: str) -> None:
        from backup_auditor.bootstrap.delivery import DeliveryPlaces, delivery_means  # noqa: PLC0415  at the end
        from backup_auditor.service.delivering import deliver  # noqa: PLC0415  as above
        from backup_auditor.service.delivery.registered import Address  # noqa: PLC0415  as above

        its = self.all.settings
        webhook_in = partial(secret, sort=SLACK_WEBHOOK, read=self.all.secrets)
        places = DeliveryPlaces(its.state_table, its.evidence_bucket, its.event_bus, webhook_in)
        means = delivery_means(self.all.aws, places, lambda: self._seconds_left() - _FOR_THE_END, self.all.log)
        deliver(means, lambda _message: Address(EVENTS), project, ChannelKind.EVENTS)


@cache
def nightly() -> Nightly:
    """Return what this process audits with. Raises `SettingsError`."""
    return Nightly(audit_settings(os.environ), LOG)


def handle(event: object, context: Context) -> dict[str, object]:
    """Audit what an event or a payload asks for. What keeps it from that is logged, and raised: it will come again."""
    try:
        return nightly().audit(event, context)
    except (RequestError, SettingsError) as error:  # what comes later is logged where it happens
        LOG.error(str(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        raise
