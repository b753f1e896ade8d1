"""Times, durations and periods: parsed from Pinecone, formatted for people, merged and shifted."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

DAY_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_RUN_NAME = re.compile(r".+-(\d{8}T\d{6}Z)\Z")
EARLIEST_MOMENT = datetime.min.replace(tzinfo=UTC)
LATEST_MOMENT = datetime.max.replace(tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(minutes=15)
"""The largest difference between the clocks of service and auditor. Backups may be missing so close to their expiry."""
_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def parse_moment(text: str) -> datetime:
    """Parse an RFC 3339 time as Pinecone writes it: 0 to 9 fraction digits, `Z`, an offset, or a space for the `T`.

    Without an offset the time is UTC. Digits after the microsecond are ignored. Raises
    `ValueError` for any other text.
    """
    moment = datetime.fromisoformat(text.strip().upper())
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} is before year 1 or after year 9999") from error


def parse_day(text: str) -> date:
    """Return the date of a text such as `2027-03-31`. Raises `ValueError`."""
    if re.fullmatch(DAY_PATTERN, text) is None:
        raise ValueError(text)
    return date.fromisoformat(text)


def format_moment(moment: datetime) -> str:
    """Return a time in UTC with `Z`. It has a fraction only if the fraction is not zero."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_run_name(name: str | None) -> datetime | None:
    """Return the time at the end of a run's name, `{schedule name}-YYYYMMDDTHHMMSSZ`; `None` for another name."""
    match = _RUN_NAME.match(name or "")
    if match is None:
        return None
    try:
        return datetime.fromisoformat(match[1])
    except ValueError:
        return None


def format_length(length: timedelta, units: int = 2) -> str:
    """Return a length of time in its largest units: `3d 4h`, `35d`, `1m 30s`, `0s`."""
    sign, rest = ("-", -length) if length < timedelta() else ("", length)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts and units < len(_UNITS):
            break
    return sign + " ".join(parts[:units] or ["0s"])


def format_lengths(actual: timedelta, limit: timedelta) -> tuple[str, str]:
    """Return two lengths as text. If they differ but look alike in two units, they are exact to the second."""
    texts = format_length(actual), format_length(limit)
    if texts[0] == texts[1] and actual != limit:
        return format_length(actual, len(_UNITS)), format_length(limit, len(_UNITS))
    return texts


def format_minute(moment: datetime) -> str:
    """Return a time for people, to the minute: `2026-12-01 06:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def format_distance(length: timedelta) -> str:
    """Return how far off a time is: `in 3d 4h`, `1h ago`, or `now` within a minute."""
    if abs(length) < timedelta(minutes=1):
        return "now"
    return f"in {format_length(length)}" if length > timedelta() else f"{format_length(-length)} ago"


def to_hours(length: timedelta) -> float:
    """Return a length in hours with four decimals, enough to distinguish seconds in evidence."""
    return round(length / timedelta(hours=1), 4)


def to_seconds(length: timedelta | None) -> float | None:
    """Return a length in seconds, to the millisecond; `None` for none."""
    return None if length is None else round(length.total_seconds(), 3)


def to_days(length: timedelta) -> float | int:
    """Return a length in days with two decimals; an `int` if it is whole."""
    count = round(length / timedelta(days=1), 2)
    return int(count) if count == int(count) else count


class Period(NamedTuple):
    """A period from one time to a later one."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """The length of the period."""
        return self.end - self.start


def merge_periods(periods: Iterable[Period], bounds: Period) -> list[Period]:
    """Return the parts of periods within bounds, sorted. Adjacent and overlapping periods are merged."""
    merged_periods: list[Period] = []
    for start, end in sorted(periods):
        period = Period(max(start, bounds.start), min(end, bounds.end))
        if period.end <= period.start:
            continue
        if merged_periods and period.start <= merged_periods[-1].end:
            merged_periods[-1] = Period(merged_periods[-1].start, max(merged_periods[-1].end, period.end))
        else:
            merged_periods.append(period)
    return merged_periods


def find_breaks(periods: list[Period], end: datetime) -> list[Period]:
    """Return the gaps between merged periods, and between the last one and an end."""
    edges = [*periods, Period(end, end)] if periods else []
    return [Period(a.end, b.start) for a, b in pairwise(edges) if b.start > a.end]


def shift_moment(moment: datetime, length: timedelta) -> datetime:
    """Return a time moved by a length, limited to the years 1 to 9999."""
    try:
        return moment + length
    except OverflowError:
        return EARLIEST_MOMENT if length < timedelta() else LATEST_MOMENT
