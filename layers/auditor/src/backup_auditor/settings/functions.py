"""The settings of each function, read from the environment that the template sets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.identifiers import (
    parse_base_url,
    parse_document_address,
    parse_project_name,
    parse_secret_name,
    parse_topic_arn,
)
from backup_auditor.domain.outbox import Channel, ChannelKind, parse_min_severity
from backup_auditor.domain.registry import ANY_NAMES, NamePrefixes, RegisteredProject
from backup_auditor.errors import SettingsError
from backup_auditor.settings import variables as env
from backup_auditor.settings.variables import VARIABLES_BY_FUNCTION, Variable, read_text

_MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Registration:
    """The registry, or the single project of the stack."""

    registry_address: str | None
    """The address of the registry; `None` with a single project."""
    single_project: RegisteredProject | None
    """The single project with its channels; `None` with a registry."""
    channels: tuple[Channel, ...] = ()
    """The channels of registered projects that have none of their own."""
    policy: str | None = None
    """The policy of registered projects without a policy of their own; `None` for the built-in policy."""
    has_weekly_summary: bool = False
    """Whether channels receive a weekly summary, unless the registry overrides it."""
    prefixes: NamePrefixes = ANY_NAMES
    """How the names in the registry must begin."""


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """The settings of a function, without those of the connection to Pinecone. One that it does not read is empty."""

    stack: str
    state_table: str
    evidence_bucket: str
    event_bus: str
    registration: Registration
    report_base_url: str | None
    """Where people open reports; `None` for the S3 console."""
    ping_url_secret: str | None
    organization_secret: str | None
    """The secret with a service account of the organization; `None` without discovery."""
    retention: timedelta | None
    """How long records of audits and of pages of the fleet are stored; `None` is without limit."""


def read_function_settings(function: str, environ: Mapping[str, str]) -> FunctionSettings:
    """Read the settings of a function, from its variables only. Raises `SettingsError`."""
    variables = _FunctionVariables(function, environ)
    return FunctionSettings(
        stack=variables.require(env.STACK_NAME, str) or "",
        state_table=variables.require(env.STATE_TABLE, str) or "",
        evidence_bucket=variables.require(env.EVIDENCE_BUCKET, str) or "",
        event_bus=variables.require(env.EVENT_BUS, str) or "",
        registration=_read_registration(variables),
        report_base_url=variables.read(env.REPORT_BASE_URL, parse_base_url),
        ping_url_secret=variables.read(env.PING_URL_SECRET, parse_secret_name),
        organization_secret=variables.read(env.ORGANIZATION_SECRET, parse_secret_name),
        retention=variables.read(env.AUDIT_RETENTION_DAYS, _parse_retention),
    )


class _FunctionVariables:
    """The environment as far as it is meant for one function."""

    def __init__(self, function: str, environ: Mapping[str, str]) -> None:
        self._variables = VARIABLES_BY_FUNCTION[function]
        self._environ = environ

    def read[Value](self, variable: Variable, parse: Callable[[str], Value]) -> Value | None:
        """Return a value, `None` without one. The error does not show it."""
        text = read_text(self._environ, variable) if variable in self._variables else ""
        try:
            return parse(text) if text else None
        except ValueError as error:
            raise SettingsError(f"{variable.name} {error}") from None

    def require[Value](self, variable: Variable, parse: Callable[[str], Value]) -> Value | None:
        """Return a value, `None` only if the variable is not meant for the function."""
        value = self.read(variable, parse)
        if value is None and variable in self._variables:
            raise SettingsError(f"{variable.name} is not set; the template sets it, so deploy the stack again")
        return value


def _read_registration(variables: _FunctionVariables) -> Registration:
    is_weekly = bool(variables.read(env.WEEKLY_SUMMARY, _parse_flag))
    channels = _read_channels(variables, is_weekly=is_weekly)
    registry_address = variables.read(env.REGISTRY, parse_document_address)
    policy = variables.read(env.POLICY, parse_document_address)
    prefixes = _read_prefixes(variables)
    if registry_address is not None:
        return Registration(registry_address, None, channels, policy, is_weekly, prefixes)
    single_project = RegisteredProject(
        name=variables.require(env.PROJECT_NAME, parse_project_name) or "",
        secret=variables.require(env.API_KEY_SECRET, parse_secret_name),
        editor_secret=variables.require(env.EDITOR_KEY_SECRET, parse_secret_name),
        drill_secret=variables.require(env.DRILL_KEY_SECRET, parse_secret_name),
        policy=policy,
        channels=channels,
    )
    return Registration(None, single_project, channels, policy, is_weekly, prefixes)


def _read_prefixes(variables: _FunctionVariables) -> NamePrefixes:
    name_prefix = variables.require(env.NAME_PREFIX, str)
    topics = (variables.read(env.ALERT_TOPIC, str), variables.require(env.TOPIC_PREFIX, str))
    return NamePrefixes(
        keys=f"{name_prefix}keys/",
        webhooks=f"{name_prefix}webhooks/",
        pings=f"{name_prefix}pings/",
        editor_keys=variables.require(env.EDITOR_NAME_PREFIX, str),
        drill_keys=variables.require(env.DRILL_NAME_PREFIX, str),
        topics=tuple(it for it in topics if it is not None),
    )


def _read_channels(variables: _FunctionVariables, *, is_weekly: bool) -> tuple[Channel, ...]:
    topic = variables.read(env.ALERT_TOPIC, parse_topic_arn)
    topic_severity = variables.read(env.ALERT_SEVERITY, parse_min_severity)
    webhook = variables.read(env.SLACK_SECRET, parse_secret_name)
    webhook_severity = variables.read(env.SLACK_SEVERITY, parse_min_severity)
    candidates = ((ChannelKind.SNS, topic, topic_severity), (ChannelKind.SLACK, webhook, webhook_severity))
    return tuple(
        Channel(kind, target, severity or Severity.LOW, is_weekly)
        for kind, target, severity in candidates
        if target is not None
    )


def _parse_flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("is not a boolean; set it to true or false")
    return text == "true"


def _parse_retention(text: str) -> timedelta | None:
    if re.fullmatch(r"[0-9]{1,5}", text) is None or int(text) > _MAX_DAYS:
        raise ValueError(f"is not a number of days; set it to a whole number from 0 to {_MAX_DAYS}")
    return timedelta(days=int(text)) or None
