"""Moments and lengths of time, as Pinecone writes them and as people read them."""

import re
from datetime import UTC, datetime, timedelta

_RUN_NAME = re.compile(r".+-(\d{8}T\d{6}Z)\Z")
_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def parse_moment(text: str) -> datetime:
    """Read an RFC 3339 moment as Pinecone writes it: 0 to 9 fraction digits, `Z`, an offset, or a blank for the `T`.

    A moment without an offset is taken as UTC. Digits past the microsecond are cut off.

    Raises `ValueError` when the text is no such moment.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def format_moment(moment: datetime) -> str:
    """Write a moment in UTC with `Z`, and a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment_in_run_name(name: str | None) -> datetime | None:
    """Return the moment that ends a scheduled run's name, `{schedule name}-YYYYMMDDTHHMMSSZ`, if the name is one."""
    match = _RUN_NAME.match(name or "")
    if match is None:
        return None
    try:
        return datetime.fromisoformat(match[1])
    except ValueError:
        return None


def format_length(length: timedelta) -> str:
    """Write a length of time with its two largest units: `3 d 4 h`, `35 d`, `90 s`, `0 s`."""
    sign, rest = ("-", -length) if length < timedelta() else ("", length)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return sign + " ".join(parts[:2] or ["0 s"])


def hours(length: timedelta) -> float:
    """Return a length in hours, to two decimals, as evidence shows it."""
    return round(length / timedelta(hours=1), 2)


def days(length: timedelta) -> float | int:
    """Return a length in days, to two decimals, whole where it is whole."""
    count = round(length / timedelta(days=1), 2)
    return int(count) if count == int(count) else count
