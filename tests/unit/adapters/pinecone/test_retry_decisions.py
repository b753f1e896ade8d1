"""Whether a call is repeated, and whether it may have taken effect without a response."""

import httpx
import pytest

from backup_auditor.adapters.pinecone.client import Outcome, is_retryable, may_have_taken_effect
from backup_auditor.adapters.pinecone.transport import Response, build_transport_error
from backup_auditor.errors import DeadlineError, MalformedResponseError, PineconeError


def chain_errors(error: Exception, *causes: Exception) -> Exception:
    """Chain errors as the transport raises them."""
    parent_error = error
    for cause in causes:
        parent_error.__cause__ = cause
        parent_error = cause
    return error


def translate_failure(error: Exception) -> PineconeError:
    """Return the error of a failure below HTTP."""
    return build_transport_error(error, "api.example")


def make_response_error(code: int) -> Response:
    """Return a response with a status."""
    return Response(code, {}, b"")


REFUSED_ERROR = chain_errors(
    httpx.ConnectError("[Errno 111] Connection refused"), ConnectionRefusedError(111, "refused")
)
UNREACHABLE_ERROR = chain_errors(httpx.ConnectError("[Errno 101] Network is unreachable"), OSError(101, "unreachable"))


@pytest.mark.parametrize(
    "outcome, is_retry_expected, may_have_effect",
    [
        pytest.param(make_response_error(400), False, False, id="refused"),
        pytest.param(make_response_error(409), False, False, id="conflict"),
        pytest.param(make_response_error(429), True, False, id="throttled"),
        pytest.param(make_response_error(408), True, True, id="request-timeout"),
        pytest.param(make_response_error(500), True, True, id="server-error"),
        pytest.param(make_response_error(501), False, False, id="not-made"),
        pytest.param(make_response_error(503), True, True, id="unavailable"),
        pytest.param(make_response_error(505), False, True, id="version-not-supported"),
        pytest.param(make_response_error(520), True, True, id="gateway-error"),
        pytest.param(make_response_error(524), True, True, id="timed-out-behind-a-gateway"),
        pytest.param(make_response_error(530), True, True, id="last-gateway-error"),
        pytest.param(make_response_error(507), True, True, id="not-implemented"),
        pytest.param(translate_failure(REFUSED_ERROR), True, False, id="connection-refused"),
        pytest.param(translate_failure(UNREACHABLE_ERROR), True, False, id="unreachable"),
        pytest.param(translate_failure(httpx.ConnectTimeout("")), True, False, id="not-connected-in-time"),
        pytest.param(translate_failure(httpx.PoolTimeout("")), True, False, id="no-connection-free"),
        pytest.param(translate_failure(httpx.ReadTimeout("")), True, True, id="no-answer"),
        pytest.param(translate_failure(httpx.WriteError("")), True, True, id="broken-off-while-sending"),
        pytest.param(translate_failure(httpx.ReadError("")), True, True, id="broken-off"),
        pytest.param(translate_failure(httpx.RemoteProtocolError("")), True, True, id="not-http"),
        pytest.param(translate_failure(OSError(5, "oh")), True, True, id="something-below"),
        pytest.param(DeadlineError("over"), False, True, id="deadline"),
        pytest.param(MalformedResponseError("too long"), False, True, id="not-understood"),
    ],
)
def test_the_outcome_of_a_call_decides_the_next_step(
    outcome: Outcome, is_retry_expected: bool, may_have_effect: bool
) -> None:
    """A read is repeated if that may help; a write is settled by reading if it may have taken effect."""
    assert (is_retryable(outcome), may_have_taken_effect(outcome)) == (is_retry_expected, may_have_effect)
