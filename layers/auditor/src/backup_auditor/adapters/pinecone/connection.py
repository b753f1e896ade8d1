"""Where a project is, with which key, and with which limits; and text of others made safe to show."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from backup_auditor.domain.text import collapse_whitespace, cut_text, escape_control_characters, quote_text
from backup_auditor.errors import SettingsError

DEFAULT_HOST = "https://api.pinecone.io"
DEFAULT_API_VERSION = "2026-07"
_VERSION_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,40}")
_MAX_CONCURRENCY = 256
_MAX_LABEL_LENGTH = 63


@dataclass(frozen=True, slots=True)
class Connection:
    """How one project is reached. Its text never holds the key.

    Raises `SettingsError` when a part of it cannot be right; the key is not repeated there.
    """

    key: str = field(repr=False)
    host: str = DEFAULT_HOST
    """`https`, or plain `http` to this machine alone. Without a scheme, `https` is meant."""
    api_version: str = DEFAULT_API_VERSION
    """Of the calls about indexes and backups."""
    schedules_api_version: str = ""
    """Of the calls about schedules; empty means the same."""
    max_concurrency: int = 32
    """How many calls may ever be in flight at once."""
    deadline: timedelta = timedelta(minutes=10)
    """How long everything together may take; what is left then fails without being sent."""
    connect_timeout: timedelta = timedelta(seconds=10)
    read_timeout: timedelta = timedelta(seconds=30)
    body_limit: int = 32 * 1024 * 1024
    """The longest answer that is read, in decoded bytes."""

    def __post_init__(self) -> None:
        """Fill in what was left out, and refuse what cannot be right."""
        _refuse_bad_key(self.key)
        object.__setattr__(self, "host", _parse_host(self.host))
        object.__setattr__(self, "schedules_api_version", self.schedules_api_version or self.api_version)
        for version in (self.api_version, self.schedules_api_version):
            if not _VERSION_PATTERN.fullmatch(version):
                raise SettingsError(f"{quote_text(version)} is no API version; one looks like {DEFAULT_API_VERSION}.")
        if not 1 <= self.max_concurrency <= _MAX_CONCURRENCY:
            raise SettingsError(f"{self.max_concurrency} calls at once is not between 1 and {_MAX_CONCURRENCY}.")
        if self.deadline <= timedelta():
            raise SettingsError("The time for the whole audit must be longer than nothing.")

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        return _is_loopback(urlsplit(self.host))


def _refuse_bad_key(key: str) -> None:
    if not key:
        raise SettingsError("There is no API key; set PINECONE_API_KEY.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(
            "The API key holds a blank, a line break or a sign that no key has; set PINECONE_API_KEY to the key alone."
        )


def _parse_host(text: str) -> str:
    host = text.strip()
    if "://" not in host:
        host = f"https://{host}"
    try:
        parts = urlsplit(host)
        name, _ = parts.hostname, parts.port
    except ValueError:
        parts, name = SplitResult("", "", "", "", ""), None
    is_plain = host.isascii() and host.isprintable() and not set(host) & set(" \\%")
    if (
        not name
        or not is_plain
        or not _has_valid_labels(name)
        or parts.query
        or parts.fragment
        or parts.scheme not in {"http", "https"}
    ):
        raise SettingsError("PINECONE_CONTROLLER_HOST is no web address; one looks like https://api.pinecone.io.")
    if "@" in parts.netloc:
        raise SettingsError("PINECONE_CONTROLLER_HOST holds a user or a password; the key alone says who asks.")
    if parts.scheme == "http" and not _is_loopback(parts):
        raise SettingsError(
            f"The key would travel in the clear to {name}: plain http is for this machine only; use https."
        )
    return host.rstrip("/")


def _has_valid_labels(name: str) -> bool:
    """Tell whether a name can be looked up at all: no part of it is empty or too long."""
    return all(0 < len(it) <= _MAX_LABEL_LENGTH for it in name.removesuffix(".").split("."))


def _is_loopback(parts: SplitResult) -> bool:
    name = parts.hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


MAX_LINE_LENGTH = 200
_KEY_PATTERN = re.compile(r"pcsk_\w+")
_KEY_REPLACEMENT = "[key]"


def to_one_line(text: str, key: str = "", max_length: int = MAX_LINE_LENGTH) -> str:
    """Return a text as one line of at most `longest` characters, in which no key stands."""
    text = _KEY_PATTERN.sub(_KEY_REPLACEMENT, text.replace(key, _KEY_REPLACEMENT) if key else text)
    visible_text = "".join(character if _is_visible(character) else " " for character in text[: 16 * max_length])
    return cut_text(collapse_whitespace(visible_text), max_length)


def _is_visible(character: str) -> bool:
    return character.isprintable() or escape_control_characters(character) == character
