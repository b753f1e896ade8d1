"""Send one HTTP request over a pool of connections; failures below HTTP become typed errors."""

import logging
import re
import socket
import ssl
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple, Self, cast

from backup_auditor.adapters.http import explain_tls_failure, is_transient, make_tls_context
from backup_auditor.adapters.pinecone.connection import (
    HOST_VARIABLE,
    Connection,
    KeyKind,
    Proxy,
    find_proxy,
    to_one_line,
)
from backup_auditor.adapters.pinecone.flow_control import Deadline
from backup_auditor.errors import (
    MalformedResponseError,
    PineconeError,
    SettingsError,
    UnavailableError,
    UnreachableError,
    UntrustedHostError,
)

# where click and rich are installed, httpx loads its command line: a tenth of the time of a whole audit
sys.modules.setdefault("httpx._main", cast("ModuleType", None))
import httpx  # noqa: E402

_PROXY_AUTHENTICATION = 407
_MAX_ERROR_LENGTH = 1000
"""Characters of an error, which may contain a chain of certificates."""


class PermanentError(UnreachableError):
    """The name of the host cannot be resolved. A retry does not help."""


class NotConnectedError(UnavailableError):
    """No connection was established in time; nothing was sent."""


class ResponseLostError(UnavailableError):
    """A request that changes something was sent, and its outcome is unknown."""


def build_transport_error(
    error: Exception, host: str, proxy: Proxy | None = None, host_source: str = HOST_VARIABLE
) -> PineconeError:
    """Return the error that a failure means, without a reference to the failure. Names the proxy, if any.

    `host` has its port, if it is not the default one. `host_source` is what names the host.
    """
    if isinstance(error, httpx.DecodingError):
        return MalformedResponseError("the response is not compressed as its header says")
    proxy_note = f" (through {proxy})" if proxy else ""
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return NotConnectedError(f"no connection was established in time{proxy_note}")
    if isinstance(error, httpx.TimeoutException):
        return UnavailableError(f"no response arrived in time{proxy_note}")
    if isinstance(error, httpx.ProxyError) and proxy:
        return _build_proxy_error(str(error), host, proxy)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol):
        return _build_connect_error(error, host, proxy, host_source)
    is_invalid = isinstance(error, httpx.ProtocolError)
    summary = "the response was cut off, or is not HTTP" if is_invalid else "the connection was lost"
    return UnavailableError(f"{summary}{proxy_note}")


def _build_proxy_error(text: str, host: str, proxy: Proxy) -> UnreachableError:
    """Return why a proxy did not connect; `text` begins with the status of its response."""
    match = re.match(r"\d{3}", text)
    status = int(match[0]) if match else 0
    summary = f"{proxy} did not connect to {host}: {to_one_line(text)}"
    if status == _PROXY_AUTHENTICATION:
        return UnreachableError(
            f"{summary}; set the user name and the password in {proxy.source}: http://USER:PASSWORD@…"
        )
    if is_transient(status):
        return UnreachableError(f"{summary}; check the proxy and the network behind it")
    return UnreachableError(f"{summary}; allow the host in the proxy, or add it to NO_PROXY to connect directly")


def _build_connect_error(error: Exception, host: str, proxy: Proxy | None, host_source: str) -> UnreachableError:
    proxy_note = f" (through {proxy})" if proxy else ""
    remedy = f"check {proxy.source if proxy else host_source} and the network"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return PermanentError(f"the name of {proxy or host} cannot be resolved; {remedy}")
        if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionResetError | BrokenPipeError):
            return UnreachableError(f"the connection to {host} was lost during the TLS handshake{proxy_note}; {remedy}")
        if isinstance(cause, ssl.SSLError):
            return UntrustedHostError(
                to_one_line(f"{explain_tls_failure(cause, host)}{proxy_note}", max_length=_MAX_ERROR_LENGTH)
            )
        if isinstance(cause, ConnectionRefusedError):
            return UnreachableError(f"{proxy or host} refused the connection; {remedy}")
        cause = cause.__cause__ or cause.__context__
    return UnreachableError(f"{proxy or host} cannot be reached: {to_one_line(str(error))}; {remedy}")


_MIN_KEY_LENGTH = 12


class Response(NamedTuple):
    """The response to one request."""

    status: int
    headers: Mapping[str, str]
    """Headers by lower-case name, or a mapping that ignores case."""
    body: bytes

    def __repr__(self) -> str:
        """Return only the status: the service can send anything, even a key."""
        return f"<Response {self.status}>"


