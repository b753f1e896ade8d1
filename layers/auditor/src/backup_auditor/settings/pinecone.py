"""How to reach a Pinecone project, and what else the command line reads of the environment."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from backup_auditor.domain.identifiers import MIN_KEY_LENGTH, parse_key
from backup_auditor.errors import SettingsError
from backup_auditor.settings.variables import Variable, read_variable

KEY_VARIABLE = "PINECONE_API_KEY"
_PREFIX = "BACKUP_AUDITOR_"
_MAX_CONCURRENCY = 256


COMMAND_VARIABLES = (
    Variable(
        KEY_VARIABLE,
        "",
        "The key of the project. A viewer's key is enough for an audit. Required, but for saved inventories.",
    ),
    Variable(
        "PINECONE_CONTROLLER_HOST",
        "https://api.pinecone.io",
        "Where Pinecone's control plane is. Plain `http` only to loopback.",
    ),
    Variable("PINECONE_API_VERSION", "2026-07", "The version of the API for indexes and backups."),
    Variable(
        "PINECONE_SCHEDULES_API_VERSION",
        "",
        "The version for backup schedules; without it that of `PINECONE_API_VERSION`. Beside `2025-10`: `unstable`.",
    ),
    Variable("BACKUP_AUDITOR_MAX_CONCURRENCY", "32", "How many calls may be in flight at once, 1 to 256."),
    Variable(
        "BACKUP_AUDITOR_DEADLINE", "10m", "How long the reading of one project may take; what is left then is unread."
    ),
    Variable(
        "SSL_CERT_FILE",
        "",
        "A file of certificates in PEM to trust in place of the operating system's certificate store.",
    ),
    Variable(
        "SSL_CERT_DIR",
        "",
        "Directories of such files, separated by colons. With `SSL_CERT_FILE`, both are trusted.",
    ),
    Variable(
        "HTTPS_PROXY",
        "",
        "The HTTP proxy to go through: `http://USER:PASSWORD@HOST:PORT`. Without it, `ALL_PROXY`. SOCKS is refused.",
    ),
    Variable(
        "NO_PROXY",
        "",
        "Hosts, domains and networks to reach without the proxy, separated by commas. Loopback always is.",
    ),
    Variable(
        "XDG_STATE_HOME",
        "~/.local/state",
        "Where audits are remembered: `backup-auditor/<project>.sqlite3` here, unless `--state` names a file.",
    ),
    Variable("NO_COLOR", "", "Where it is set to anything, nothing is coloured."),
)
"""Every variable that is read, in the order of the documents."""


@dataclass(frozen=True, slots=True)
class PineconeSettings:
    """How to reach one Pinecone project."""

    key: str = field(repr=False)
    host: str
    api_version: str
    schedules_api_version: str
    max_concurrency: int
    deadline: timedelta


def read_settings(environ: Mapping[str, str], *, key_variable: str = KEY_VARIABLE) -> PineconeSettings:
    """Read the settings of one project. A variable that is empty counts as absent.

    Raises `SettingsError`, which names the variable and the remedy, and never repeats a key.
    """
    _refuse_unknown(environ)
    key = environ.get(key_variable, "").strip()
    if not key:
        raise SettingsError(f"{key_variable} is not set; set it to a key of the project (a viewer's key is enough)")
    try:
        return read_settings_with_key(environ, parse_key(key))
    except ValueError as error:
        raise SettingsError(f"{key_variable} {error}") from None


def read_settings_with_key(environ: Mapping[str, str], key: str) -> PineconeSettings:
    """Read the settings of a project whose key was found elsewhere. Raises `SettingsError`."""
    _refuse_unknown(environ)
    api_version = _read_setting(environ, "PINECONE_API_VERSION", _parse_version)
    return PineconeSettings(
        key=key,
        host=_read_setting(environ, "PINECONE_CONTROLLER_HOST", str),  # the connection knows which host it may trust
        api_version=api_version,
        schedules_api_version=_read_setting(environ, "PINECONE_SCHEDULES_API_VERSION", _parse_optional_version)
        or api_version,
        max_concurrency=_read_setting(environ, "BACKUP_AUDITOR_MAX_CONCURRENCY", _parse_concurrency),
        deadline=_read_setting(environ, "BACKUP_AUDITOR_DEADLINE", _parse_duration),
    )


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        if name.startswith(_PREFIX) and all(name != it.name for it in COMMAND_VARIABLES):
            known_names = ", ".join(it.name for it in COMMAND_VARIABLES if it.name.startswith(_PREFIX))
            raise SettingsError(f"{name[:80]} means nothing; known are {known_names}")


def allows_color(environ: Mapping[str, str]) -> bool:
    """Tell whether a terminal may be coloured."""
    return not environ.get("NO_COLOR") and supports_cursor_control(environ)


def supports_cursor_control(environ: Mapping[str, str]) -> bool:
    """Tell whether a terminal knows colours and a cursor that moves."""
    return environ.get("TERM") != "dumb"


def redact(text: str, environ: Mapping[str, str]) -> str:
    """Return a text without the project's key, or anything that has the shape of a Pinecone key."""
    key = environ.get(KEY_VARIABLE, "").strip()
    redacted_text = text.replace(key, "[key]") if len(key) >= MIN_KEY_LENGTH else text
    return re.sub(r"pcsk_\w+", "[key]", redacted_text)


def _read_setting[Value](environ: Mapping[str, str], name: str, parse: Callable[[str], Value]) -> Value:
    return read_variable(environ, next(it for it in COMMAND_VARIABLES if it.name == name), parse)


def _parse_version(text: str) -> str:
    if re.fullmatch(r"\d{4}-\d{2}|unstable", text, re.ASCII) is None:
        raise ValueError("a version looks like 2026-07, or is unstable")
    return text


def _parse_optional_version(text: str) -> str | None:
    return _parse_version(text) if text else None


def _parse_concurrency(text: str) -> int:
    if re.fullmatch(r"\d{1,3}", text, re.ASCII) is None or not 1 <= int(text) <= _MAX_CONCURRENCY:
        raise ValueError(f"it must be a whole number from 1 to {_MAX_CONCURRENCY}")
    return int(text)


def _parse_duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smh])", text, re.ASCII)
    if match is None or int(match[1]) == 0:
        raise ValueError("a length of time looks like 90s, 10m or 1h, and is more than nothing")
    return int(match[1]) * {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}[match[2]]
