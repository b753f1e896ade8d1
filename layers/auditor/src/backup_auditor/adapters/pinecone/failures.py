"""What a failure below HTTP means: no answer came, or none that is one."""

import re
import socket
import ssl
from typing import NamedTuple

import httpx

from backup_auditor.adapters.http_status import is_transient
from backup_auditor.adapters.pinecone.proxy import Proxy
from backup_auditor.adapters.pinecone.texts import one_line
from backup_auditor.adapters.trust import explain_tls_failure
from backup_auditor.errors import NotUnderstoodError, PineconeError, UnavailableError, UnreachableError

_PROXY_AUTHENTICATION = 407
_LONGEST = 1000
"""Characters: a path of certificates stands in it."""


class NameNotResolvedError(UnreachableError):
    """The host's name leads nowhere. Asking again does not help."""


class NotTrustedError(UnreachableError):
    """The host's certificate is not trusted. Asking again does not help."""


class ProxyRefusedError(UnreachableError):
    """The proxy does not let the call through. Asking again does not help."""


class NotConnectedError(UnavailableError):
    """No connection was made in time: nothing was sent."""


class AnswerLostError(UnavailableError):
    """A request that changes something went out, and what became of it is not known."""


class Route(NamedTuple):
    """Where requests go, and through which proxy."""

    host: str
    """With its port, where it has one of its own."""
    proxy: Proxy | None = None


def error_of_transport(error: Exception, route: Route) -> PineconeError:
    """Say what a failure means, without holding on to it. The proxy is named where there is one."""
    if isinstance(error, httpx.DecodingError):
        return NotUnderstoodError("the answer is not compressed as it says")
    way = f" (through {route.proxy})" if route.proxy else ""
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return NotConnectedError(f"no connection was made in time{way}")
    if isinstance(error, httpx.TimeoutException):
        return UnavailableError(f"no answer came in time{way}")
    if isinstance(error, httpx.ProxyError) and route.proxy:
        return _refusal(str(error), route, route.proxy)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol):
        return _error_of_connecting(error, route, way)
    what = (
        "the answer broke off, or is not HTTP" if isinstance(error, httpx.ProtocolError) else "the connection broke off"
    )
    return UnavailableError(f"{what}{way}")


def _refusal(text: str, route: Route, proxy: Proxy) -> UnreachableError:
    """Say why a proxy did not connect; `text` begins with the status that it answered."""
    match = re.match(r"\d{3}", text)
    status = int(match[0]) if match else 0
    what = f"{proxy} did not connect to {route.host}: {one_line(text)}"
    if status == _PROXY_AUTHENTICATION:
        return ProxyRefusedError(
            f"{what}; put the user name and the password into {proxy.source}: http://USER:PASSWORD@…"
        )
    if is_transient(status):
        return UnreachableError(f"{what}; look at the proxy and at the network behind it")
    return ProxyRefusedError(f"{what}; have it allow the host, or name the host in NO_PROXY to reach it directly")


def _error_of_connecting(error: Exception, route: Route, way: str) -> UnreachableError:
    look = f"look at {route.proxy.source if route.proxy else 'PINECONE_CONTROLLER_HOST'} and at the network"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return NameNotResolvedError(f"the name of {route.proxy or route.host} cannot be resolved; {look}")
        if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionResetError | BrokenPipeError):
            return UnreachableError(f"the connection to {route.host} broke off before TLS was agreed on{way}; {look}")
        if isinstance(cause, ssl.SSLError):
            return NotTrustedError(one_line(f"{explain_tls_failure(cause, route.host)}{way}", longest=_LONGEST))
        if isinstance(cause, ConnectionRefusedError):
            return UnreachableError(f"{route.proxy or route.host} refused the connection; {look}")
        cause = cause.__cause__ or cause.__context__
    return UnreachableError(f"{route.proxy or route.host} cannot be reached: {one_line(str(error))}; {look}")
