"""The settings of each function, read from the environment that the template sets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.identifiers import (
    parse_document_address,
    parse_project_name,
    parse_secret_name,
    parse_topic_arn,
)
from backup_auditor.domain.outbox import Channel, ChannelKind, parse_min_severity
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import SettingsError
from backup_auditor.settings import variables as env
from backup_auditor.settings.variables import Variable, read_optional


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
    """The policy of registered projects that name none; `None` for the built-in policy."""
    has_weekly_summary: bool = False
    """Whether channels receive a weekly summary, unless the registry overrides it."""


def read_registration(
    environ: Mapping[str, str], *, needs_channels: bool = False, needs_key: bool = False, needs_editor_key: bool = False
) -> Registration:
    """Read the registry or the single project, with channels, key, policy and editor key only where needed.

    Raises `SettingsError`.
    """
    is_weekly = needs_channels and bool(read_optional(environ, env.WEEKLY_SUMMARY, _parse_flag))
    channels = _read_channels(environ, is_weekly=is_weekly) if needs_channels else ()
    registry_address = read_optional(environ, env.REGISTRY, parse_document_address)
    policy = read_optional(environ, env.POLICY, parse_document_address) if needs_key or needs_editor_key else None
    if registry_address is not None:
        return Registration(registry_address, None, channels, policy, is_weekly)
    single_project = RegisteredProject(
        name=read_required(environ, env.PROJECT_NAME, parse_project_name),
        secret=read_required(environ, env.API_KEY_SECRET, parse_secret_name) if needs_key else None,
        editor_secret=read_required(environ, env.EDITOR_KEY_SECRET, parse_secret_name) if needs_editor_key else None,
        policy=policy,
        channels=channels,
    )
    return Registration(None, single_project, channels, policy, is_weekly)


def _read_channels(environ: Mapping[str, str], *, is_weekly: bool) -> tuple[Channel, ...]:
    topic = read_optional(environ, env.ALERT_TOPIC, parse_topic_arn)
    topic_severity = read_optional(environ, env.ALERT_SEVERITY, parse_min_severity)
    webhook = read_optional(environ, env.SLACK_SECRET, parse_secret_name)
    webhook_severity = read_optional(environ, env.SLACK_SEVERITY, parse_min_severity)
    candidates = ((ChannelKind.SNS, topic, topic_severity), (ChannelKind.SLACK, webhook, webhook_severity))
    return tuple(
        Channel(kind, target, severity or Severity.LOW, is_weekly)
        for kind, target, severity in candidates
        if target is not None
    )


def read_required[Value](environ: Mapping[str, str], variable: Variable, parse: Callable[[str], Value]) -> Value:
    """Read a required variable. Raises `SettingsError`."""
    value = read_optional(environ, variable, parse)
    if value is None:
        raise SettingsError(f"{variable.name} is not set; the template sets it, so deploy the stack again")
    return value


def read_required_text(environ: Mapping[str, str], variable: Variable) -> str:
    """Read a required text. Raises `SettingsError`."""
    return read_required(environ, variable, str)


_MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """The settings of `dispatch`."""

    event_bus: str
    registration: Registration


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """The settings of `watch`."""

    state_table: str
    registration: Registration


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """The settings of `notify`."""

    state_table: str
    evidence_bucket: str
    event_bus: str
    registration: Registration


@dataclass(frozen=True, slots=True)
class RemediateSettings:
    """The settings of `remediate`, without those of the connection to Pinecone."""

    state_table: str
    event_bus: str
    registration: Registration


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The settings of `audit`, without those of the connection to Pinecone."""

    state_table: str
    evidence_bucket: str
    event_bus: str
    registration: Registration
    ping_url_secret: str | None
    retention: timedelta | None
    """How long records of audits are stored; `None` for ever."""


def read_dispatch_settings(environ: Mapping[str, str]) -> DispatchSettings:
    """Read the settings of `dispatch`. Raises `SettingsError`, as all of these do."""
    return DispatchSettings(read_required_text(environ, env.EVENT_BUS), read_registration(environ))


def read_watch_settings(environ: Mapping[str, str]) -> WatchSettings:
    """Read the settings of `watch`."""
    return WatchSettings(read_required_text(environ, env.STATE_TABLE), read_registration(environ))


def read_notify_settings(environ: Mapping[str, str]) -> NotifySettings:
    """Read the settings of `notify`."""
    return NotifySettings(
        state_table=read_required_text(environ, env.STATE_TABLE),
        evidence_bucket=read_required_text(environ, env.EVIDENCE_BUCKET),
        event_bus=read_required_text(environ, env.EVENT_BUS),
        registration=read_registration(environ, needs_channels=True),
    )


def read_remediate_settings(environ: Mapping[str, str]) -> RemediateSettings:
    """Read the settings of `remediate`."""
    return RemediateSettings(
        state_table=read_required_text(environ, env.STATE_TABLE),
        event_bus=read_required_text(environ, env.EVENT_BUS),
        registration=read_registration(environ, needs_editor_key=True),
    )


def read_audit_settings(environ: Mapping[str, str]) -> AuditSettings:
    """Read the settings of `audit`."""
    return AuditSettings(
        state_table=read_required_text(environ, env.STATE_TABLE),
        evidence_bucket=read_required_text(environ, env.EVIDENCE_BUCKET),
        event_bus=read_required_text(environ, env.EVENT_BUS),
        registration=read_registration(environ, needs_channels=True, needs_key=True),
        ping_url_secret=read_optional(environ, env.PING_URL_SECRET, parse_secret_name),
        retention=read_optional(environ, env.AUDIT_RETENTION_DAYS, _parse_retention),
    )


def _parse_flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("is not a boolean; set it to true or false")
    return text == "true"


def _parse_retention(text: str) -> timedelta | None:
    if re.fullmatch(r"[0-9]{1,5}", text) is None or int(text) > _MAX_DAYS:
        raise ValueError(f"is not a number of days; set it to a whole number from 0 to {_MAX_DAYS}")
    return timedelta(days=int(text)) or None
