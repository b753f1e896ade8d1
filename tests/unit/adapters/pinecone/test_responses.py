"""How responses of the service are interpreted."""

import json

import pytest

from backup_auditor.adapters.pinecone.client import build_error
from backup_auditor.adapters.pinecone.transport import Response
from backup_auditor.errors import (
    BadKeyError,
    ConflictError,
    ForbiddenError,
    MalformedResponseError,
    NotFoundError,
    OrganizationPlanError,
    PineconeError,
    PreconditionError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)

KEY = "canary-of-the-answer-tests"


def make_structured_error(status: int, message: str, code: str = "PERMISSION_DENIED") -> Response:
    """Return an error in the format of the service."""
    body = {"error": {"code": code, "message": message}, "status": status}
    return Response(status, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    "status, error_type",
    [
        (302, MalformedResponseError),
        (400, UnsupportedError),
        (401, BadKeyError),
        (402, ForbiddenError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (408, UnavailableError),
        (409, ConflictError),
        (412, PreconditionError),
        (418, MalformedResponseError),
        (422, UnsupportedError),
        (429, ThrottledError),
        (500, UnavailableError),
        (502, UnavailableError),
        (503, UnavailableError),
        (504, UnavailableError),
        (507, UnavailableError),
    ],
)
def test_each_status_has_one_error_type(status: int, error_type: type[PineconeError]) -> None:
    """The text of the error has the status and the message."""
    error = build_error(make_structured_error(status, "It is so."), KEY)
    assert type(error) is error_type
    assert str(error).startswith(f"{status}: ")


@pytest.mark.parametrize("status", [400, 404, 409, 412, 422])
def test_a_page_states_nothing_about_a_resource(status: int) -> None:
    """A proxy can answer with a page: it does not show that an index is gone, or that a backup cannot be restored."""
    error = build_error(Response(status, {}, b"<!DOCTYPE html><h1>Not here</h1>"), KEY)
    assert type(error) is MalformedResponseError
    assert str(error) == f"{status}: an HTML page"


@pytest.mark.parametrize(
    "message, error_type",
    [
        pytest.param("Scheduled backups are not available for your plan", OrganizationPlanError, id="plan"),
        pytest.param(
            "Your organization's plan does not include backups. Upgrade.", OrganizationPlanError, id="plan-within"
        ),
        pytest.param("Increase your quota or upgrade to create more backups.", QuotaError, id="quota"),
        pytest.param("Upgrade your plan to raise the quota.", QuotaError, id="quota-and-plan"),
        pytest.param("Access denied: Permission control::backups::list is required", ForbiddenError, id="permission"),
        pytest.param("The control plane denies this.", ForbiddenError, id="plane-is-not-plan"),
        pytest.param("Not for the index floor-plan", ForbiddenError, id="index-called-plan"),
        pytest.param("Permission x is required for the plan", ForbiddenError, id="permission-that-names-a-plan"),
        pytest.param("", ForbiddenError, id="silent"),
    ],
)
def test_403_has_three_meanings(message: str, error_type: type[PineconeError]) -> None:
    """The message says whether the plan, the quota or the permission of the key is the reason."""
    assert type(build_error(make_structured_error(403, message), KEY)) is error_type


def test_only_the_service_can_refuse_a_plan() -> None:
    """Only an error in the format of the service says that the plan has no schedules."""
    page = Response(403, {}, b"Blocked: your plan does not include this site")
    assert type(build_error(page, KEY)) is ForbiddenError


@pytest.mark.parametrize("message", ["Unsupported API version: 2031-01", "Invalid X-Pinecone-Api-Version header"])
def test_a_refused_api_version_does_not_concern_the_index(message: str) -> None:
    """Otherwise a wrong setting would mean that no index can be backed up."""
    assert type(build_error(make_structured_error(400, message), KEY)) is MalformedResponseError


def test_429_may_be_about_the_quota() -> None:
    """A full quota differs from too many calls."""
    assert type(build_error(make_structured_error(429, "No room.", "QUOTA_EXCEEDED"), KEY)) is QuotaError
    assert type(build_error(make_structured_error(429, "Slow down.", "RESOURCE_EXHAUSTED"), KEY)) is ThrottledError


@pytest.mark.parametrize("status", [520, 522, 527, 530])
def test_a_status_of_a_gateway_is_explained(status: int) -> None:
    """The error of a non-standard status says that the gateway failed."""
    error = build_error(Response(status, {}, b""), KEY)
    assert type(error) is UnavailableError
    assert str(error) == f"{status}: the gateway got no valid response from the service"


@pytest.mark.parametrize(
    "body, text",
    [
        pytest.param(b"", "502: Bad Gateway", id="empty"),
        pytest.param(b"<!DOCTYPE html><h1>oh</h1>", "502: an HTML page", id="html"),
        pytest.param(b"\xef\xbb\xbf<html>oh</html>", "502: an HTML page", id="html-after-a-byte-order-mark"),
        pytest.param(b"Bad gateway\r\n<HTML><body>oh", "502: an HTML page", id="html-after-text"),
        pytest.param(b'{"message": "<html>oh</html>"}', "502: an HTML page", id="html-in-json"),
        pytest.param(b"upstream\r\nis  gone\x1b[31m", "502: upstream is gone [31m", id="plain-with-controls"),
        pytest.param(b"\xff\xfe", "502: \ufffd\ufffd", id="no-text"),
        pytest.param(b'"said so"', "502: said so", id="json-text"),
        pytest.param(b'{"message": "flat"}', "502: flat", id="flat"),
        pytest.param(b'{"error": "in a word"}', "502: in a word", id="error-is-a-text"),
        pytest.param(b'{"error": "denied", "error_description": "No."}', "502: denied: No.", id="error-of-oauth"),
        pytest.param(b'{"error": "denied", "error_description": 7}', "502: denied", id="description-is-not-a-text"),
        pytest.param(b'{"error": {"message": 7}}', "502: Bad Gateway", id="message-is-not-a-text"),
        pytest.param(b"[[[", "502: [[[", id="half-json"),
        pytest.param(b"[" * 100_000, "502: " + "[" * 199 + "…", id="deep"),
    ],
)
def test_any_body_gives_one_readable_line(body: bytes, text: str) -> None:
    """Every body is handled, and control characters are removed."""
    assert str(build_error(Response(502, {}, body), KEY)) == text


def test_a_long_message_is_cut_and_contains_no_key() -> None:
    """Our key, and text that looks like a key, are replaced, even at the position of the cut."""
    other_key = "pcsk" + "_" + "abcDEF123"
    message = str(build_error(make_structured_error(400, f"{'x' * 190} {KEY} {other_key} {'y' * 500}"), KEY))
    assert len(message) <= len("400: ") + 200
    message += str(build_error(make_structured_error(400, f"{KEY} and {other_key}"), KEY))
    assert "canary" not in message
    assert "abc" not in message
    assert "[key] and [key]" in message
