"""Test times and durations."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backup_auditor.domain.timefmt import (
    Period,
    find_breaks,
    format_distance,
    format_length,
    format_lengths,
    format_minute,
    format_moment,
    merge_periods,
    parse_moment,
    parse_run_name,
    shift_moment,
    to_days,
    to_hours,
)

SIX_O_CLOCK = datetime(2026, 11, 22, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "text,moment",
    [
        pytest.param("2026-11-22T06:00:00Z", SIX_O_CLOCK, id="no-fraction"),
        pytest.param("2026-11-22T06:00:00.5Z", SIX_O_CLOCK + timedelta(milliseconds=500), id="one-digit"),
        pytest.param("2026-11-22T06:00:00.123456Z", SIX_O_CLOCK + timedelta(microseconds=123456), id="six-digits"),
        pytest.param("2026-11-22T06:00:00.123456789Z", SIX_O_CLOCK + timedelta(microseconds=123456), id="nine-digits"),
        pytest.param("2026-11-22T06:00:00+00:00", SIX_O_CLOCK, id="offset-of-zero"),
        pytest.param("2026-11-22T07:30:00+01:30", SIX_O_CLOCK, id="offset"),
        pytest.param("2026-11-22 06:00:00Z", SIX_O_CLOCK, id="a-blank-for-the-t"),
        pytest.param("2026-11-22T06:00:00", SIX_O_CLOCK, id="no-offset"),
        pytest.param("2026-11-22t06:00:00z", SIX_O_CLOCK, id="lower-case"),
        pytest.param(" 2026-11-22T06:00:00Z\n", SIX_O_CLOCK, id="blanks-around"),
    ],
)
def test_times_of_pinecone_are_parsed(text: str, moment: datetime) -> None:
    """A time with 0 to 9 fraction digits is parsed and converted to UTC."""
    assert parse_moment(text) == moment
    assert parse_moment(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("yesterday", id="a-word"),
        pytest.param("2026-13-01T00:00:00Z", id="no-such-month"),
        pytest.param("2026-11-22T06:00:61Z", id="no-such-second"),
        pytest.param("0001-01-01T00:00:00+05:00", id="before-the-first-year"),
        pytest.param("9999-12-31T23:00:00-05:00", id="after-the-last-year"),
    ],
)
def test_an_invalid_time_is_refused(text: str) -> None:
    """An invalid time raises ValueError."""
    with pytest.raises(ValueError, match=r".+"):
        parse_moment(text)


@pytest.mark.parametrize(
    "moment,text",
    [
        pytest.param(SIX_O_CLOCK, "2026-11-22T06:00:00Z", id="whole"),
        pytest.param(SIX_O_CLOCK + timedelta(milliseconds=244), "2026-11-22T06:00:00.244000Z", id="fraction"),
        pytest.param(datetime.fromisoformat("2026-11-22T07:00:00+01:00"), "2026-11-22T06:00:00Z", id="offset"),
    ],
)
def test_times_are_written_in_utc(moment: datetime, text: str) -> None:
    """A written time can be parsed again."""
    assert format_moment(moment) == text
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "name,moment",
    [
        pytest.param("nightly-20261122T060000Z", SIX_O_CLOCK, id="a-run"),
        pytest.param("a-20200101T000000Z-20261122T060000Z", SIX_O_CLOCK, id="two-stamps"),
        pytest.param("nightly", None, id="no-stamp"),
        pytest.param("nightly-20261122T060000", None, id="no-zone"),
        pytest.param("nightly-20261122T060000Z ", None, id="a-blank-after"),
        pytest.param("-20261122T060000Z", None, id="no-schedule-name"),
        pytest.param("nightly-20261322T060000Z", None, id="no-such-month"),
        pytest.param("nightly-20261122T060000Z\n", None, id="a-line-end-after"),
        pytest.param(None, None, id="no-name"),
    ],
)
def test_the_name_of_a_run_ends_with_its_time(name: str | None, moment: datetime | None) -> None:
    """A name without that ending is not the name of a run."""
    assert parse_run_name(name) == moment


@pytest.mark.parametrize(
    "duration,text",
    [
        pytest.param(timedelta(), "0s", id="nothing"),
        pytest.param(timedelta(milliseconds=999), "0s", id="below-a-second"),
        pytest.param(timedelta(seconds=90), "1m 30s", id="two-units"),
        pytest.param(timedelta(days=35), "35d", id="one-unit"),
        pytest.param(timedelta(days=1, hours=3, minutes=59), "1d 3h", id="the-third-is-left-out"),
        pytest.param(timedelta(days=1, minutes=59), "1d", id="no-unit-is-leapt-over"),
        pytest.param(-timedelta(hours=2), "-2h", id="negative"),
    ],
)
def test_durations_have_their_two_largest_units(duration: timedelta, text: str) -> None:
    """A duration is cut, never rounded."""
    assert format_length(duration) == text


def test_two_durations_that_differ_look_different() -> None:
    """A duration one second above a limit shows that second."""
    limit = timedelta(hours=30)
    assert format_lengths(limit + timedelta(seconds=1), limit) == ("1d 6h 1s", "1d 6h")
    assert format_lengths(2 * limit, limit) == ("2d 12h", "1d 6h")
    assert format_lengths(limit, limit) == ("1d 6h", "1d 6h")


def test_numbers_in_evidence_are_short_and_exact_to_the_second() -> None:
    """A number of days is whole if the duration is."""
    assert to_hours(timedelta(hours=30, seconds=1)) == 30.0003
    assert to_days(timedelta(days=7)) == 7
    assert isinstance(to_days(timedelta(days=7)), int)
    assert to_days(timedelta(hours=36)) == 1.5


@pytest.mark.parametrize(
    "duration,text",
    [
        pytest.param(timedelta(days=3, hours=23, minutes=59), "in 3d 23h", id="days"),
        pytest.param(timedelta(days=1), "in 1d", id="one-day"),
        pytest.param(timedelta(hours=23, minutes=59), "in 23h 59m", id="hours"),
        pytest.param(timedelta(hours=1), "in 1h", id="one-hour"),
        pytest.param(timedelta(minutes=59, seconds=59), "in 59m 59s", id="minutes"),
        pytest.param(timedelta(minutes=-1), "1m ago", id="one-minute-ago"),
        pytest.param(timedelta(hours=-25), "1d 1h ago", id="a-day-ago"),
        pytest.param(timedelta(seconds=59), "now", id="less-than-a-minute"),
        pytest.param(timedelta(), "now", id="now"),
    ],
)
def test_a_distance_has_two_units(duration: timedelta, text: str) -> None:
    """A distance is rounded down to its two largest units: what is in 3d 23h does not happen before."""
    assert format_distance(duration) == text


def test_a_time_in_a_sentence_is_in_utc() -> None:
    """A time in any zone is written in UTC, to the minute."""
    assert format_minute(SIX_O_CLOCK.astimezone(timezone(timedelta(hours=5)))) == "2026-11-22 06:00 UTC"


def build_period(start_hour: int, end_hour: int) -> Period:
    """Build a period between two hours after six o'clock."""
    return Period(SIX_O_CLOCK + timedelta(hours=start_hour), SIX_O_CLOCK + timedelta(hours=end_hour))


