"""What the function `remediate` is made of: the only one that holds a key by which a project can be changed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Protocol

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws import metrics
from backup_auditor.adapters.aws.config_sources import PINECONE_KEY, fetch_document, fetch_secret, secret
from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.dynamodb.remediation_log import DynamoRemediationLog
from backup_auditor.application.remediation.reconcile import RemediationDependencies, require_published
from backup_auditor.application.remediation.service import remediate_project
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import policy_of, projects_of
from backup_auditor.bootstrap.local import connection_of, open_project
from backup_auditor.domain.events import read_remediation_request
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import BackupAuditorError, SecretError
from backup_auditor.ports.pinecone import ProjectWriter
from backup_auditor.settings.functions import RemediateSettings, remediate_settings
from backup_auditor.settings.pinecone import Settings, settings_with

LOG = Logger(service="remediate")
_TO_ACT = 300.0
"""Seconds that are kept from reading, for what is done by it."""
_TO_CONCLUDE = 60.0
"""Seconds that are kept for what follows the last action."""


class Context(Protocol):
    """What Lambda says of an invocation."""

    function_name: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time is left."""


class Remediator:
    """Puts projects right, one invocation after the other.

    Nothing is remembered from one to the next, no key and no policy: one that says `never` holds from that moment on.
    """

    def __init__(self, settings: RemediateSettings, log: Logger) -> None:
        """Make nothing that takes time."""
        self._settings = settings
        self._log = log
        self._aws = AwsSession()

    def remediate(self, event: object, context: Context) -> dict[str, object]:
        """Put right what an event, the same event once, or a payload asks for. Raises what keeps it from that."""
        request = read_remediation_request(event)
        self._log.append_keys(project=request.project, plan_id=request.plan_id, request_id=request.request_id)
        world = self._world(context)
        if request.request_id is None:
            return remediate_project(request, world)
        from backup_auditor.adapters.aws.idempotency import once  # noqa: PLC0415  who invokes it directly does without

        answer = once(
            f"{request.project}/{request.request_id}",
            lambda: _kept(remediate_project(request, world)),
            verb="remediate",
            client=self._aws.dynamodb,
            table=self._settings.state_table,
            context=context,
            log=self._log,
        )
        return require_published(answer, request.project, world)

    def _world(self, context: Context) -> RemediationDependencies:
        settings, aws, documents = self._settings, self._aws, self._document

        def seconds_left() -> float:
            return context.get_remaining_time_in_millis() / 1000

        return RemediationDependencies(
            registry=lambda wanted: projects_of(settings.registration, documents, wanted=wanted),
            policy=lambda project: policy_of(project, documents),
            key=self._key,
            open_reader=lambda key: open_project(_within(key, seconds_left() - _TO_ACT)),
            open_writer=lambda key: _open_writer(_within(key, seconds_left() - _TO_CONCLUDE)),
            remembered=DynamoRemediationLog(aws.dynamodb, settings.state_table),
            bus=EventBus(aws.events, settings.event_bus),
            emit=metrics.emit,
            log=self._log,
            now=runtime.now,
            seconds_left=seconds_left,
            who=f"{context.function_name} {context.aws_request_id}",
        )

    def _key(self, project: RegisteredProject) -> str:
        """Return the key that may write, as its secret holds it now. Raises `SecretError`."""
        if project.editor_secret is None:
            raise SecretError(
                f"the project {project.name} has no editor_secret, and it is put right with a key that may write; "
                "add it to the registry"
            )
        return secret(project.editor_secret, PINECONE_KEY, self._fetch)

    def _document(self, name: str, *, fresh: bool = False) -> bytes:  # noqa: ARG002  nothing is remembered
        return fetch_document(self._aws, name)

    def _fetch(self, name: str, *, fresh: bool = False) -> str | bytes:  # noqa: ARG002  nothing is remembered
        return fetch_secret(self._aws, name)


def _kept(answer: dict[str, object]) -> dict[str, object]:
    """Return what is kept of the answer to an event: what became of each action is in the log, and an item is small."""
    return {name: it for name, it in answer.items() if name != "results"}


def _within(key: str, seconds: float) -> Settings:
    settings = settings_with(os.environ, key)
    return replace(settings, deadline=min(settings.deadline, timedelta(seconds=max(seconds, 1))))


@contextmanager
def _open_writer(settings: Settings) -> Iterator[ProjectWriter]:
    from backup_auditor.adapters.pinecone.writer import open_writer  # noqa: PLC0415  a plan may hold nothing to do

    with open_writer(connection_of(settings)) as writer:
        yield writer.remedies


@cache
def remediator() -> Remediator:
    """Return what this process puts right with. Raises `SettingsError`."""
    return Remediator(remediate_settings(os.environ), LOG)


def handle(event: object, context: Context) -> dict[str, object]:
    """Put right what is asked for; what keeps it from that is logged, and raised so that it comes again."""
    try:
        return remediator().remediate(event, context)
    except BackupAuditorError as error:
        LOG.error(str(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        raise
