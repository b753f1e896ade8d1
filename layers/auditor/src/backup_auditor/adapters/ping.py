"""Calls an address that waits for it: a service such as Healthchecks tells somebody when the call stays away."""

import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from backup_auditor.adapters.http_status import is_transient
from backup_auditor.adapters.trust import explain_tls_failure, make_trust
from backup_auditor.errors import DeliveryError, SecretError, SettingsError

_SECONDS = 5.0
_OK, _REDIRECT = 200, 300


def ping(url: str, secret: str) -> None:
    """Call an address once. Raises `DeliveryError` and `SecretError`, which name the secret that it stands in alone."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = SplitResult("", "", "", "", ""), ""
    if not host or not url.isascii() or not url.isprintable() or not _may_be_called(parts, host):
        raise SecretError(f"the secret {secret} holds no address to call; put one there that begins with https://")
    connection = _open(parts, secret)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        status = connection.getresponse().status
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError(explain_tls_failure(error, f"the address in {secret}")) from None
    except (OSError, HTTPException) as error:
        raise DeliveryError(f"the address in {secret} does not answer ({type(error).__name__})") from None
    finally:
        connection.close()
    if is_transient(status):
        raise DeliveryError(f"the address in {secret} answered {status}; it is called again after the next audit")
    if not _OK <= status < _REDIRECT:  # redirects are not followed: the address is a secret
        raise DeliveryError(f"the address in {secret} answered {status}; put the right one into the secret")


def _open(parts: SplitResult, secret: str) -> HTTPConnection:
    host, port = parts.hostname or "", parts.port
    if parts.scheme != "https":
        return HTTPConnection(host, port, timeout=_SECONDS)
    try:
        return HTTPSConnection(host, port, timeout=_SECONDS, context=make_trust())
    except SettingsError as error:
        raise DeliveryError(f"the address in {secret} cannot be called: {error}") from None


def _may_be_called(parts: SplitResult, host: str) -> bool:
    if parts.scheme == "https":
        return True
    try:
        return parts.scheme == "http" and ip_address(host).is_loopback
    except ValueError:
        return False
