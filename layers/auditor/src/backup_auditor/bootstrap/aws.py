"""Share the wiring of the functions on AWS: queue records, time left, error log, registry, policies and secrets."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property, partial
from typing import Protocol

from backup_auditor.adapters.aws.config_sources import SecretFormat, Source, fetch_document, fetch_secret, read_secret
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.domain.events import QueueRecord, read_records
from backup_auditor.domain.outbox import EVENT_CHANNEL, FleetChannel
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import PolicyError, describe_failure
from backup_auditor.ports.messaging import ContextLog, Log
from backup_auditor.settings.functions import FunctionSettings, read_function_settings


class LambdaContext(Protocol):
    """The context that Lambda passes to an invocation."""

    function_name: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left in milliseconds."""


def get_seconds_left(context: LambdaContext, reserved: float = 0.0) -> float:
    """Return the seconds left, without those that are reserved for later steps."""
    return context.get_remaining_time_in_millis() / 1000 - reserved


@contextmanager
def log_errors(log: Log) -> Iterator[None]:
    """Log an error in one line, then raise it, so that the event is retried."""
    try:
        yield
    except Exception as error:
        log.error(describe_failure(error), extra={"error": type(error).__name__})  # noqa: TRY400  the text can hold secrets
        raise


def answer_requests(
    event: object, answer: Callable[[object, QueueRecord | None], dict[str, object]], log: ContextLog
) -> dict[str, object]:
    """Answer a payload, or each record of a queue; `answer` gets a payload, and its record if there is one.

    The error of a payload is logged and raised. The error of a record is logged, and the record is named in the result,
    so that the queue sends it again.
    """
    with log_errors(log):
        records = read_records(event)
        if records is None:
            return answer(event, None)
    failed_ids = []
    for record in records:
        log.append_keys(attempt=record.attempt)
        try:
            with log_errors(log):
                answer(record.parse(), record)
        except Exception:  # noqa: BLE001  it is logged
            failed_ids.append(record.record_id)
    return {"batchItemFailures": [{"itemIdentifier": it} for it in failed_ids]}


class ConfigSources:
    """The settings of one function process, its AWS session, and the registry, policies and secrets that it reads.

    Without a cache each is read as it is now.
    """

    def __init__(self, settings: FunctionSettings, *, is_cached: bool = True) -> None:
        """Create the session and the sources. No client is created before its first use."""
        self.settings = settings
        self.aws = AwsSession()
        self._is_cached = is_cached
        self._documents = Source(partial(fetch_document, self.aws), is_cached=is_cached)

    @cached_property
    def _secrets(self) -> Source[str | bytes]:
        return Source(partial(fetch_secret, self.aws), is_cached=self._is_cached)

    def load_registry(self, name: str | None = None, *, fresh: bool = False) -> Registry:
        """Return the registered projects, each with the channel of the events first.

        Without a registry, the channels of the stack are those of the fleet, for messages about the organization.
        A cached registry without the project `name` is read again, because the project may be new. Raises
        `RegistryError` and `DocumentError`.
        """
        registration = self.settings.registration
        if registration.registry_address is None:
            registry = Registry(
                () if registration.single_project is None else (registration.single_project,),
                fleet_channels=tuple(map(FleetChannel, registration.channels)),
            )
        else:
            registry = self._read_registry(registration.registry_address, fresh=fresh)
            if not fresh and name is not None and all(name != it.name for it in registry.projects):
                registry = self._read_registry(registration.registry_address, fresh=True)
        projects = tuple(replace(it, channels=(EVENT_CHANNEL, *it.channels)) for it in registry.projects)
        return replace(registry, projects=projects)

    def _read_registry(self, address: str, *, fresh: bool) -> Registry:
        from backup_auditor.adapters.registry_file import RegistryDefaults, parse_registry  # noqa: PLC0415  YAML

        registration = self.settings.registration
        defaults = RegistryDefaults(registration.channels, registration.policy, registration.has_weekly_summary)
        return parse_registry(self._documents(address, fresh=fresh), address, defaults).filter_for_aws(
            registration.prefixes
        )

    def load_policy(self, project: RegisteredProject) -> Policy:
        """Return the policy of a project. An invalid policy is read again, because it may be corrected by now.

        Raises `PolicyError` and `DocumentError`.
        """
        if project.policy is None:
            return load_built_in_policy()
        from backup_auditor.adapters.policy_file.loader import parse_policy  # noqa: PLC0415  pydantic, only for a file

        try:
            return parse_policy(self._documents(project.policy), project.policy)
        except PolicyError:
            return parse_policy(self._documents(project.policy, fresh=True), project.policy)

    def load_secret[Value](self, name: str, secret_format: SecretFormat[Value], *, fresh: bool = False) -> Value:
        """Return the value in a secret. Raises `SecretError`."""
        return read_secret(name, secret_format, self._secrets, fresh=fresh)


@cache
def get_sources(function: str, *, is_cached: bool = True) -> ConfigSources:
    """Return the sources of this process; the first call creates them. Raises `SettingsError`."""
    return ConfigSources(read_function_settings(function, os.environ), is_cached=is_cached)
