"""The settings of each function, read from the environment that the template sets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.identifiers import document_address, project_name, secret_name, topic_arn
from backup_auditor.domain.outbox import Channel, ChannelKind, least_severity, weekly_all_clear
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import SettingsError
from backup_auditor.settings import variables as its
from backup_auditor.settings.variables import Variable, read_named


@dataclass(frozen=True, slots=True)
class Registration:
    """Where it is said which projects there are."""

    document: str | None
    """The address of the registry; `None` where there is one project, which needs none."""
    only: RegisteredProject | None
    """That project, with its channels; `None` where there is a registry."""
    channels: tuple[Channel, ...] = ()
    """Where the alerts of a registered project go that has no channels of its own."""
    policy: str | None = None
    """The policy of a registered project that names none; `None` for the built-in one."""
    tells_all_is_well: bool = False
    """Whether channels hear weekly that nothing is open, unless the registry says otherwise."""


def registration(
    environ: Mapping[str, str], *, is_told: bool = False, is_read: bool = False, is_edited: bool = False
) -> Registration:
    """Read which projects there are; `is_told` with where alerts go, `is_read` with the key and the policy.

    `is_edited` has the key that may write in the place of the one that reads. Raises `SettingsError`.
    """
    is_weekly = is_told and bool(read_named(environ, its.ALL_IS_WELL, weekly_all_clear))
    channels = _channels(environ, is_weekly=is_weekly) if is_told else ()
    document = read_named(environ, its.REGISTRY, document_address)
    policy = read_named(environ, its.POLICY, document_address) if is_read or is_edited else None
    if document is not None:
        return Registration(document, None, channels, policy, is_weekly)
    only = RegisteredProject(
        name=required(environ, its.PROJECT_NAME, project_name),
        secret=required(environ, its.API_KEY_SECRET, secret_name) if is_read else None,
        editor_secret=required(environ, its.EDITOR_KEY_SECRET, secret_name) if is_edited else None,
        policy=policy,
        channels=channels,
    )
    return Registration(None, only, channels, policy, is_weekly)


def _channels(environ: Mapping[str, str], *, is_weekly: bool) -> tuple[Channel, ...]:
    topic = read_named(environ, its.ALERT_TOPIC, topic_arn)
    topic_severity = read_named(environ, its.ALERT_SEVERITY, least_severity)
    webhook = read_named(environ, its.SLACK_SECRET, secret_name)
    webhook_severity = read_named(environ, its.SLACK_SEVERITY, least_severity)
    found = ((ChannelKind.SNS, topic, topic_severity), (ChannelKind.SLACK, webhook, webhook_severity))
    return tuple(
        Channel(kind, target, least or Severity.LOW, is_weekly) for kind, target, least in found if target is not None
    )


def required[Value](environ: Mapping[str, str], variable: Variable, parse: Callable[[str], Value]) -> Value:
    """Read a variable that has to be there. Raises `SettingsError`."""
    value = read_named(environ, variable, parse)
    if value is None:
        raise SettingsError(f"{variable.name} is not set; the template sets it, so deploy that again")
    return value


def text(environ: Mapping[str, str], variable: Variable) -> str:
    """Read a text that has to be there. Raises `SettingsError`."""
    return required(environ, variable, str)


_MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """What `dispatch` needs."""

    event_bus: str
    registration: Registration


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What `watch` needs."""

    state_table: str
    registration: Registration


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """What `notify` needs."""

    state_table: str
    evidence_bucket: str
    event_bus: str
    registration: Registration


@dataclass(frozen=True, slots=True)
class RemediateSettings:
    """What `remediate` needs, but for how to reach Pinecone."""

    state_table: str
    event_bus: str
    registration: Registration


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """What `audit` needs, but for how to reach Pinecone."""

    state_table: str
    evidence_bucket: str
    event_bus: str
    registration: Registration
    ping_url_secret: str | None
    retention: timedelta | None
    """How long it is remembered which nights were audited; `None` for ever."""


def dispatch_settings(environ: Mapping[str, str]) -> DispatchSettings:
    """Read the settings of `dispatch`. Raises `SettingsError`, as all of these do."""
    return DispatchSettings(text(environ, its.EVENT_BUS), registration(environ))


def watch_settings(environ: Mapping[str, str]) -> WatchSettings:
    """Read the settings of `watch`."""
    return WatchSettings(text(environ, its.STATE_TABLE), registration(environ))


def notify_settings(environ: Mapping[str, str]) -> NotifySettings:
    """Read the settings of `notify`."""
    return NotifySettings(
        state_table=text(environ, its.STATE_TABLE),
        evidence_bucket=text(environ, its.EVIDENCE_BUCKET),
        event_bus=text(environ, its.EVENT_BUS),
        registration=registration(environ, is_told=True),
    )


def remediate_settings(environ: Mapping[str, str]) -> RemediateSettings:
    """Read the settings of `remediate`."""
    return RemediateSettings(
        state_table=text(environ, its.STATE_TABLE),
        event_bus=text(environ, its.EVENT_BUS),
        registration=registration(environ, is_edited=True),
    )


def audit_settings(environ: Mapping[str, str]) -> AuditSettings:
    """Read the settings of `audit`."""
    return AuditSettings(
        state_table=text(environ, its.STATE_TABLE),
        evidence_bucket=text(environ, its.EVIDENCE_BUCKET),
        event_bus=text(environ, its.EVENT_BUS),
        registration=registration(environ, is_told=True, is_read=True),
        ping_url_secret=read_named(environ, its.PING_URL_SECRET, secret_name),
        retention=read_named(environ, its.AUDIT_RETENTION_DAYS, _retention),
    )


def _retention(text: str) -> timedelta | None:
    if re.fullmatch(r"[0-9]{1,5}", text) is None or int(text) > _MOST_DAYS:
        raise ValueError(f"is no number of days; write a whole number from 0 to {_MOST_DAYS}")
    return timedelta(days=int(text)) or None
