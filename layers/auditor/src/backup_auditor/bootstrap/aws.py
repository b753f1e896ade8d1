"""Share the wiring of the functions on AWS: time left, error log, and the registry, policies and secrets they read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Protocol

from backup_auditor.adapters.aws.config_sources import (
    CachedSource,
    SecretFormat,
    Source,
    fetch_document,
    fetch_secret,
    read_secret,
)
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.policy_file.built_in import load_built_in_policy
from backup_auditor.domain.outbox import EVENT_CHANNEL
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import BackupAuditorError, PolicyError
from backup_auditor.ports.messaging import Log
from backup_auditor.settings.functions import Registration


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
def log_errors(log: Log, *error_types: type[BackupAuditorError]) -> Iterator[None]:
    """Log an error of one of the types in one line, then raise it, so that Lambda retries the event."""
    try:
        yield
    except error_types as error:
        log.error(str(error), extra={"error": type(error).__name__})  # noqa: TRY400  Lambda adds the traceback
        raise


class _UncachedSource[Value]:
    """Fetch a value each time."""

    def __init__(self, fetch: Callable[[str], Value]) -> None:
        self._fetch = fetch

    def __call__(self, name: str, *, fresh: bool = False) -> Value:  # noqa: ARG002  it is always fresh
        return self._fetch(name)


class ConfigSources:
    """The registry, policies and secrets of one function process, and its AWS session.

    Without a cache each is read as it is now.
    """

    def __init__(self, registration: Registration, *, is_cached: bool = True) -> None:
        """Create the session and the sources. No client is created before its first use."""
        self.aws = AwsSession()
        self._registration = registration
        source_type = CachedSource if is_cached else _UncachedSource
        self._documents: Source[bytes] = source_type(partial(fetch_document, self.aws))
        self._secrets: Source[str | bytes] = source_type(partial(fetch_secret, self.aws))

    def load_registry(self, name: str | None = None, *, fresh: bool = False) -> Registry:
        """Return the registered projects. Raises `RegistryError` and `DocumentError`."""
        return load_projects(self._registration, self._documents, name=name, fresh=fresh)

    def load_policy(self, project: RegisteredProject) -> Policy:
        """Return the policy of a project. Raises `PolicyError` and `DocumentError`."""
        return load_project_policy(project, self._documents)

    def load_secret(self, name: str, secret_format: SecretFormat, *, fresh: bool = False) -> str:
        """Return the value in a secret. Raises `SecretError`."""
        return read_secret(name, secret_format, self._secrets, fresh=fresh)


def load_project_policy(project: RegisteredProject, documents: Source[bytes]) -> Policy:
    """Return the policy of a project. An invalid policy is read again, because it may be corrected by now.

    Raises `PolicyError` and `DocumentError`.
    """
    if project.policy is None:
        return load_built_in_policy()
    from backup_auditor.adapters.policy_file.loader import parse_policy  # noqa: PLC0415  pydantic, only for a file

    try:
        return parse_policy(documents(project.policy), project.policy)
    except PolicyError:
        return parse_policy(documents(project.policy, fresh=True), project.policy)


def load_projects(
    registration: Registration, documents: Source[bytes], *, name: str | None = None, fresh: bool = False
) -> Registry:
    """Return the registered projects, each with the channel of the events first.

    A cached registry without the project `name` is read again, because the project may be new. Raises `RegistryError`
    and `DocumentError`.
    """
    if registration.registry_address is None:
        registry = Registry(() if registration.single_project is None else (registration.single_project,))
    else:
        registry = _read_registry(registration, registration.registry_address, documents, fresh=fresh)
        if not fresh and name is not None and all(name != it.name for it in registry.projects):
            registry = _read_registry(registration, registration.registry_address, documents, fresh=True)
    projects = tuple(replace(it, channels=(EVENT_CHANNEL, *it.channels)) for it in registry.projects)
    return replace(registry, projects=projects)


def _read_registry(registration: Registration, address: str, documents: Source[bytes], *, fresh: bool) -> Registry:
    from backup_auditor.adapters.registry_file import RegistryDefaults, parse_registry  # noqa: PLC0415  YAML

    defaults = RegistryDefaults(registration.channels, registration.policy, registration.has_weekly_summary)
    return parse_registry(documents(address, fresh=fresh), address, defaults).filter_for_aws()
