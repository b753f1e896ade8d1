"""Where a project is, with which key, and with which limits; and text of others made safe to show."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from backup_auditor.domain.text import cut, escape_controls, join_lines, quote_text
from backup_auditor.errors import SettingsError

DEFAULT_HOST = "https://api.pinecone.io"
DEFAULT_API_VERSION = "2026-07"
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,40}")
_MOST_IN_FLIGHT = 256
_LONGEST_LABEL = 63


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
    ceiling: int = 32
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
        object.__setattr__(self, "host", _checked_host(self.host))
        object.__setattr__(self, "schedules_api_version", self.schedules_api_version or self.api_version)
        for version in (self.api_version, self.schedules_api_version):
            if not _VERSION.fullmatch(version):
                raise SettingsError(f"{quote_text(version)} is no API version; one looks like {DEFAULT_API_VERSION}.")
        if not 1 <= self.ceiling <= _MOST_IN_FLIGHT:
            raise SettingsError(f"{self.ceiling} calls at once is not between 1 and {_MOST_IN_FLIGHT}.")
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


def _checked_host(text: str) -> str:
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
        or not _has_sound_labels(name)
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


def _has_sound_labels(name: str) -> bool:
    """Tell whether a name can be looked up at all: no part of it is empty or too long."""
    return all(0 < len(it) <= _LONGEST_LABEL for it in name.removesuffix(".").split("."))


def _is_loopback(parts: SplitResult) -> bool:
    name = parts.hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


LONGEST = 200
_KEY = re.compile(r"pcsk_\w+")
_MARK = "[key]"


def one_line(text: str, key: str = "", longest: int = LONGEST) -> str:
    """Return a text as one line of at most `longest` characters, in which no key stands."""
    text = _KEY.sub(_MARK, text.replace(key, _MARK) if key else text)
    shown = "".join(sign if _is_shown(sign) else " " for sign in text[: 16 * longest])
    return cut(join_lines(shown), longest)


def _is_shown(sign: str) -> bool:
    return sign.isprintable() or escape_controls(sign) == sign
