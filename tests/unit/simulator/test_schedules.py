"""The times at which the simulated service runs a schedule."""

from datetime import UTC, datetime, timedelta

import pytest

from backup_auditor_simulator.model import Frequency, find_next_run


def _parse_moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "frequency,anchor,now,expected",
    [
        pytest.param("daily", "2026-03-01T06:00", "2026-03-01T06:00", "2026-03-02T06:00", id="first-day"),
        pytest.param("daily", "2026-03-01T06:00", "2026-03-02T05:59:59", "2026-03-02T06:00", id="one-second-before"),
        pytest.param("daily", "2026-03-01T06:00", "2026-03-02T06:00", "2026-03-03T06:00", id="at-a-run"),
        pytest.param("weekly", "2026-03-01T06:00", "2026-03-20T00:00", "2026-03-22T06:00", id="third-week"),
        pytest.param("monthly", "2026-01-31T06:00", "2026-01-31T06:00", "2026-02-28T06:00", id="short-month"),
        pytest.param("monthly", "2028-01-31T06:00", "2028-01-31T06:00", "2028-02-29T06:00", id="leap-day"),
        pytest.param("monthly", "2026-01-31T06:00", "2026-02-28T06:00", "2026-03-31T06:00", id="long-month-again"),
        pytest.param("monthly", "2026-12-15T06:00", "2026-12-15T06:00", "2027-01-15T06:00", id="new-year"),
        pytest.param("monthly", "2026-01-15T06:00", "2026-04-01T00:00", "2026-04-15T06:00", id="months-later"),
        pytest.param("monthly", "2028-02-29T06:00", "2029-02-01T00:00", "2029-02-28T06:00", id="no-leap-day"),
    ],
)
def test_the_next_run_is_counted_from_the_anchor(frequency: str, anchor: str, now: str, expected: str) -> None:
    """A run falls on the anchor's time of day; a month too short for the anchor's day has it on its last day."""
    assert find_next_run(_parse_moment(anchor), Frequency(frequency), _parse_moment(now)) == _parse_moment(expected)


def test_the_anchor_itself_is_not_a_run() -> None:
    """A schedule first runs one period after its creation."""
    anchor = _parse_moment("2026-03-01T06:00")
    assert find_next_run(anchor, Frequency.DAILY, anchor - timedelta(days=9)) == anchor + timedelta(days=1)