@pytest.mark.parametrize(
    "hours, expected_hours",
    [
        pytest.param([], [], id="none"),
        pytest.param([(6, 8), (1, 2)], [(1, 2), (6, 8)], id="sorted"),
        pytest.param([(1, 2), (2, 3)], [(1, 3)], id="adjacent"),
        pytest.param([(1, 5), (2, 3), (4, 6)], [(1, 6)], id="overlapping"),
        pytest.param([(-3, 1), (9, 13)], [(0, 1), (9, 10)], id="cut-at-the-bounds"),
        pytest.param([(-3, -1), (1, 2), (11, 12)], [(1, 2)], id="outside-the-bounds"),
        pytest.param([(-3, 0), (4, 4), (10, 12)], [], id="of-no-length"),
    ],
)
def test_periods_are_merged_within_bounds(hours: list[tuple[int, int]], expected_hours: list[tuple[int, int]]) -> None:
    """Adjacent and overlapping periods become one, and the parts outside the bounds are left out."""
    periods = [build_period(*it) for it in hours]
    assert merge_periods(periods, build_period(0, 10)) == [build_period(*it) for it in expected_hours]


@pytest.mark.parametrize(
    "hours, end_hour, expected_hours",
    [
        pytest.param([], 10, [], id="no-period"),
        pytest.param([(1, 2)], 2, [], id="ends-with-the-last-one"),
        pytest.param([(1, 2)], 10, [(2, 10)], id="after-the-last-one"),
        pytest.param([(1, 2), (4, 6)], 6, [(2, 4)], id="between-two"),
        pytest.param([(1, 2), (4, 6)], 7, [(2, 4), (6, 7)], id="between-and-after"),
    ],
)
def test_breaks_are_between_periods(
    hours: list[tuple[int, int]], end_hour: int, expected_hours: list[tuple[int, int]]
) -> None:
    """A break is the time between two periods, or between the last one and the end."""
    breaks = find_breaks([build_period(*it) for it in hours], SIX_O_CLOCK + timedelta(hours=end_hour))
    assert breaks == [build_period(*it) for it in expected_hours]


def test_a_time_outside_the_calendar_is_named() -> None:
    """The error about a time that has no equivalent in UTC repeats the time."""
    with pytest.raises(ValueError, match=r"is before year 1 or after year 9999$") as error_info:
        parse_moment("0001-01-01T00:00:00+05:00")
    assert str(error_info.value).startswith("0001-01-01T00:00:00+05:00 ")


def test_a_shifted_time_stays_in_the_calendar() -> None:
    """A time beyond the first or the last year becomes the first or the last time."""
    assert shift_moment(SIX_O_CLOCK, timedelta(hours=-6)) == SIX_O_CLOCK - timedelta(hours=6)
    assert shift_moment(SIX_O_CLOCK, timedelta.min) == datetime.min.replace(tzinfo=UTC)
    assert shift_moment(SIX_O_CLOCK, timedelta.max) == datetime.max.replace(tzinfo=UTC)
