"""The moment of `--now`."""

from datetime import UTC, datetime

import pytest

from backup_auditor.cli.options import read_now
from backup_auditor.errors import UsageError


@pytest.mark.parametrize(
    "text,moment",
    [
        pytest.param("2026-11-22T06:00:00Z", datetime(2026, 11, 22, 6, tzinfo=UTC), id="utc"),
        pytest.param("2026-11-22t06:00:00z", datetime(2026, 11, 22, 6, tzinfo=UTC), id="small-letters"),
        pytest.param("2026-11-22 06:00:00Z", datetime(2026, 11, 22, 6, tzinfo=UTC), id="blank-for-the-t"),
        pytest.param("2026-11-22T08:00:00+02:00", datetime(2026, 11, 22, 6, tzinfo=UTC), id="offset"),
        pytest.param("2026-11-22T06:00:00.25Z", datetime(2026, 11, 22, 6, 0, 0, 250000, UTC), id="fraction"),
        pytest.param("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC), id="leap-day"),
    ],
)
def test_rfc_3339_is_read(text: str, moment: datetime) -> None:
    """A moment with an offset is converted to UTC."""
    assert read_now(text) == moment
    assert read_now(text).tzinfo is UTC  # type: ignore[union-attr]  # it is a moment, as the line above says


def test_without_the_flag_there_is_no_moment() -> None:
    """Where `--now` was not given, nothing is read."""
    assert read_now(None) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("now", id="word"),
        pytest.param("2026-11-22", id="day"),
        pytest.param("2026-11-22T06:00:00", id="no-offset"),
        pytest.param("2026-11-22T06:00Z", id="no-seconds"),
        pytest.param("20261122T060000Z", id="without-signs"),
        pytest.param("2026-02-29T06:00:00Z", id="no-such-day"),
        pytest.param("2026-13-01T06:00:00Z", id="no-such-month"),
        pytest.param("2026-11-22T25:00:00Z", id="no-such-hour"),
        pytest.param("2026-11-22T06:00:60Z", id="leap-second"),
        pytest.param("2026-11-22T06:00:00+99:00", id="no-such-offset"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before-time"),
        pytest.param("1999-12-31T23:59:59Z", id="one-second-before"),
        pytest.param("3000-01-01T00:00:00Z", id="one-second-past"),
        pytest.param("9999-12-31T23:59:59-14:00", id="after-time"),
        pytest.param("2026-11-22T06:00:00Z\n", id="line-end"),
        pytest.param("٢٠٢٦-11-22T06:00:00Z", id="digits-of-another-script"),
    ],
)
def test_an_impossible_moment_is_refused(text: str) -> None:
    """Anything else is refused, in one line that shows what was given."""
    with pytest.raises(UsageError, match="--now") as error_info:
        read_now(text)
    assert "\n" not in str(error_info.value)


@pytest.mark.parametrize("text", ["2000-01-01T00:00:00Z", "2999-12-31T23:59:59Z"])
def test_the_ends_of_time_are_allowed(text: str) -> None:
    """The first and the last second in reach are read."""
    assert read_now(text) is not None
