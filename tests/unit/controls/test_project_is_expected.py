"""Control `project-is-expected`."""

from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.listing import Denial, DenialReason, ReadFailure
from backup_auditor.domain.model import Deployment
from support.builders.facts import build_failed_listing, build_index, build_inventory, build_schedule, evaluate_control

ID = "project-is-expected"
EXPECTED_PROJECT = {"expected_id": "project-1"}


@pytest.mark.parametrize(
    "inventory,expected",
    [
        pytest.param(build_index(), Compliance.COMPLIANT, id="expected"),
        pytest.param(
            build_index(schedules=[build_schedule(project_id="project-2")]), Compliance.NON_COMPLIANT, id="another"
        ),
        pytest.param(
            build_index(schedules=[build_schedule(), build_schedule("schedule-2", project_id="project-2")]),
            Compliance.NON_COMPLIANT,
            id="one-of-two",
        ),
        pytest.param(
            build_index(schedules=build_failed_listing([build_schedule()])),
            Compliance.COMPLIANT,
            id="expected-half-read",
        ),
        pytest.param(
            build_index(schedules=[build_schedule(project_id=None)]), Compliance.INSUFFICIENT_DATA, id="not-reported"
        ),
        pytest.param(build_index(schedules=[]), Compliance.INSUFFICIENT_DATA, id="no-schedule"),
        pytest.param(build_inventory(), Compliance.NOT_APPLICABLE, id="no-index"),
        pytest.param(build_index(schedules=None, deployment=Deployment.POD), Compliance.NOT_APPLICABLE, id="only-pods"),
        pytest.param(build_index(schedules=Denial(DenialReason.PLAN, "no")), Compliance.NOT_APPLICABLE, id="plan"),
        pytest.param(
            build_inventory(indexes_failure=ReadFailure("GET /indexes", "503")),
            Compliance.INSUFFICIENT_DATA,
            id="indexes-unread",
        ),
    ],
)
def test_the_schedules_tell_which_project_it_is(inventory: Any, expected: Compliance) -> None:
    """The control is not applicable if no index can have a schedule."""
    assert evaluate_control(ID, inventory, project=EXPECTED_PROJECT).compliance is expected


def test_without_an_expectation_there_is_nothing_to_evaluate() -> None:
    """Any project is as good."""
    assert evaluate_control(ID, build_index()).compliance is Compliance.NOT_APPLICABLE


def test_it_is_critical_and_names_both() -> None:
    """Another project was audited than was meant."""
    finding = evaluate_control(
        ID, build_index(schedules=[build_schedule(project_id="project-2")]), project=EXPECTED_PROJECT
    )
    assert finding.severity is Severity.CRITICAL
    assert finding.evidence == {"expected_id": "project-1", "ids": ["project-2"]}
