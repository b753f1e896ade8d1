"""How many retries the client spends on a failing service."""

import pytest

from backup_auditor.adapters.pinecone.flow_control import RetryBudget
from support.clock import ManualClock


def test_retries_spend_the_budget() -> None:
    """A budget of three pays three retries, not a fourth."""
    budget = RetryBudget(ManualClock(), capacity=3)
    assert [budget.spend_retry() for _ in range(4)] == [True, True, True, False]


def test_successful_calls_refill_the_budget() -> None:
    """Two successful calls pay one retry; a full budget stays full."""
    budget = RetryBudget(ManualClock(), capacity=2, refund=0.5)
    for _ in range(10):
        budget.record_success()
    budget.spend_retry()
    budget.spend_retry()
    budget.record_success()
    assert not budget.spend_retry()
    budget.record_success()
    assert budget.spend_retry()


def test_a_service_is_lost_after_failures_with_an_empty_budget() -> None:
    """Neither an empty budget nor failures alone are enough."""
    budget = RetryBudget(ManualClock(), capacity=1, max_failures=2)
    budget.record_failure()
    budget.record_failure()
    assert not budget.is_service_lost
    budget.spend_retry()
    assert budget.is_service_lost


@pytest.mark.parametrize(
    "seconds, is_exhausted", [pytest.param(29, False, id="one-second-before"), pytest.param(30, True, id="at-limit")]
)
def test_a_service_is_lost_after_thirty_seconds_of_failures(seconds: float, is_exhausted: bool) -> None:
    """After half a minute without a successful call the service is lost, whatever is left of the budget."""
    clock = ManualClock()
    budget = RetryBudget(clock, max_failures=2)
    budget.record_failure()
    clock.now += seconds
    budget.record_failure()
    assert budget.is_service_lost is is_exhausted


def test_one_successful_call_recovers_a_service() -> None:
    """Only consecutive failures count."""
    budget = RetryBudget(ManualClock(), capacity=1, max_failures=2)
    budget.spend_retry()
    budget.record_failure()
    budget.record_success()
    budget.record_failure()
    assert not budget.is_service_lost
