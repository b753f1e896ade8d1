"""A plan without schedules, and schedules that are only unknown."""

import pytest

from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.listing import Denial, DenialReason, ReadFailure
from backup_auditor.domain.model import Deployment
from support.builders.facts import (
    READ_FAILURE,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_schedule,
)

PLAN_DENIAL = Denial(DenialReason.PLAN, "no such plan")


@pytest.mark.parametrize(
    "response,plan_refusal,is_denied,failure_text",
    [
        pytest.param(PLAN_DENIAL, PLAN_DENIAL, PLAN_DENIAL, None, id="refused"),
        pytest.param(build_failed_listing(), PLAN_DENIAL, PLAN_DENIAL, None, id="not-read-where-another-was-refused"),
        pytest.param(
            build_failed_listing([build_schedule()]), PLAN_DENIAL, None, READ_FAILURE, id="there-is-one-all-the-same"
        ),
        pytest.param(build_complete_listing(()), PLAN_DENIAL, None, None, id="read-to-the-end"),
        pytest.param(
            build_complete_listing([build_schedule()]), PLAN_DENIAL, None, None, id="read-to-the-end-with-one"
        ),
        pytest.param(build_failed_listing(), None, None, READ_FAILURE, id="not-read"),
        pytest.param(None, None, None, ReadFailure("schedules of main", "not read"), id="not-asked"),
    ],
)
def test_a_plan_without_schedules_is_distinguished_from_schedules_that_were_not_read(
    response: object, plan_refusal: Denial | None, is_denied: Denial | None, failure_text: ReadFailure | None
) -> None:
    """One refusal speaks for every index of the project of which no schedule is known."""
    index_schedules = IndexSchedules(build_index(schedules=response).facts, plan_refusal)  # type: ignore[arg-type]  # any answer
    assert (index_schedules.plan_denial, index_schedules.failure) == (is_denied, failure_text)
    assert bool(index_schedules.listings) is (is_denied is None)


def test_a_pod_is_not_asked() -> None:
    """A pod index has no schedules, so none are unread."""
    assert IndexSchedules(build_index(schedules=None, deployment=Deployment.POD).facts, None).failure is None
