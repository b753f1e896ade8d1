"""Draw another day, time zone and locale for the tests: `shifted_clock.py SEED` prints variables for `env`.

The same seed always gives the same day, zone and locale. The time of day is that of the machine.
"""

import sys
from calendar import isleap, monthrange
from datetime import UTC, date, datetime
from random import Random

_YEARS = range(2020, 2048)
_MAX_OFFSET_MINUTES, _MIN_OFFSET_MINUTES = 14 * 60, -12 * 60
_OFFSET_STEP_MINUTES = 30
"""The step between offsets: some zones differ by half an hour."""
_SPECIAL_DAYS = ((2, 29), (2, 28), (12, 31), (1, 1))


def draw_day(rng: Random) -> date:
    """Return a random day; half of the days are leap days or near the end of a year."""
    year = rng.choice(_YEARS)
    if rng.choice((True, False)):
        month, day = rng.choice(_SPECIAL_DAYS)
        if (month, day) == (2, 29):
            year = rng.choice([it for it in _YEARS if isleap(it)])
        return date(year, month, day)
    month = rng.randint(1, 12)
    return date(year, month, rng.randint(1, monthrange(year, month)[1]))


def draw_zone(rng: Random) -> str:
    """Return a random zone from UTC−12 to UTC+14 in POSIX notation, which has an inverted sign and no zone file."""
    offset_minutes = rng.randrange(_MIN_OFFSET_MINUTES, _MAX_OFFSET_MINUTES + 1, _OFFSET_STEP_MINUTES)
    hours, minutes = divmod(abs(offset_minutes), 60)
    sign = "-" if offset_minutes > 0 else ""
    return f"<{'+' if offset_minutes >= 0 else '-'}{hours:02}{minutes:02}>{sign}{hours}:{minutes:02}"


def build_variables(seed: str, today: date) -> dict[str, str]:
    """Return the variables that shift the tests to the day of a seed."""
    rng = Random(seed)  # noqa: S311  no secret
    day, zone = draw_day(rng), draw_zone(rng)
    return {"AUDITOR_TEST_SHIFT_DAYS": str((day - today).days), "TZ": zone, "LC_ALL": "C"}


if __name__ == "__main__":
    (_, seed_text) = sys.argv
    environment = build_variables(seed_text, datetime.now(UTC).date())
    print(" ".join(f"{name}={value}" for name, value in environment.items()))
