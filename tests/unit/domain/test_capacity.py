"""Test how many backups a schedule holds, and which schedule fits into a quota."""

import pytest

from backup_auditor.domain.target_schedule import Feasibility, count_slots, find_best_schedule_fit
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
def test_the_best_fit_has_the_highest_frequency_then_the_longest_retention(
    indexes: int, free_slots: int, frequency: str, retention_days: int
) -> None:
    """The best fit has the highest frequency, then the longest retention, and exceeds its interval."""
    fit = find_best_schedule_fit(indexes, free_slots)
    assert fit is not None
    assert (fit.frequency.value, fit.retention // DAY) == (frequency, retention_days)
    assert fit.slots * indexes <= free_slots
    assert fit.slots == count_slots(fit.retention, fit.frequency.interval)
    assert fit.retention > fit.frequency.interval


@pytest.mark.parametrize("indexes,free_slots", [(1, 1), (1, 0), (1, -5), (10, 19), (0, 100)])
def test_no_schedule_fits_into_few_slots(indexes: int, free_slots: int) -> None:
    """One slot for each index is not enough, because there would be days without a backup."""
    assert find_best_schedule_fit(indexes, free_slots) is None


@pytest.mark.parametrize(
    "quota, is_impossible",
    [
        pytest.param(None, False, id="no-quota"),
        pytest.param(80, False, id="at-limit"),
        pytest.param(79, True, id="one-backup-past-the-limit"),
    ],
)
def test_a_policy_is_impossible_if_its_least_demand_exceeds_the_quota(quota: int | None, is_impossible: bool) -> None:
    """The least demanding rule decides whether a number of indexes can fit the quota."""
    feasibility = Feasibility(10, quota, (("strict", 31), ("defaults", 8)))
    assert (feasibility.min_slots, feasibility.max_slots) == (80, 310)
    assert feasibility.is_impossible is is_impossible
