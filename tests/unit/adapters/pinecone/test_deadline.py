"""The deadline of an audit."""

from datetime import timedelta

import pytest

from backup_auditor.adapters.pinecone.flow_control import Deadline
from backup_auditor.errors import DeadlineError
from support.clock import ManualClock


def test_the_time_left_decreases_to_zero() -> None:
    """After the deadline no call may be sent."""
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
def test_a_wait_must_end_before_the_deadline(wait: float, is_allowed: bool) -> None:
    """There must be time for a call after the wait."""
    assert Deadline(timedelta(seconds=60), ManualClock()).allows(wait) is is_allowed
