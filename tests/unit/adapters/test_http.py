"""HTTP statuses are transient or final."""

import pytest

from backup_auditor.adapters.http import is_transient


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 507, 520, 521, 524, 526, 530, 599])
def test_a_transient_status_may_be_followed_by_success(status: int) -> None:
    """Timeouts, throttling, failures of the server and failures of gateways are transient."""
    assert is_transient(status)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 402, 403, 404, 409, 412, 418, 422, 499, 501, 505, 600])
def test_every_other_status_is_final(status: int) -> None:
    """Client errors are final, and so are 501 and 505."""
    assert not is_transient(status)


def test_every_status_of_the_server_but_two_is_transient() -> None:
    """Of the statuses 500 to 599 only 501 and 505 are final."""
    assert [it for it in range(500, 600) if not is_transient(it)] == [501, 505]
