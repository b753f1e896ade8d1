"""Read the settings of the connection to Pinecone, and the other variables of the command line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from backup_auditor.domain.identifiers import MIN_KEY_LENGTH, parse_key
from backup_auditor.domain.text import quote_text
from backup_auditor.errors import SettingsError
from backup_auditor.settings.variables import Variable, read_text

KEY_VARIABLE = "PINECONE_API_KEY"
CLIENT_ID_VARIABLE = "PINECONE_CLIENT_ID"
CLIENT_SECRET_VARIABLE = "PINECONE_CLIENT_SECRET"  # noqa: S105  the name of a variable
OAUTH_URL_VARIABLE = "PINECONE_OAUTH_URL"
_PREFIX = "BACKUP_AUDITOR_"
_MAX_CONCURRENCY = 256


COMMAND_VARIABLES = (
    Variable(
        KEY_VARIABLE, "The key of the project. A viewer's key is enough for an audit. Not needed for saved inventories."
    ),
    Variable(
        "PINECONE_CONTROLLER_HOST",
        "The URL of Pinecone's control plane. Plain `http` only to loopback.",
        "https://api.pinecone.io",
    ),
    Variable("PINECONE_API_VERSION", "The API version for indexes and backups.", "2026-07"),
    Variable(
        "PINECONE_SCHEDULES_API_VERSION",
        "The API version for backup schedules; default: `PINECONE_API_VERSION`. With `2025-10`, use `unstable`.",
    ),
    Variable(
        CLIENT_ID_VARIABLE, "The client id of a service account of the organization. Only for `registry discover`."
    ),
    Variable(CLIENT_SECRET_VARIABLE, "The client secret of the service account. Only for `registry discover`."),
    Variable(
        OAUTH_URL_VARIABLE,
        "The URL that issues access tokens to service accounts. Plain `http` only to loopback.",
        "https://login.pinecone.io/oauth/token",
    ),
    Variable(
        "BACKUP_AUDITOR_MAX_CONCURRENCY",
        "The maximum number of concurrent calls, 1 to 256; the projects of a registry share it.",
        "48",
    ),
    Variable(
        "BACKUP_AUDITOR_DEADLINE",
        "The time limit for reading one project. What is not read by then is a read error.",
        "10m",
    ),
    Variable(
        "SSL_CERT_FILE", "A file of PEM certificates to trust instead of the operating system's certificate store."
    ),
    Variable("SSL_CERT_DIR", "Directories of such files, separated by colons. With `SSL_CERT_FILE`, both are trusted."),
    Variable(
        "HTTPS_PROXY",
        "The HTTP proxy: `http://USER:PASSWORD@HOST:PORT`. Without it, `ALL_PROXY`. SOCKS is not supported.",
    ),
    Variable(
        "NO_PROXY",
        "Hosts, domains and networks to reach without the proxy, separated by commas. Loopback never uses it.",
    ),
    Variable(
        "XDG_STATE_HOME",
        "The directory of states: `backup-auditor/<project>.sqlite3` in it, unless `--state` names a file.",
        "~/.local/state",
    ),
    Variable("NO_COLOR", "If it is set to anything, output has no colors."),
)
"""All variables of the command line, in the order of the documents."""


@dataclass(frozen=True, slots=True)
class PineconeSettings:
    """The settings of the connection to one Pinecone project."""

    key: str = field(repr=False)
    host: str
    api_version: str
    schedules_api_version: str
    max_concurrency: int
    deadline: timedelta


def read_settings(environ: Mapping[str, str], *, key_variable: str = KEY_VARIABLE) -> PineconeSettings:
    """Read the settings of one project. An empty variable counts as absent.

    Raises `SettingsError`, which names the variable and the remedy, and never shows a key.
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
    """Read the settings of a project with a key from elsewhere. Raises `SettingsError`."""
    _refuse_unknown(environ)
    api_version = _read_setting(environ, "PINECONE_API_VERSION", _parse_version)
    return PineconeSettings(
        key=key,
        host=_read_setting(environ, "PINECONE_CONTROLLER_HOST", str),  # the connection checks the host
        api_version=api_version,
        schedules_api_version=_read_setting(
            environ, "PINECONE_SCHEDULES_API_VERSION", lambda text: text and _parse_version(text)
        )
        or api_version,
        max_concurrency=read_max_concurrency(environ),
        deadline=_read_setting(environ, "BACKUP_AUDITOR_DEADLINE", _parse_duration),
    )


