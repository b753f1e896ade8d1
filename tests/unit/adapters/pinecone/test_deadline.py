"""The end of the time for a whole audit."""

from datetime import timedelta

import pytest

from backup_auditor.adapters.pinecone.flow_control import Deadline
from backup_auditor.errors import DeadlineError
from support.clock import ManualClock


def test_time_runs_out() -> None:
    """What is left shrinks with the clock, and at the end nothing may be asked."""
    clock = ManualClock()
    deadline = Deadline(timedelta(seconds=60), clock)
    clock.now += 59
    assert deadline.require_seconds_left() == 1
    clock.now += 1
    with pytest.raises(DeadlineError):
        deadline.require_seconds_left()


@pytest.mark.parametrize(
    "wait, is_allowed", [pytest.param(59.9, True, id="within"), pytest.param(60.0, False, id="at-limit")]
)
def test_a_wait_that_ends_too_late_is_not_worth_beginning(wait: float, is_allowed: bool) -> None:
    """One must be able to ask after the wait."""
    assert Deadline(timedelta(seconds=60), ManualClock()).allows(wait) is is_allowed
