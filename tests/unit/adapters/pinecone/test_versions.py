"""What a 404 means with an older API version."""

import pytest

from backup_auditor.adapters.pinecone.client import explain_missing
from backup_auditor.errors import ForbiddenError, NotFoundError

NOT_FOUND = NotFoundError("404: Not Found")


@pytest.mark.parametrize(
    "target, version, variable",
    [
        pytest.param(
            b"/indexes/orders/backup-schedules?limit=100", "2025-10", "PINECONE_SCHEDULES_API_VERSION", id="list"
        ),
        pytest.param(
            b"/indexes/orders/backup-schedules", "2026-04", "PINECONE_SCHEDULES_API_VERSION", id="last-version-without"
        ),
        pytest.param(
            b"/backup-schedules/a/history?limit=100", "2025-10", "PINECONE_SCHEDULES_API_VERSION", id="history"
        ),
        pytest.param(b"/backups?limit=100", "2025-01", "PINECONE_API_VERSION", id="backups"),
    ],
)
def test_the_error_names_a_version_that_lacks_the_call(target: bytes, version: str, variable: str) -> None:
    """The error is still a 404, and its text ends with the remedy."""
    error = explain_missing(NOT_FOUND, target, version)
    assert type(error) is NotFoundError
    assert str(error).startswith("404: Not Found; API version ")
    assert f"set {variable} to" in str(error)


@pytest.mark.parametrize(
    "target, version",
    [
        pytest.param(b"/indexes/orders/backup-schedules", "2026-07", id="first-version-with"),
        pytest.param(b"/indexes/orders/backup-schedules", "unstable", id="unstable"),
        pytest.param(b"/indexes/backup-schedules/backups", "2025-10", id="index-called-so"),
        pytest.param(b"/indexes", "2025-01", id="indexes"),
        pytest.param(b"/backups", "2025-04", id="backups"),
    ],
)
def test_a_version_with_the_call_is_not_the_reason(target: bytes, version: str) -> None:
    """The resource does not exist."""
    assert explain_missing(NOT_FOUND, target, version) is NOT_FOUND


def test_other_errors_are_unchanged() -> None:
    """Only a 404 can mean that the version lacks the call."""
    denied_error = ForbiddenError("403: No.")
    assert explain_missing(denied_error, b"/backup-schedules/a", "2025-10") is denied_error
