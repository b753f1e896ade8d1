"""How to connect to a project: host, key, versions and limits; and how to show text of the service safely."""

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
    """How to connect to one project. Its text never contains the key.

    Raises `SettingsError` for an invalid part; the message never contains the key.
    """

    key: str = field(repr=False)
    host: str = DEFAULT_HOST
    """`https`, or plain `http` to this machine only. The default scheme is `https`."""
    api_version: str = DEFAULT_API_VERSION
    """The API version of calls about indexes and backups."""
    schedules_api_version: str = ""
    """The API version of calls about schedules; empty means the same version."""
    max_concurrency: int = 48
    """How many calls may be in flight."""
    deadline: timedelta = timedelta(minutes=10)
    """How long all calls together may take; after that, calls fail without being sent."""
    connect_timeout: timedelta = timedelta(seconds=10)
    read_timeout: timedelta = timedelta(seconds=30)
    body_limit: int = 32 * 1024 * 1024
    """The limit for the body of a response, in decoded bytes."""

    def __post_init__(self) -> None:
        """Set the defaults and refuse invalid parts."""
        _refuse_bad_key(self.key)
        object.__setattr__(self, "host", _parse_host(self.host))
        object.__setattr__(self, "schedules_api_version", self.schedules_api_version or self.api_version)
        for version in (self.api_version, self.schedules_api_version):
            if not _VERSION_PATTERN.fullmatch(version):
                raise SettingsError(
                    f"invalid API version {quote_text(version)} (expected one like {DEFAULT_API_VERSION})"
                )
        if not 1 <= self.max_concurrency <= _MAX_CONCURRENCY:
            raise SettingsError(f"invalid concurrency {self.max_concurrency} (expected 1 to {_MAX_CONCURRENCY} calls)")
        if self.deadline <= timedelta():
            raise SettingsError("invalid deadline (expected a time longer than 0s)")

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        return _is_loopback(urlsplit(self.host))


def _refuse_bad_key(key: str) -> None:
    if not key:
        raise SettingsError("the API key is missing; set PINECONE_API_KEY")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(
            "the API key contains a space, a line break or an invalid character; set PINECONE_API_KEY to the key only"
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
        raise SettingsError("invalid address in PINECONE_CONTROLLER_HOST (expected one like https://api.pinecone.io)")
    if "@" in parts.netloc:
        raise SettingsError(
            "PINECONE_CONTROLLER_HOST contains a user or a password; remove it, because the API key is enough"
        )
    if parts.scheme == "http" and not _is_loopback(parts):
        raise SettingsError(
            f"the API key would be sent unencrypted to {name}; use https (plain http is for this machine only)"
        )
    return host.rstrip("/")


def _has_valid_labels(name: str) -> bool:
    """Tell whether a name can be resolved: no part of it is empty or too long."""
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
    """Return a text as one line of at most `max_length` characters, with keys replaced."""
    text = _KEY_PATTERN.sub(_KEY_REPLACEMENT, text.replace(key, _KEY_REPLACEMENT) if key else text)
    visible_text = "".join(character if _is_visible(character) else " " for character in text[: 16 * max_length])
    return cut_text(collapse_whitespace(visible_text), max_length)


def _is_visible(character: str) -> bool:
    return character.isprintable() or escape_control_characters(character) == character
