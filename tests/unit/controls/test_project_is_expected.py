"""Control `project-is-expected`."""

from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.listing import Denial, DenialReason, ReadFailure
from backup_auditor.domain.model import Deployment
from support.builders.facts import broken, finding, index, inventory, schedule

ID = "project-is-expected"
MINE = {"expected_id": "project-1"}


@pytest.mark.parametrize(
    "told,expected",
    [
        pytest.param(index(), Compliance.COMPLIANT, id="expected"),
        pytest.param(index(schedules=[schedule(project_id="project-2")]), Compliance.NON_COMPLIANT, id="another"),
        pytest.param(
            index(schedules=[schedule(), schedule("schedule-2", project_id="project-2")]),
            Compliance.NON_COMPLIANT,
            id="one-of-two",
        ),
        pytest.param(index(schedules=broken([schedule()])), Compliance.COMPLIANT, id="expected-half-read"),
        pytest.param(index(schedules=[schedule(project_id=None)]), Compliance.INSUFFICIENT_DATA, id="not-told"),
        pytest.param(index(schedules=[]), Compliance.INSUFFICIENT_DATA, id="no-schedule"),
        pytest.param(inventory(), Compliance.NOT_APPLICABLE, id="no-index"),
        pytest.param(index(schedules=None, deployment=Deployment.POD), Compliance.NOT_APPLICABLE, id="only-pods"),
        pytest.param(index(schedules=Denial(DenialReason.PLAN, "no")), Compliance.NOT_APPLICABLE, id="plan"),
        pytest.param(
            inventory(indexes_failure=ReadFailure("GET /indexes", "503")),
            Compliance.INSUFFICIENT_DATA,
            id="indexes-unread",
        ),
    ],
)
def test_the_schedules_tell_which_project_it_is(told: Any, expected: Compliance) -> None:
    """Where none can, there is nothing to judge."""
    assert finding(ID, told, project=MINE).compliance is expected


def test_without_an_expectation_there_is_nothing_to_judge() -> None:
    """Any project is as good."""
    assert finding(ID, index()).compliance is Compliance.NOT_APPLICABLE


def test_it_is_critical_and_names_both() -> None:
    """Another project was audited than was meant."""
    found = finding(ID, index(schedules=[schedule(project_id="project-2")]), project=MINE)
    assert found.severity is Severity.CRITICAL
    assert found.evidence == {"expected_id": "project-1", "ids": ["project-2"]}
