"""What each function reads of its environment, which the template sets. What only one needs, the others do not read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.naming import secret_name
from backup_auditor.settings import function_variables as its
from backup_auditor.settings.registration import Registration, registration, text
from backup_auditor.settings.variables import read_named

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