def read_max_concurrency(environ: Mapping[str, str]) -> int:
    """Return how many calls may be in flight, over all projects of a run. Raises `SettingsError`."""
    return _read_setting(environ, "BACKUP_AUDITOR_MAX_CONCURRENCY", _parse_concurrency)


@dataclass(frozen=True, slots=True)
class OrganizationSettings:
    """The settings of the connection to one Pinecone organization."""

    client_id: str
    client_secret: str = field(repr=False)
    credentials_place: str
    """The source of both, for messages."""
    oauth_url: str
    host: str
    api_version: str
    deadline: timedelta


def read_organization_settings(environ: Mapping[str, str]) -> OrganizationSettings:
    """Read the settings of a service account.

    Raises `SettingsError`, which names the variable and the remedy, and never shows the client secret.
    """
    client_id = _read_credential(environ, CLIENT_ID_VARIABLE)
    client_secret = _read_credential(environ, CLIENT_SECRET_VARIABLE)
    credentials_place = f"{CLIENT_ID_VARIABLE} and {CLIENT_SECRET_VARIABLE}"
    return read_organization_settings_with(environ, client_id, client_secret, credentials_place)


def read_organization_settings_with(
    environ: Mapping[str, str], client_id: str, client_secret: str, credentials_place: str
) -> OrganizationSettings:
    """Read the settings of a service account with credentials from elsewhere. Raises `SettingsError`."""
    _refuse_unknown(environ)
    return OrganizationSettings(
        client_id=client_id,
        client_secret=client_secret,
        credentials_place=credentials_place,
        oauth_url=_read_setting(environ, OAUTH_URL_VARIABLE, str),  # the connection checks the addresses
        host=_read_setting(environ, "PINECONE_CONTROLLER_HOST", str),
        api_version=_read_setting(environ, "PINECONE_API_VERSION", _parse_version),
        deadline=_read_setting(environ, "BACKUP_AUDITOR_DEADLINE", _parse_duration),
    )


def _read_credential(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "").strip()
    if not text:
        raise SettingsError(f"{name} is not set; set it to that of a service account of the organization")
    try:
        return parse_key(text)
    except ValueError:
        raise SettingsError(
            f"{name} is too short, or contains a space or a quote; copy it from the console again"
        ) from None


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        if name.startswith(_PREFIX) and all(name != it.name for it in COMMAND_VARIABLES):
            known_names = ", ".join(it.name for it in COMMAND_VARIABLES if it.name.startswith(_PREFIX))
            raise SettingsError(f"unknown variable {name[:80]}; use one of {known_names}")


def allows_color(environ: Mapping[str, str]) -> bool:
    """Return whether terminal output may have colors."""
    return not environ.get("NO_COLOR") and supports_cursor_control(environ)


def supports_cursor_control(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal supports colors and cursor movement."""
    return environ.get("TERM") != "dumb"


def redact(text: str, environ: Mapping[str, str]) -> str:
    """Return a text without the keys of the environment, and without anything that has the form of a Pinecone key."""
    for name in (KEY_VARIABLE, CLIENT_SECRET_VARIABLE):
        key = environ.get(name, "").strip()
        if len(key) >= MIN_KEY_LENGTH:
            text = text.replace(key, "[key]")
    return re.sub(r"pcsk_\w+", "[key]", text)


def _read_setting[Value](environ: Mapping[str, str], name: str, parse: Callable[[str], Value]) -> Value:
    text = read_text(environ, next(it for it in COMMAND_VARIABLES if it.name == name))
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(f"{name} is {quote_text(text, 80)}: {error}") from None


def _parse_version(text: str) -> str:
    if re.fullmatch(r"\d{4}-\d{2}|unstable", text, re.ASCII) is None:
        raise ValueError("expected a version such as 2026-07, or unstable")
    return text


def _parse_concurrency(text: str) -> int:
    if re.fullmatch(r"\d{1,3}", text, re.ASCII) is None or not 1 <= int(text) <= _MAX_CONCURRENCY:
        raise ValueError(f"expected a whole number from 1 to {_MAX_CONCURRENCY}")
    return int(text)


def _parse_duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smh])", text, re.ASCII)
    if match is None or int(match[1]) == 0:
        raise ValueError("expected a duration of more than 0s, such as 90s, 10m or 1h")
    return int(match[1]) * {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}[match[2]]
