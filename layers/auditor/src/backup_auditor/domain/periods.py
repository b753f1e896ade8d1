"""Stretches of time on a line: joined where they touch, and what lies between them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple


class Period(NamedTuple):
    """A stretch of time, from one moment to a later one."""

    start: datetime
    end: datetime


def joined_periods(found: Iterable[Period], within: Period) -> list[Period]:
    """Return the stretches as far as they lie within another, sorted; those that meet are one."""
    joined: list[Period] = []
    for start, end in sorted(found):
        clipped = Period(max(start, within.start), min(end, within.end))
        if clipped.end <= clipped.start:
            continue
        if joined and clipped.start <= joined[-1].end:
            joined[-1] = Period(joined[-1].start, max(joined[-1].end, clipped.end))
        else:
            joined.append(clipped)
    return joined


def between(joined: list[Period], end: datetime) -> list[Period]:
    """Return what lies between joined stretches, and between the last of them and an end."""
    edges = [*joined, Period(end, end)] if joined else []
    return [Period(a.end, b.start) for a, b in pairwise(edges) if b.start > a.end]


def shifted(moment: datetime, length: timedelta) -> datetime:
    """Return the moment so much later, but none before the first or after the last year."""
    try:
        return moment + length
    except OverflowError:
        return _FIRST if length < timedelta() else _LAST


_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
