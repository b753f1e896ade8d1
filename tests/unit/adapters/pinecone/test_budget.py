"""How many retries a service is worth."""

import pytest

from backup_auditor.adapters.pinecone.flow_control import RetryBudget
from support.clock import ManualClock


def test_it_is_spent_by_retries() -> None:
    """Three retries are paid, the fourth is not."""
    budget = RetryBudget(ManualClock(), capacity=3)
    assert [budget.spend_retry() for _ in range(4)] == [True, True, True, False]


def test_good_answers_give_back_up_to_the_capacity() -> None:
    """Two good answers are worth one retry, and a full budget stays as it is."""
    budget = RetryBudget(ManualClock(), capacity=2, refund=0.5)
    for _ in range(10):
        budget.record_success()
    budget.spend_retry()
    budget.spend_retry()
    budget.record_success()
    assert not budget.spend_retry()
    budget.record_success()
    assert budget.spend_retry()


def test_a_service_is_lost_when_nothing_is_left_and_all_fails() -> None:
    """An empty budget alone is not the end, and neither are failures alone."""
    budget = RetryBudget(ManualClock(), capacity=1, max_failures=2)
    budget.record_failure()
    budget.record_failure()
    assert not budget.is_service_lost
    budget.spend_retry()
    assert budget.is_service_lost


@pytest.mark.parametrize(
    "seconds, is_exhausted", [pytest.param(29, False, id="one-second-before"), pytest.param(30, True, id="at-limit")]
)
def test_a_service_that_refuses_everybody_is_waited_for_a_while(seconds: float, is_exhausted: bool) -> None:
    """Half a minute without a good answer is the end, however much of the budget is left."""
    clock = ManualClock()
    budget = RetryBudget(clock, max_failures=2)
    budget.record_failure()
    clock.now += seconds
    budget.record_failure()
    assert budget.is_service_lost is is_exhausted


def test_one_good_answer_brings_a_service_back() -> None:
    """Failures count only in a row."""
    budget = RetryBudget(ManualClock(), capacity=1, max_failures=2)
    budget.spend_retry()
    budget.record_failure()
    budget.record_success()
    budget.record_failure()
    assert not budget.is_service_lost
