"""Moments as the service writes them: with 0 to 9 fraction digits, and UTC spelled in more than one way."""

from datetime import datetime
from zlib import crc32

from backup_auditor_simulator.api.versions import Family

_DIGITS = 10
_BLANK_EVERY = 7
_NANOSECONDS = 1000
"""In a microsecond: the world does not count them, and the service writes them. A whole second stays one."""


def write_moment(moment: datetime, family: Family, key: str) -> str:
    """Write a moment. `key` settles the manner, so that the same field of the same thing is always written alike."""
    manner = crc32(key.encode())
    digits = manner % _DIGITS
    nanoseconds = manner % _NANOSECONDS if moment.microsecond else 0
    fraction = f".{moment.microsecond:06d}{nanoseconds:03d}"[: digits + 1] if digits else ""
    zone = "+00:00" if manner // _DIGITS % 2 else "Z"
    between = " " if not family.is_new and manner % _BLANK_EVERY == 0 else "T"
    return f"{moment:%Y-%m-%d}{between}{moment:%H:%M:%S}{fraction}{zone}"


def write_moment_or_null(moment: datetime | None, family: Family, key: str) -> str | None:
    """Write a moment, if there is one."""
    return None if moment is None else write_moment(moment, family, key)
