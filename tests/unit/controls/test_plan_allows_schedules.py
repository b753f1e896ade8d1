"""Control `plan-allows-schedules`."""

from dataclasses import replace

import pytest

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.finding import Compliance, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.policy import Requirements, Rule
from support.builders.facts import (
    BROKEN,
    IndexCase,
    broken,
    compliance,
    finding,
    findings,
    index,
    inventory,
    judged,
    policy,
    renamed,
    schedule,
)

ID = "plan-allows-schedules"
REFUSED = index(schedules=Denial(DenialReason.PLAN, "your plan has none"))
UNSUPPORTED = index(schedules=Denial(DenialReason.UNSUPPORTED, "not this index"))
POD = index(schedules=None, deployment=Deployment.POD)
UNREAD = index(schedules=broken())


def project(*cases: IndexCase) -> Inventory:
    """Build a project of these indexes, each under a name of its own."""
    return inventory(*(renamed(case, f"index-{number}") for number, case in enumerate(cases)))


def test_an_answer_shows_that_the_plan_has_schedules() -> None:
    """Even one that broke off after some rows, or lists none."""
    assert compliance(ID, project(UNREAD, index())) is Compliance.COMPLIANT
    assert compliance(ID, project(index(schedules=()))) is Compliance.COMPLIANT
    assert compliance(ID, project(index(schedules=broken([schedule()])))) is Compliance.COMPLIANT


def test_a_refusal_because_of_the_plan_fails() -> None:
    """It is a finding on the project, and says what the service answered."""
    found = finding(ID, project(REFUSED, REFUSED, UNREAD))
    assert found.compliance is Compliance.NON_COMPLIANT
    assert found.resource.type is ResourceType.PROJECT
    assert found.evidence == {"refused": 2, "answered": 0, "required": 3}
    assert "your plan has none" in found.reason


def test_without_an_index_that_can_have_schedules_there_is_nothing_to_judge() -> None:
    """Pods, indexes that the service answers with 400, and no index at all."""
    assert compliance(ID, project()) is Compliance.NOT_APPLICABLE
    assert compliance(ID, project(POD, UNSUPPORTED)) is Compliance.NOT_APPLICABLE


def test_without_any_answer_it_is_not_known() -> None:
    """Neither the indexes nor their schedules tell."""
    assert compliance(ID, project(POD, UNREAD)) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, inventory(indexes_failure=BROKEN)) is Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize("case", [REFUSED, UNREAD, index(), index(schedules=())], ids=["no", "unread", "one", "none"])
def test_there_is_nothing_to_judge_where_no_schedule_is_required(case: IndexCase) -> None:
    """A plan without schedules is no fault of a project whose policy requires none."""
    assert compliance(ID, project(case, POD), required=False) is Compliance.NOT_APPLICABLE


def test_one_index_that_must_have_a_schedule_is_enough() -> None:
    """The plan is judged as soon as a rule requires a schedule of one index that can be backed up."""
    required = policy(required=False)
    rule = Rule("production", ("index-0",), {}, Requirements())
    required = replace(required, rules=(rule,))
    (found,) = findings(ID, project(REFUSED, REFUSED), required).values()
    assert (found.compliance, found.evidence["required"]) == (Compliance.NON_COMPLIANT, 1)
    (found,) = findings(ID, project(POD, REFUSED), required).values()
    assert found.compliance is Compliance.NOT_APPLICABLE


def test_it_is_not_known_whether_an_unlisted_index_must_have_a_schedule() -> None:
    """The known indexes decide only where all indexes are known."""
    (case,) = project(REFUSED).indexes
    told = inventory(IndexCase(case, ()), indexes_failure=BROKEN)
    assert compliance(ID, told, required=False) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, told) is Compliance.NON_COMPLIANT


def test_schedule_controls_say_that_the_plan_refuses_them() -> None:
    """What is required of schedules is not applicable to an index whose schedule calls the plan refuses."""
    found = {it.control: it for it in judged(REFUSED).findings if it.resource.type is ResourceType.INDEX}
    for control in CATALOG.index_controls:
        if control.id == "index-has-schedule" or control.id.startswith("schedule-"):
            assert found[control.id].compliance is Compliance.NOT_APPLICABLE
            assert found[control.id].reason == "The organization's plan has no backup schedules: your plan has none"
