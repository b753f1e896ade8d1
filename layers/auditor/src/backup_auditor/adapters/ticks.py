"""Writes moments as whole numbers of microseconds since 1970, UTC, which every store can keep, and back."""

from datetime import UTC, datetime, timedelta

TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ticks(moment: datetime | None) -> int | None:
    """Return a moment in microseconds since 1970."""
    return None if moment is None else (moment - _EPOCH) // TICK


def moment(count: int | None) -> datetime | None:
    """Return the moment so many microseconds after 1970."""
    return None if count is None else _EPOCH + timedelta(microseconds=count)


def certain_moment(count: int) -> datetime:
    """Return the moment of a column that is never null."""
    return _EPOCH + timedelta(microseconds=count)
