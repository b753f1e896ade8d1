"""When a schedule runs: every day, week or calendar month, counted from its anchor."""

from calendar import monthrange
from datetime import datetime, timedelta
from enum import StrEnum

_MONTHS = 12


class Frequency(StrEnum):
    """The frequencies that the service knows."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


_FIXED = {Frequency.DAILY: timedelta(days=1), Frequency.WEEKLY: timedelta(days=7)}


def run_after(anchor: datetime, frequency: Frequency, moment: datetime) -> datetime:
    """Return the first run strictly after a moment; the anchor itself is not a run."""
    after = max(anchor, moment)
    step = _FIXED.get(frequency)
    if step is not None:
        return anchor + ((after - anchor) // step + 1) * step
    count = (after.year - anchor.year) * _MONTHS + after.month - anchor.month
    run = _months_later(anchor, count)
    return run if run > after else _months_later(anchor, count + 1)


def _months_later(anchor: datetime, count: int) -> datetime:
    """Return the anchor's day and time in a later month, or that month's last day where it is shorter."""
    years, month = divmod(anchor.month - 1 + count, _MONTHS)
    year = anchor.year + years
    day = min(anchor.day, monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)