class Transport:
    """A pool of persistent connections to one host. Safe to use from many threads.

    It replaces `httpx.Client`, which handles redirects, cookies and credentials: here no redirect is followed, so that
    the key is sent to no other host.
    """

    def __init__(self, connection: Connection) -> None:
        """Create the pool. Raises `SettingsError` for an invalid address or proxy, and for missing certificates."""
        self._connection = connection
        # names and statuses may contain the key, and reports contain them; a text shorter than any key is not replaced
        self._key = connection.key.encode() if len(connection.key) >= _MIN_KEY_LENGTH else b""
        logging.getLogger("httpcore").setLevel(logging.INFO)  # the DEBUG level logs the headers of responses
        try:
            self._base = httpx.URL(connection.host)
            self._prefix = self._base.raw_path.rstrip(b"/")
            self._host = self._base.netloc.decode("ascii")
            self._proxy = None if connection.is_loopback else find_proxy(self._base.host, self._base.port)
            self._pool = _open_pool(connection, self._proxy)
            versions = {connection.api_version, connection.schedules_api_version}
            self._headers = {it: _build_headers(connection, self._host, it) for it in versions}
        except (httpx.InvalidURL, ValueError) as error:
            reason = f"{connection.host_source} cannot be used: {error}; correct the address"
        else:
            return
        raise SettingsError(reason)

    def __enter__(self) -> Self:
        """Return the transport."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections."""
        self._pool.close()

    def send(self, method: str, target: bytes, version: str, deadline: Deadline, body: bytes | None = None) -> Response:
        """Send one request, once, and return the whole response.

        Raises `UnreachableError`, `UnavailableError`, `MalformedResponseError` and `DeadlineError`. None of them has a
        reference to the request, which contains the key.
        """
        seconds_left = deadline.require_seconds_left()
        request = httpx.Request(
            method,
            self._base.copy_with(raw_path=self._prefix + target),
            headers=self._headers[version],
            content=body,
            extensions={"timeout": self._build_timeouts(seconds_left)},
        )
        transport_error: PineconeError
        try:
            response = self._pool.handle_request(request)
            try:
                return Response(response.status_code, response.headers, self._read_body(response, deadline))
            finally:
                response.close()
        except (httpx.TransportError, httpx.DecodingError, OSError) as error:
            transport_error = build_transport_error(error, self._host, self._proxy, self._connection.host_source)
        # raised here, not above: the error must not refer to its cause, which refers to the request
        raise transport_error

    def _build_timeouts(self, seconds_left: float) -> dict[str, float]:
        read = min(self._connection.read_timeout.total_seconds(), seconds_left)
        connect = min(self._connection.connect_timeout.total_seconds(), seconds_left)
        return {"connect": connect, "read": read, "write": read, "pool": seconds_left}

    def _read_body(self, response: httpx.Response, deadline: Deadline) -> bytes:
        is_encoded = response.headers.get("content-encoding", "identity") != "identity"
        # a body that is not encoded is read from the stream: the response would only copy it
        parts = response.iter_bytes() if is_encoded else cast("httpx.SyncByteStream", response.stream)
        pieces: list[bytes] = []
        size = 0
        for part in parts:
            size += len(part)
            if size > self._connection.body_limit:
                raise MalformedResponseError(f"the response is too long (limit: {self._connection.body_limit} bytes)")
            pieces.append(part)
            deadline.require_seconds_left()
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return body.replace(self._key, b"[key]") if self._key else body


def _build_headers(connection: Connection, host: str, version: str) -> httpx.Headers:
    headers = {}
    if connection.key_kind is KeyKind.API_KEY:
        headers["Api-Key"] = connection.key
    elif connection.key_kind is KeyKind.ACCESS_TOKEN:
        headers["Authorization"] = f"Bearer {connection.key}"
    return httpx.Headers(
        {
            "Host": host,
            **headers,
            "X-Pinecone-Api-Version": version,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "backup-auditor",
        }
    )


def _open_pool(connection: Connection, proxy: Proxy | None) -> httpx.HTTPTransport:
    limits = httpx.Limits(
        max_connections=connection.max_concurrency, max_keepalive_connections=connection.max_concurrency
    )
    if connection.host.startswith("http:"):
        tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; faster to create than with certificates
        return httpx.HTTPTransport(verify=tls_context, limits=limits)
    tls_context = make_tls_context()
    if proxy is None:
        return httpx.HTTPTransport(verify=tls_context, limits=limits)
    # an https proxy uses the same trusted certificates
    proxy_context = tls_context if proxy.name.startswith("https:") else None
    return httpx.HTTPTransport(
        verify=tls_context, limits=limits, proxy=httpx.Proxy(proxy.url, ssl_context=proxy_context)
    )
