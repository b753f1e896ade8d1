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
from backup_auditor.adapters.aws.config_sources import PINECONE_KEY, fetch_document, fetch_secret, read_secret
from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.dynamodb.remediation_log import DynamoRemediationLog
from backup_auditor.application.remediation.reconcile import RemediationDependencies, require_published
from backup_auditor.application.remediation.service import remediate_project
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import load_project_policy, load_projects
from backup_auditor.bootstrap.local import make_connection, open_project
from backup_auditor.domain.events import read_remediation_request
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import BackupAuditorError, SecretError
from backup_auditor.ports.pinecone import ProjectWriter
from backup_auditor.settings.functions import RemediateSettings, read_remediate_settings
from backup_auditor.settings.pinecone import PineconeSettings, read_settings_with_key

LOG = Logger(service="remediate")
_SECONDS_FOR_ACTIONS = 300.0
"""Seconds that are kept from reading, for what is done by it."""
_SECONDS_AFTER_ACTIONS = 60.0
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
        deps = self._make_dependencies(context)
        if request.request_id is None:
            return remediate_project(request, deps)
        from backup_auditor.adapters.aws.idempotency import answer_once  # noqa: PLC0415  who invokes it directly does without

        answer = answer_once(
            f"{request.project}/{request.request_id}",
            lambda: _drop_results(remediate_project(request, deps)),
            verb="remediate",
            client=self._aws.dynamodb,
            table=self._settings.state_table,
            context=context,
            log=self._log,
        )
        return require_published(answer, request.project, deps)

    def _make_dependencies(self, context: Context) -> RemediationDependencies:
        settings, aws, fetch_policy_document = self._settings, self._aws, self._fetch_document

        def seconds_left() -> float:
            return context.get_remaining_time_in_millis() / 1000

        return RemediationDependencies(
            load_registry=lambda name: load_projects(settings.registration, fetch_policy_document, name=name),
            load_policy=lambda project: load_project_policy(project, fetch_policy_document),
            load_key=self._load_key,
            open_reader=lambda key: open_project(_make_settings(key, seconds_left() - _SECONDS_FOR_ACTIONS)),
            open_writer=lambda key: _open_writer(_make_settings(key, seconds_left() - _SECONDS_AFTER_ACTIONS)),
            remediation_log=DynamoRemediationLog(aws.dynamodb, settings.state_table),
            bus=EventBus(aws.events, settings.event_bus),
            emit=metrics.emit,
            log=self._log,
            now=runtime.now,
            seconds_left=seconds_left,
            actor=f"{context.function_name} {context.aws_request_id}",
        )

    def _load_key(self, project: RegisteredProject) -> str:
        """Return the key that may write, as its secret holds it now. Raises `SecretError`."""
        if project.editor_secret is None:
            raise SecretError(
                f"the project {project.name} has no editor_secret, and it is put right with a key that may write; "
                "add it to the registry"
            )
        return read_secret(project.editor_secret, PINECONE_KEY, self._fetch_secret)

    def _fetch_document(self, name: str, *, fresh: bool = False) -> bytes:  # noqa: ARG002  nothing is remembered
        return fetch_document(self._aws, name)

    def _fetch_secret(self, name: str, *, fresh: bool = False) -> str | bytes:  # noqa: ARG002  nothing is remembered
        return fetch_secret(self._aws, name)


def _drop_results(answer: dict[str, object]) -> dict[str, object]:
    """Return what is kept of the answer to an event: what became of each action is in the log, and an item is small."""
    return {name: it for name, it in answer.items() if name != "results"}


def _make_settings(key: str, seconds: float) -> PineconeSettings:
    settings = read_settings_with_key(os.environ, key)
    return replace(settings, deadline=min(settings.deadline, timedelta(seconds=max(seconds, 1))))


@contextmanager
def _open_writer(settings: PineconeSettings) -> Iterator[ProjectWriter]:
    from backup_auditor.adapters.pinecone.writer import open_writer  # noqa: PLC0415  a plan may hold nothing to do

    with open_writer(make_connection(settings)) as writer:
        yield writer.project


@cache
def get_remediator() -> Remediator:
    """Return what this process puts right with. Raises `SettingsError`."""
    return Remediator(read_remediate_settings(os.environ), LOG)


def handle(event: object, context: Context) -> dict[str, object]:
    """Put right what is asked for; what keeps it from that is logged, and raised so that it comes again."""
    try:
        return get_remediator().remediate(event, context)
    except BackupAuditorError as error:
        LOG.error(str(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        raise
