"""Find the proxy for a host in the environment or in the settings of the system."""

import os
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from backup_auditor.errors import SettingsError

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
        name, port = "", None
        parts = urlsplit("")
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
    name = f"[{host}]" if ":" in host else host
    return bool(proxy_bypass(f"{name}:{port}") or proxy_bypass(host)) or _is_in_exempt_network(host)


def _is_in_exempt_network(host: str) -> bool:
    """Tell whether NO_PROXY has a network, such as 10.0.0.0/8, that contains the address of a host."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    for entry in (getproxies().get("no") or "").split(","):
        try:
            if address in ip_network(entry.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False
