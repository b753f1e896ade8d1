"""What a failure below HTTP means: no answer came, or none that is one."""

import socket
import ssl

import httpx

from backup_auditor.adapters.pinecone.texts import one_line
from backup_auditor.errors import NotUnderstoodError, PineconeError, UnavailableError, UnreachableError


class NameNotResolvedError(UnreachableError):
    """The host's name leads nowhere. Asking again does not help."""


class NotTrustedError(UnreachableError):
    """The host's certificate is not trusted. Asking again does not help."""


class NotConnectedError(UnavailableError):
    """No connection was made in time: nothing was sent."""


class AnswerLostError(UnavailableError):
    """A request that changes something went out, and what became of it is not known."""


def error_of_transport(error: Exception) -> PineconeError:
    """Say what a failure means, without holding on to it."""
    if isinstance(error, httpx.DecodingError):
        return NotUnderstoodError("the answer is not compressed as it says")
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return NotConnectedError("no connection was made in time")
    if isinstance(error, httpx.TimeoutException):
        return UnavailableError("no answer came in time")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol):
        return _error_of_connecting(error)
    if isinstance(error, httpx.ProtocolError):
        return UnavailableError("the answer broke off, or is not HTTP")
    return UnavailableError("the connection broke off")


def _error_of_connecting(error: Exception) -> UnreachableError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return NameNotResolvedError("the host's name cannot be resolved")
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", "") or cause.reason or "TLS failed"
            return NotTrustedError(f"the host cannot be trusted: {one_line(str(reason))}")
        if isinstance(cause, ConnectionRefusedError):
            return UnreachableError("the connection was refused")
        cause = cause.__cause__ or cause.__context__
    return UnreachableError(f"the host cannot be reached: {one_line(str(error))}")
