"""What each function reads of its environment, which the template sets. What only one needs, the others do not read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.alerting.channel import Channel, ChannelKind
from backup_auditor.domain.alerting.wishes import least_severity, tells_all_is_well
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.naming import document_address, project_name, secret_name, topic_arn
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import SettingsError
from backup_auditor.settings import function_variables as its
from backup_auditor.settings.variables import Variable, read_named

_MOST_DAYS = 36_500


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
    return DispatchSettings(_text(environ, its.EVENT_BUS), _registration(environ))


def watch_settings(environ: Mapping[str, str]) -> WatchSettings:
    """Read the settings of `watch`."""
    return WatchSettings(_text(environ, its.STATE_TABLE), _registration(environ))


def notify_settings(environ: Mapping[str, str]) -> NotifySettings:
    """Read the settings of `notify`."""
    return NotifySettings(
        state_table=_text(environ, its.STATE_TABLE),
        evidence_bucket=_text(environ, its.EVIDENCE_BUCKET),
        event_bus=_text(environ, its.EVENT_BUS),
        registration=_registration(environ, is_told=True),
    )


def audit_settings(environ: Mapping[str, str]) -> AuditSettings:
    """Read the settings of `audit`."""
    return AuditSettings(
        state_table=_text(environ, its.STATE_TABLE),
        evidence_bucket=_text(environ, its.EVIDENCE_BUCKET),
        event_bus=_text(environ, its.EVENT_BUS),
        registration=_registration(environ, is_told=True, is_read=True),
        ping_url_secret=read_named(environ, its.PING_URL_SECRET, secret_name),
        retention=read_named(environ, its.AUDIT_RETENTION_DAYS, _retention),
    )


def _registration(environ: Mapping[str, str], *, is_told: bool = False, is_read: bool = False) -> Registration:
    """Read which projects there are; `is_told` with where alerts go, `is_read` with the key and the policy."""
    is_weekly = is_told and bool(read_named(environ, its.ALL_IS_WELL, tells_all_is_well))
    channels = _channels(environ, is_weekly=is_weekly) if is_told else ()
    document = read_named(environ, its.REGISTRY, document_address)
    policy = read_named(environ, its.POLICY, document_address) if is_read else None
    if document is not None:
        return Registration(document, None, channels, policy, is_weekly)
    only = RegisteredProject(
        name=_required(environ, its.PROJECT_NAME, project_name),
        secret=_required(environ, its.API_KEY_SECRET, secret_name) if is_read else None,
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


def _required[Value](environ: Mapping[str, str], variable: Variable, parse: Callable[[str], Value]) -> Value:
    value = read_named(environ, variable, parse)
    if value is None:
        raise SettingsError(f"{variable.name} is not set; the template sets it, so deploy that again")
    return value


def _text(environ: Mapping[str, str], variable: Variable) -> str:
    return _required(environ, variable, str)


def _retention(text: str) -> timedelta | None:
    if re.fullmatch(r"[0-9]{1,5}", text) is None or int(text) > _MOST_DAYS:
        raise ValueError(f"is no number of days; write a whole number from 0 to {_MOST_DAYS}")
    return timedelta(days=int(text)) or None
