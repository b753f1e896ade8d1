"""Wire the function `remediate`, the only one that has a key with write access."""

import os
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from aws_lambda_powertools import Logger

from backup_auditor.adapters.aws import metrics
from backup_auditor.adapters.aws.config_sources import PINECONE_KEY
from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.adapters.dynamodb.remediation_log import DynamoRemediationLog
from backup_auditor.application.remediation.reconcile import RemediationDependencies, require_published
from backup_auditor.application.remediation.service import remediate_project
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import ConfigSources, LambdaContext, get_seconds_left, log_errors
from backup_auditor.bootstrap.pinecone import open_project
from backup_auditor.bootstrap.remediation import open_project_for_changes
from backup_auditor.domain.events import read_remediation_request
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import BackupAuditorError, SecretError
from backup_auditor.ports.pinecone import ProjectReader, ProjectWriter
from backup_auditor.settings.functions import RemediateSettings, read_remediate_settings
from backup_auditor.settings.pinecone import PineconeSettings, read_settings_with_key

LOG = Logger(service="remediate")
_SECONDS_FOR_ACTIONS = 300.0
"""Seconds reserved for the actions, which reading may not use."""
_SECONDS_AFTER_ACTIONS = 60.0
"""Seconds reserved for the steps after the last action."""


class Remediator:
    """The parts of the function that one process reuses for all its invocations.

    Keys and policies are not among them: a policy that says `never` is in force at once.
    """

    def __init__(self, settings: RemediateSettings, log: Logger) -> None:
        """Create the sources. No client is created before its first use."""
        self.settings = settings
        self.log = log
        self.sources = ConfigSources(settings.registration, is_cached=False)

    def remediate(self, event: object, context: LambdaContext) -> dict[str, object]:
        """Remediate the project of an event or a payload, once per event. Raises what prevents it."""
        request = read_remediation_request(event)
        self.log.append_keys(project=request.project, plan_id=request.plan_id, request_id=request.request_id)
        deps = _RemediationInvocation(self, context)
        if request.request_id is None:
            return remediate_project(request, deps)
        from backup_auditor.adapters.aws.idempotency import answer_once  # noqa: PLC0415  not for direct invocations

        answer = answer_once(
            f"{request.project}/{request.request_id}",
            lambda: _drop_results(remediate_project(request, deps)),
            verb="remediate",
            client=self.sources.aws.dynamodb,
            table=self.settings.state_table,
            context=context,
            log=self.log,
        )
        return require_published(answer, request.project, deps)


class _RemediationInvocation(RemediationDependencies):
    """The dependencies of one invocation, limited by the time that it has left."""

    emit = staticmethod(metrics.emit)

    def __init__(self, remediator: Remediator, context: LambdaContext) -> None:
        settings, aws = remediator.settings, remediator.sources.aws
        self._sources = remediator.sources
        self._context = context
        self.remediation_log = DynamoRemediationLog(aws.dynamodb, settings.state_table)
        self.bus = EventBus(aws.events, settings.event_bus)
        self.log = remediator.log
        self.actor = f"{context.function_name} {context.aws_request_id}"

    def now(self) -> datetime:
        return runtime.now()

    def load_registry(self, name: str | None) -> Registry:
        return self._sources.load_registry(name)

    def load_policy(self, project: RegisteredProject) -> Policy:
        return self._sources.load_policy(project)

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
        return open_project_for_changes(self._make_settings(key, _SECONDS_AFTER_ACTIONS))

    def seconds_left(self) -> float:
        return get_seconds_left(self._context)

    def _make_settings(self, key: str, reserved: float) -> PineconeSettings:
        settings = read_settings_with_key(os.environ, key)
        time_left = timedelta(seconds=max(get_seconds_left(self._context, reserved), 1))
        return replace(settings, deadline=min(settings.deadline, time_left))


def _drop_results(answer: dict[str, object]) -> dict[str, object]:
    """Return the answer without the result of each action: the log has them, and a stored answer must be small."""
    return {name: it for name, it in answer.items() if name != "results"}


@cache
def get_remediator() -> Remediator:
    """Return the remediator of this process. Raises `SettingsError`."""
    return Remediator(read_remediate_settings(os.environ), LOG)


def handle(event: object, context: LambdaContext) -> dict[str, object]:
    """Remediate the project of an event or a payload. Errors are logged and raised, so that Lambda retries."""
    with log_errors(LOG, BackupAuditorError):
        return get_remediator().remediate(event, context)
