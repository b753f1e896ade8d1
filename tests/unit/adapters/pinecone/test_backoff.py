"""How long the client waits before it repeats a call."""

from datetime import UTC, datetime

import pytest

from backup_auditor.adapters.pinecone.flow_control import BASE_WAIT, MAX_WAIT, Backoff, parse_retry_after

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def pick_longest(_low: float, high: float) -> float:
    """Pick the longest wait."""
    return high


def pick_shortest(low: float, _high: float) -> float:
    """Pick the shortest wait."""
    return low


def test_waits_grow_up_to_a_limit() -> None:
    """Each wait is between the first wait and three times the previous one."""
    backoff = Backoff(pick_longest)
    assert [backoff.compute_wait(None) for _ in range(5)] == pytest.approx(
        [3 * BASE_WAIT, 9 * BASE_WAIT, 27 * BASE_WAIT, MAX_WAIT, MAX_WAIT]
    )


def test_no_wait_is_shorter_than_the_first() -> None:
    """The shortest random wait equals the base wait."""
    backoff = Backoff(pick_shortest)
    assert [backoff.compute_wait(None) for _ in range(3)] == [BASE_WAIT] * 3


def test_retry_after_is_waited_in_full() -> None:
    """A `Retry-After` above our own limit is waited in full, with some random time added."""
    assert Backoff(pick_shortest).compute_wait(60.0) == 60.0
    assert Backoff(pick_longest).compute_wait(60.0) == 60.0 + BASE_WAIT


@pytest.mark.parametrize(
    "text, seconds",
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param(" 0 ", 0.0, id="at-once"),
        pytest.param("Sun, 22 Nov 2026 12:00:30 GMT", 30.0, id="date"),
        pytest.param("Sun, 22 Nov 2026 11:00:00 GMT", 0.0, id="past-date"),
        pytest.param("Sunday, 22-Nov-26 12:01:00 GMT", 60.0, id="obsolete-date-format"),
        pytest.param("Sun Nov 22 12:01:00 2026", 60.0, id="date-without-zone"),
        pytest.param("soon", None, id="neither"),
        pytest.param("-1", None, id="negative"),
        pytest.param("1e3", None, id="not-a-plain-number"),
        pytest.param("١٢", None, id="digits-of-another-script"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str | None, seconds: float | None) -> None:
    """A header in another format counts as absent."""
    assert parse_retry_after(text, NOW) == seconds


def test_a_number_of_any_length_is_parsed() -> None:
    """A header of the service cannot break the audit."""
    assert parse_retry_after("9" * 5000, NOW) == 999_999_999
