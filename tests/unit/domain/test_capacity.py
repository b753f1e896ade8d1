"""How many backups a schedule holds, and what would fit."""

import pytest

from backup_auditor.domain.capacity import count_slots, find_best_schedule_fit
from support.builders.facts import DAY


@pytest.mark.parametrize(
    "indexes,free_slots,frequency,retention_days",
    [
        pytest.param(1, 36, "daily", 35, id="daily-five-weeks"),
        pytest.param(1, 35, "daily", 34, id="one-less"),
        pytest.param(1, 3, "daily", 2, id="the-least-daily"),
        pytest.param(1, 2, "weekly", 13, id="two-slots"),
        pytest.param(13, 500, "daily", 37, id="thirteen-in-standard"),
        pytest.param(1, 1000, "daily", 400, id="no-longer-than-the-service-allows"),
    ],
)
def test_the_fastest_that_fits_is_kept_as_long_as_it_fits(
    indexes: int, free_slots: int, frequency: str, retention_days: int
) -> None:
    """And it outlives its interval."""
    fit = find_best_schedule_fit(indexes, free_slots)
    assert fit is not None
    assert (fit.frequency.value, fit.retention // DAY) == (frequency, retention_days)
    assert fit.slots * indexes <= free_slots
    assert fit.slots == count_slots(fit.retention, fit.frequency.interval)
    assert fit.retention > fit.frequency.interval


@pytest.mark.parametrize("indexes,free_slots", [(1, 1), (1, 0), (1, -5), (10, 19), (0, 100)])
def test_nothing_may_fit(indexes: int, free_slots: int) -> None:
    """One slot for each index leaves days without any backup."""
    assert find_best_schedule_fit(indexes, free_slots) is None
