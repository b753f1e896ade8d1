"""Call webhooks: Slack's incoming webhooks and the ping URL. Their addresses are secrets."""

import json
import re
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from backup_auditor.adapters.http import explain_tls_failure, is_transient, make_tls_context
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError, SecretError, SettingsError

_PING_SECONDS = 5.0
_SUCCESS, _CLIENT_ERRORS = range(200, 300), range(400, 500)


def ping(url: str, secret_name: str) -> None:
    """Call a URL once. Raises `DeliveryError` and `SecretError`, which name the secret, never the URL."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or not url.isascii() or not url.isprintable() or not _is_allowed_address(parts, host):
        raise SecretError(f"the secret {secret_name} holds no valid URL; store a URL that starts with https://")
    subject = f"the URL in {secret_name}"
    try:
        with closing(_make_connection(parts, _PING_SECONDS, subject, DeliveryError)) as connection:
            _, _, path, query, _ = parts
            connection.request("GET", (path or "/") + (f"?{query}" if query else ""))
            status = connection.getresponse().status
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError(explain_tls_failure(error, subject)) from None
    except (OSError, HTTPException) as error:
        raise DeliveryError(f"{subject} did not respond ({type(error).__name__})") from None
    if is_transient(status):
        raise DeliveryError(f"{subject} returned {status}; the next look of watch calls it again")
    if status not in _SUCCESS:  # redirects are not followed: the address is a secret
        raise DeliveryError(f"{subject} returned {status}; correct the URL in the secret")


def _make_connection(
    parts: SplitResult, seconds: float, subject: str, error_type: type[DeliveryError]
) -> HTTPConnection:
    """Return a connection that is not open yet. Raises `error_type` if no trusted certificates can be loaded."""
    host, port = parts.hostname or "", parts.port
    if parts.scheme != "https":
        return HTTPConnection(host, port, timeout=seconds)
    try:
        return HTTPSConnection(host, port, timeout=seconds, context=make_tls_context())
    except SettingsError as error:
        raise error_type(f"{subject} cannot be called: {error}") from None


def _is_allowed_address(parts: SplitResult, host: str) -> bool:
    if parts.scheme == "https":
        return True
    try:
        return parts.scheme == "http" and ip_address(host).is_loopback
    except ValueError:
        return False


_WEBHOOK_PATTERN = re.compile(
    r"(https://hooks\.slack(-gov)?\.com(:443)?|https?://(127\.0\.0\.1|\[::1\]):\d{1,5})/services(/[A-Za-z0-9_-]+)+",
    re.ASCII,
)
"""Slack's own hosts, and loopback for tests. Any other host would receive a digest that is not meant for it."""
_REASON_PATTERN = re.compile(r"[a-z_]{1,60}", re.ASCII)
_MESSAGE_REASONS = (
    *("invalid_blocks", "invalid_blocks_format", "invalid_payload"),
    *("msg_blocks_too_long", "msg_too_long", "no_text"),
)
_MAX_WAIT_SECONDS = 15.0
_MAX_RESPONSE_LENGTH = 2000


class SlackWebhooks:
    """The Slack webhooks that secrets hold. Safe to use from many threads."""

    def __init__(self, read_webhook: Callable[[str], str]) -> None:
        """Take the function that returns the webhook in a secret."""
        self._read_webhook = read_webhook

    def read_valid(self, secret_name: str) -> str:
        """Return the webhook in a secret. Raises `ChannelRefusedError` if it is not one of Slack, and `SecretError`."""
        webhook = self._read_webhook(secret_name)
        if _WEBHOOK_PATTERN.fullmatch(webhook) is None:
            raise ChannelRefusedError(
                f"the secret {secret_name} holds no Slack webhook; store https://hooks.slack.com/services/…"
            )
        return webhook

    def post(self, secret_name: str, payload: Mapping[str, object], seconds: float) -> None:
        """Post once to the webhook in a secret, with a timeout. Raises `DeliveryError`, `SecretError`."""
        webhook = self.read_valid(secret_name)
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "backup-auditor"}
        parts = urlsplit(webhook)
        with closing(_open_webhook_connection(parts, min(seconds, _MAX_WAIT_SECONDS), secret_name)) as connection:
            try:
                connection.request("POST", parts.path, body, headers)
                response = connection.getresponse()
                if response.status not in _SUCCESS:  # redirects are not followed: the address is a secret
                    raise _build_refusal_error(response, secret_name)
            except (OSError, HTTPException) as error:
                reason = f"did not respond completely ({type(error).__name__})"
                raise AcceptanceUnknownError(f"the webhook in {secret_name} {reason}") from None


def _open_webhook_connection(parts: SplitResult, seconds: float, secret_name: str) -> HTTPConnection:
    connection = _make_connection(parts, seconds, f"the webhook in {secret_name}", ChannelRefusedError)
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        raise ChannelRefusedError(explain_tls_failure(error, f"the host of the webhook in {secret_name}")) from None
    except OSError as error:
        reason = f"cannot be reached ({type(error).__name__})"
        raise DeliveryError(f"the host of the webhook in {secret_name} {reason}") from None
    return connection


def _build_refusal_error(response: HTTPResponse, secret_name: str) -> DeliveryError:
    summary = f"the webhook in {secret_name} returned {response.status}"
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = response.getheader("Retry-After", "")
        return DeliveryError(summary, float(seconds[:6]) if seconds.isascii() and seconds.isdigit() else None)
    if is_transient(response.status):
        return DeliveryError(summary)
    reason = _read_reason(response)
    message = f"{summary} {reason}".rstrip()
    if response.status not in _CLIENT_ERRORS:
        return ChannelRefusedError(f"{message}, which Slack webhooks never do; correct the URL in the secret")
    if reason in _MESSAGE_REASONS:
        return ChannelRefusedError(f"{message}: Slack rejected the message format; report this as a bug")
    remedy = "create a new incoming webhook for an active channel, and store it in the secret"
    return ChannelRefusedError(f"{message}; {remedy}")


def _read_reason(response: HTTPResponse) -> str:
    """Return the error word of Slack's answer; empty for any other answer, which may hold a secret."""
    try:
        text = response.read(_MAX_RESPONSE_LENGTH).decode("ascii", "replace").strip()
    except (OSError, HTTPException):
        return ""
    return text if _REASON_PATTERN.fullmatch(text) else ""
