"""Read and write times, durations and periods, for Pinecone and for people."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

_RUN_NAME = re.compile(r".+-(\d{8}T\d{6}Z)\Z")
CLOCK_TOLERANCE = timedelta(minutes=15)
"""How far the service's clock and the auditor's may differ, and how close to its expiry a backup may be missing."""
_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def parse_moment(text: str) -> datetime:
    """Read an RFC 3339 moment as Pinecone writes it: 0 to 9 fraction digits, `Z`, an offset, or a blank for the `T`.

    A moment without an offset is taken as UTC. Digits past the microsecond are cut off.

    Raises `ValueError` when the text is no such moment.
    """
    moment = datetime.fromisoformat(text.strip().upper())
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} lies before the first or after the last year") from error


def format_moment(moment: datetime) -> str:
    """Write a moment in UTC with `Z`, and a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_run_name(name: str | None) -> datetime | None:
    """Return the moment that ends a scheduled run's name, `{schedule name}-YYYYMMDDTHHMMSSZ`, if the name is one."""
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
    """Write two lengths so that they look different where they are: to the second where two units do not show it."""
    texts = format_length(actual), format_length(limit)
    if texts[0] == texts[1] and actual != limit:
        return format_length(actual, len(_UNITS)), format_length(limit, len(_UNITS))
    return texts


def format_minute(moment: datetime) -> str:
    """Write a moment for a sentence, to the minute: `2026-12-01 06:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def format_distance(length: timedelta) -> str:
    """Return how far off a time is: `in 3d 4h`, `1h ago`, or `now` within a minute."""
    if abs(length) < timedelta(minutes=1):
        return "now"
    return f"in {format_length(length)}" if length > timedelta() else f"{format_length(-length)} ago"


def to_hours(length: timedelta) -> float:
    """Return a length in hours, to four decimals, as evidence shows it: a second makes a difference."""
    return round(length / timedelta(hours=1), 4)


def to_days(length: timedelta) -> float | int:
    """Return a length in days, to two decimals, whole where it is whole."""
    count = round(length / timedelta(days=1), 2)
    return int(count) if count == int(count) else count


class Period(NamedTuple):
    """A stretch of time, from one moment to a later one."""

    start: datetime
    end: datetime


def merge_periods(periods: Iterable[Period], bounds: Period) -> list[Period]:
    """Return the stretches as far as they lie within another, sorted; those that meet are one."""
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
    """Return what lies between joined stretches, and between the last of them and an end."""
    edges = [*periods, Period(end, end)] if periods else []
    return [Period(a.end, b.start) for a, b in pairwise(edges) if b.start > a.end]


def shift_moment(moment: datetime, length: timedelta) -> datetime:
    """Return the moment so much later, but none before the first or after the last year."""
    try:
        return moment + length
    except OverflowError:
        return _MIN_MOMENT if length < timedelta() else _MAX_MOMENT


_MIN_MOMENT = datetime.min.replace(tzinfo=UTC)
_MAX_MOMENT = datetime.max.replace(tzinfo=UTC)
