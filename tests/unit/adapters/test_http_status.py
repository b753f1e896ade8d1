"""Which statuses are worth another attempt."""

import pytest

from backup_auditor.adapters.http_status import is_transient


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 507, 520, 521, 524, 526, 530, 599])
def test_a_transient_status_may_be_followed_by_success(status: int) -> None:
    """Timeouts, throttling, failures of the server and failures of gateways are transient."""
    assert is_transient(status)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 402, 403, 404, 409, 412, 418, 422, 499, 501, 505, 600])
def test_every_other_status_is_an_answer(status: int) -> None:
    """A refusal stays a refusal, and 501 and 505 say that the server will never do it."""
    assert not is_transient(status)


def test_every_status_of_the_server_but_two_is_transient() -> None:
    """501 and 505 are the only statuses from 500 to 599 that another attempt does not mend."""
    assert [it for it in range(500, 600) if not is_transient(it)] == [501, 505]
