"""Call webhooks: Slack's incoming webhooks and the ping URL. Their addresses are secrets."""

import json
import re
import ssl
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from backup_auditor.adapters.http_status import is_transient
from backup_auditor.adapters.trust import explain_tls_failure, make_trust
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError, SecretError, SettingsError

_SECONDS = 5.0
_PING_OK, _PING_REDIRECT = 200, 300


def ping(url: str, secret: str) -> None:
    """Call an address once. Raises `DeliveryError` and `SecretError`, which name the secret that it stands in alone."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = SplitResult("", "", "", "", ""), ""
    if not host or not url.isascii() or not url.isprintable() or not _may_be_called(parts, host):
        raise SecretError(f"the secret {secret} holds no address to call; put one there that begins with https://")
    connection = _open_ping(parts, secret)
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
    if not _PING_OK <= status < _PING_REDIRECT:  # redirects are not followed: the address is a secret
        raise DeliveryError(f"the address in {secret} answered {status}; put the right one into the secret")


def _open_ping(parts: SplitResult, secret: str) -> HTTPConnection:
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


_WEBHOOK = re.compile(
    r"(https://hooks\.slack(-gov)?\.com(:443)?|https?://(127\.0\.0\.1|\[::1\]):\d{1,5})/services(/[A-Za-z0-9_-]+)+",
    re.ASCII,
)
"""Slack's own hosts, and this machine, where tests listen; anything else would be told what nobody sent it."""
_REASON = re.compile(r"[a-z_]{1,60}", re.ASCII)
_OF_THE_MESSAGE = ("invalid_blocks", "invalid_blocks_format", "invalid_payload", "msg_too_long", "no_text")
_LONGEST_WAIT = 15.0
_LONGEST_ANSWER = 2000
_SLACK_OK, _SLACK_REDIRECT, _REFUSED, _TOO_MANY, _SERVER_ERROR = 200, 300, 400, 429, 500


class SlackWebhooks:
    """The webhooks that secrets hold. Safe to use from many threads."""

    def __init__(self, webhook_in: Callable[[str], str]) -> None:
        """Take what tells the webhook that a secret holds."""
        self._webhook_in = webhook_in

    def post(self, secret: str, payload: Mapping[str, object], seconds: float) -> None:
        """Post to the webhook that a secret holds, once, in so many seconds. Raises `DeliveryError`, `SecretError`."""
        webhook = self._webhook_in(secret)
        if _WEBHOOK.fullmatch(webhook) is None:
            raise ChannelRefusedError(
                f"the secret {secret} holds no webhook of Slack; put one there: https://hooks.slack.com/services/…"
            )
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
        parts = urlsplit(webhook)
        connection = _open(parts, min(seconds, _LONGEST_WAIT), secret)
        try:
            answer = _send(connection, parts.path, body)
            if not _SLACK_OK <= answer.status < _SLACK_REDIRECT:
                raise _refusal(answer, secret)
        except (OSError, HTTPException) as error:
            raise AcceptanceUnknownError(
                f"the webhook in {secret} did not answer to the end ({type(error).__name__})"
            ) from None
        finally:
            connection.close()


def _open(parts: SplitResult, seconds: float, secret: str) -> HTTPConnection:
    host, port = parts.hostname or "", parts.port
    connection: HTTPConnection
    if parts.scheme == "https":
        connection = HTTPSConnection(host, port, timeout=seconds, context=_trust(secret))
    else:
        connection = HTTPConnection(host, port, timeout=seconds)
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        raise ChannelRefusedError(explain_tls_failure(error, f"the host of the webhook in {secret}")) from None
    except OSError as error:
        raise DeliveryError(f"the host of the webhook in {secret} cannot be reached ({type(error).__name__})") from None
    return connection


def _trust(secret: str) -> ssl.SSLContext:
    try:
        return make_trust()
    except SettingsError as error:
        raise ChannelRefusedError(f"the webhook in {secret} cannot be called: {error}") from None


def _send(connection: HTTPConnection, path: str, body: bytes) -> HTTPResponse:
    """Send one request. It knows of no redirects: the secret goes to no other host."""
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "backup-auditor"}
    connection.request("POST", path, body, headers)
    return connection.getresponse()


def _refusal(answer: HTTPResponse, secret: str) -> DeliveryError:
    what = f"the webhook in {secret} answered {answer.status}"
    if answer.status == _TOO_MANY:
        return DeliveryError(what, _seconds(answer.getheader("Retry-After")))
    if is_transient(answer.status):
        return DeliveryError(what)
    reason = _reason(answer)
    why = f"{what} {reason}".rstrip()
    if answer.status < _REFUSED or answer.status >= _SERVER_ERROR:
        return ChannelRefusedError(f"{why}, which no webhook of Slack does; put the right one into the secret")
    if reason in _OF_THE_MESSAGE:
        return ChannelRefusedError(f"{why}: Slack does not understand the message; please report it as a defect")
    return ChannelRefusedError(f"{why}; make a new incoming webhook for a channel that is in use, and put it there")


def _reason(answer: HTTPResponse) -> str:
    """Return the word that Slack refuses with; an answer that is no such word may hold anything."""
    try:
        text = answer.read(_LONGEST_ANSWER).decode("ascii", "replace").strip()
    except (OSError, HTTPException):
        return ""
    return text if _REASON.fullmatch(text) else ""


def _seconds(text: str | None) -> float | None:
    return float(text[:6]) if text and text.isascii() and text.isdigit() else None
