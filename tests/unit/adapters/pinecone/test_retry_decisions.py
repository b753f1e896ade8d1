"""Whether a call is worth repeating, and whether it may have taken effect without an answer."""

import httpx
import pytest

from backup_auditor.adapters.pinecone.responses import Outcome, is_retryable, may_have_taken_effect
from backup_auditor.adapters.pinecone.transport import RequestRoute, Response, build_transport_error
from backup_auditor.errors import DeadlineError, MalformedResponseError, PineconeError


def caused(error: Exception, *causes: Exception) -> Exception:
    """Chain errors as they come out of the transport."""
    above = error
    for cause in causes:
        above.__cause__ = cause
        above = cause
    return error


def failed(error: Exception) -> PineconeError:
    """Return what a failure on the way to a host means."""
    return build_transport_error(error, RequestRoute("api.example"))


def status(code: int) -> Response:
    """Build an answer."""
    return Response(code, {}, b"")


REFUSED = caused(httpx.ConnectError("[Errno 111] Connection refused"), ConnectionRefusedError(111, "refused"))
UNREACHABLE = caused(httpx.ConnectError("[Errno 101] Network is unreachable"), OSError(101, "unreachable"))


@pytest.mark.parametrize(
    "outcome, is_worth, may_have",
    [
        pytest.param(status(400), False, False, id="refused"),
        pytest.param(status(409), False, False, id="conflict"),
        pytest.param(status(429), True, False, id="throttled"),
        pytest.param(status(408), True, True, id="timed-out-there"),
        pytest.param(status(500), True, True, id="failed-there"),
        pytest.param(status(501), False, False, id="not-made"),
        pytest.param(status(503), True, True, id="unavailable"),
        pytest.param(status(505), False, True, id="version-not-supported"),
        pytest.param(status(520), True, True, id="gateway-error"),
        pytest.param(status(524), True, True, id="timed-out-behind-a-gateway"),
        pytest.param(status(530), True, True, id="last-gateway-error"),
        pytest.param(status(507), True, True, id="failed-there-as-few-do"),
        pytest.param(failed(REFUSED), True, False, id="connection-refused"),
        pytest.param(failed(UNREACHABLE), True, False, id="unreachable"),
        pytest.param(failed(httpx.ConnectTimeout("")), True, False, id="not-connected-in-time"),
        pytest.param(failed(httpx.PoolTimeout("")), True, False, id="no-connection-free"),
        pytest.param(failed(httpx.ReadTimeout("")), True, True, id="no-answer"),
        pytest.param(failed(httpx.WriteError("")), True, True, id="broken-off-while-sending"),
        pytest.param(failed(httpx.ReadError("")), True, True, id="broken-off"),
        pytest.param(failed(httpx.RemoteProtocolError("")), True, True, id="no-http"),
        pytest.param(failed(OSError(5, "oh")), True, True, id="something-below"),
        pytest.param(DeadlineError("over"), False, True, id="deadline"),
        pytest.param(MalformedResponseError("too long"), False, True, id="not-understood"),
    ],
)
def test_what_came_of_a_call_decides_what_is_done(outcome: Outcome, is_worth: bool, may_have: bool) -> None:
    """A read is repeated where that may help; a write is looked for where it may have arrived."""
    assert (is_retryable(outcome), may_have_taken_effect(outcome)) == (is_worth, may_have)
