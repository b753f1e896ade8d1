"""Where the plan has no schedules, and where schedules are only not known."""

import pytest

from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.listing import Denial, DenialReason, ReadFailure
from backup_auditor.domain.model import Deployment
from support.builders.facts import BROKEN, broken, index, schedule, whole

NO_PLAN = Denial(DenialReason.PLAN, "no such plan")


@pytest.mark.parametrize(
    "answer,plan_refusal,refused,unread",
    [
        pytest.param(NO_PLAN, NO_PLAN, NO_PLAN, None, id="refused"),
        pytest.param(broken(), NO_PLAN, NO_PLAN, None, id="not-read-where-another-was-refused"),
        pytest.param(broken([schedule()]), NO_PLAN, None, BROKEN, id="there-is-one-all-the-same"),
        pytest.param(whole(()), NO_PLAN, None, None, id="read-to-the-end"),
        pytest.param(whole([schedule()]), NO_PLAN, None, None, id="read-to-the-end-with-one"),
        pytest.param(broken(), None, None, BROKEN, id="not-read"),
        pytest.param(None, None, None, ReadFailure("schedules of main", "they were not read"), id="not-asked"),
    ],
)
def test_a_plan_without_schedules_is_told_from_schedules_that_were_not_read(
    answer: object, plan_refusal: Denial | None, refused: Denial | None, unread: ReadFailure | None
) -> None:
    """One refusal speaks for every index of the project of which no schedule is known."""
    found = IndexSchedules(index(schedules=answer).facts, plan_refusal)  # type: ignore[arg-type]  # any answer
    assert (found.plan_denial, found.failure) == (refused, unread)
    assert bool(found.listings) is (refused is None)


def test_a_pod_is_not_asked() -> None:
    """It can have no schedules: nothing is unread."""
    assert IndexSchedules(index(schedules=None, deployment=Deployment.POD).facts, None).failure is None
