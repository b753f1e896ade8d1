"""How to connect to a project: host, key, versions, limits and proxy; and how to show text of the service safely."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from backup_auditor.domain.text import collapse_whitespace, cut_text, escape_control_characters, quote_text
from backup_auditor.errors import SettingsError, UntrustedHostError

DEFAULT_HOST = "https://api.pinecone.io"
DEFAULT_API_VERSION = "2026-07"
HOST_VARIABLE = "PINECONE_CONTROLLER_HOST"
_SERVICE_DOMAIN = ".pinecone.io"
_VERSION_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,40}")
_MAX_CONCURRENCY = 256
_MAX_LABEL_LENGTH = 63


class KeyKind(Enum):
    """What the key is, and so where requests have it."""

    API_KEY = "API key"
    """In the header `Api-Key`."""
    ACCESS_TOKEN = "access token"  # noqa: S105  a name
    """In the header `Authorization`."""
    CLIENT_SECRET = "client secret"  # noqa: S105  a name
    """In the body, which the caller writes."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to connect to one project. Neither its text nor the `SettingsError` of an invalid part contains the key."""

    key: str = field(repr=False)
    host: str = DEFAULT_HOST
    """`https`, or plain `http` to this machine only. The default scheme is `https`."""
    host_source: str = HOST_VARIABLE
    """What names the host, for messages."""
    key_kind: KeyKind = KeyKind.API_KEY
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
        if not self.key:
            raise SettingsError("the API key is missing; set PINECONE_API_KEY")
        if not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise SettingsError(
                "the API key contains a space, a line break or an invalid character; "
                "set PINECONE_API_KEY to the key only"
            )
        object.__setattr__(self, "host", _parse_host(self.host, self.host_source, self.key_kind))
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

    def with_index_host(self, host: str) -> "Connection":
        """Return a connection to the host of an index, as the control plane returned it.

        The key is sent only to hosts of pinecone.io, by https, and to the host that was set for the control plane: a
        response must not be able to send the key elsewhere. Raises `UntrustedHostError` for any other host.
        """
        source = "the host of the index"
        try:
            connection = replace(self, host=host, host_source=source)
        except SettingsError:
            reason = "it is no https address"
        else:
            name, own_name = urlsplit(connection.host).hostname or "", urlsplit(self.host).hostname
            if name == own_name or name.removesuffix(".").endswith(_SERVICE_DOMAIN):
                return connection
            reason = f"it is neither a host of pinecone.io nor that of {HOST_VARIABLE}"
        raise UntrustedHostError(
            f"the key is not sent to {source}, {quote_text(to_one_line(host, self.key))}: {reason};"
            f" check what answers at {HOST_VARIABLE}"
        )


def _parse_host(text: str, source: str, key_kind: KeyKind) -> str:
    host = text.strip()
    if "://" not in host:
        host = f"https://{host}"
    try:
        parts = urlsplit(host)
        name, _ = parts.hostname, parts.port
    except ValueError:
        parts, name = urlsplit(""), None
    is_plain = host.isascii() and host.isprintable() and not set(host) & set(" \\%")
    is_url = parts.scheme in {"http", "https"} and not parts.query and not parts.fragment
    labels = (name or "").removesuffix(".").split(".")  # a name with an empty or a long part cannot be resolved
    if not is_plain or not is_url or not all(0 < len(it) <= _MAX_LABEL_LENGTH for it in labels):
        raise SettingsError(f"invalid address in {source} (expected one like {DEFAULT_HOST})")
    if "@" in parts.netloc:
        raise SettingsError(
            f"{source} contains a user or a password; remove it, because the {key_kind.value} is enough"
        )
    if parts.scheme == "http" and not _is_loopback(parts):
        raise SettingsError(
            f"the {key_kind.value} would be sent unencrypted to {name}; use https (plain http is for this machine only)"
        )
    return host.rstrip("/")


def _is_loopback(parts: SplitResult) -> bool:
    name = parts.hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


_HTTPS_PORT = 443
_PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy. Its text never contains the user name or the password."""

    url: str = field(repr=False)
    name: str
    """Scheme, host and port."""
    source: str
    """The variable or the settings that name the proxy."""

    def __str__(self) -> str:
        """Return the name of the proxy for messages."""
        return f"the proxy {self.name} ({self.source})"


def find_proxy(host: str, port: int | None) -> Proxy | None:
    """Return the proxy for https to a host; `None` if there is none.

    Raises `SettingsError` for a proxy that cannot be used; the message never contains a password.
    """
    if _is_exempt(host, port or _HTTPS_PORT):
        return None
    proxies = getproxies()
    text = proxies.get("https") or proxies.get("all")
    if not text:
        return None
    source = next((it for it in _PROXY_VARIABLES if os.environ.get(it) == text), "the system's settings")
    return _parse_proxy(text.strip(), source, host)


def _parse_proxy(text: str, source: str, host: str) -> Proxy:
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        parts, name, port = urlsplit(""), "", None
    if not name or not url.isascii() or not url.isprintable() or " " in url:
        raise SettingsError(f"invalid proxy address in {source} (expected one like http://proxy.example:3128)")
    label = f"{parts.scheme}://{f'[{name}]' if ':' in name else name}{'' if port is None else f':{port}'}"
    if parts.scheme not in {"http", "https"}:
        kind = "a SOCKS proxy" if parts.scheme.startswith("socks") else f"a proxy of type {parts.scheme}"
        raise SettingsError(
            f"the proxy {label} ({source}) is {kind}, which is not supported; "
            f"set HTTPS_PROXY to an HTTP proxy, or NO_PROXY to {host} to reach it directly"
        )
    return Proxy(url, label, source)


def _is_exempt(host: str, port: int) -> bool:
    """Return whether NO_PROXY names a host, or a network, such as 10.0.0.0/8, that contains its address."""
    if proxy_bypass(f"[{host}]:{port}" if ":" in host else f"{host}:{port}") or proxy_bypass(host):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    for entry in (getproxies().get("no") or "").split(","):
        with suppress(ValueError):  # the name of a host
            if address in ip_network(entry.strip(), strict=False):
                return True
    return False


MAX_LINE_LENGTH = 200
_KEY_PATTERN = re.compile(r"pcsk_\w+")
_KEY_REPLACEMENT = "[key]"


def to_one_line(text: str, key: str = "", max_length: int = MAX_LINE_LENGTH) -> str:
    """Return a text as one line of at most `max_length` characters, with keys replaced."""
    text = _KEY_PATTERN.sub(_KEY_REPLACEMENT, text.replace(key, _KEY_REPLACEMENT) if key else text)
    visible_text = "".join(
        it if it.isprintable() or escape_control_characters(it) == it else " " for it in text[: 16 * max_length]
    )
    return cut_text(collapse_whitespace(visible_text), max_length)
