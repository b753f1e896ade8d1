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
    READ_FAILURE,
    IndexCase,
    build_failed_listing,
    build_index,
    build_inventory,
    build_policy,
    build_schedule,
    evaluate_compliance,
    evaluate_control,
    evaluate_facts,
    evaluate_resources,
    rename_index,
)

ID = "plan-allows-schedules"
DENIED_INDEX = build_index(schedules=Denial(DenialReason.PLAN, "your plan has none"))
UNSUPPORTED_INDEX = build_index(schedules=Denial(DenialReason.UNSUPPORTED, "not this index"))
POD_INDEX = build_index(schedules=None, deployment=Deployment.POD)
UNREAD_INDEX = build_index(schedules=build_failed_listing())


def build_project(*cases: IndexCase) -> Inventory:
    """Build a project of these indexes, each under a name of its own."""
    return build_inventory(*(rename_index(case, f"index-{number}") for number, case in enumerate(cases)))


def test_an_answer_shows_that_the_plan_has_schedules() -> None:
    """An answer with some or no rows shows that the plan has schedules."""
    assert evaluate_compliance(ID, build_project(UNREAD_INDEX, build_index())) is Compliance.COMPLIANT
    assert evaluate_compliance(ID, build_project(build_index(schedules=()))) is Compliance.COMPLIANT
    assert (
        evaluate_compliance(ID, build_project(build_index(schedules=build_failed_listing([build_schedule()]))))
        is Compliance.COMPLIANT
    )


def test_a_refusal_because_of_the_plan_fails() -> None:
    """The finding on the project quotes the answer of the service."""
    finding = evaluate_control(ID, build_project(DENIED_INDEX, DENIED_INDEX, UNREAD_INDEX))
    assert finding.compliance is Compliance.NON_COMPLIANT
    assert finding.resource.type is ResourceType.PROJECT
    assert finding.evidence == {"refused": 2, "answered": 0, "required": 3}
    assert "your plan has none" in finding.reason


def test_without_an_index_that_can_have_schedules_there_is_nothing_to_evaluate() -> None:
    """Pods, indexes that the service answers with 400, and no index at all."""
    assert evaluate_compliance(ID, build_project()) is Compliance.NOT_APPLICABLE
    assert evaluate_compliance(ID, build_project(POD_INDEX, UNSUPPORTED_INDEX)) is Compliance.NOT_APPLICABLE


def test_without_any_answer_it_is_not_known() -> None:
    """Neither the indexes nor their schedules show the plan."""
    assert evaluate_compliance(ID, build_project(POD_INDEX, UNREAD_INDEX)) is Compliance.INSUFFICIENT_DATA
    assert evaluate_compliance(ID, build_inventory(indexes_failure=READ_FAILURE)) is Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    "case", [DENIED_INDEX, UNREAD_INDEX, build_index(), build_index(schedules=())], ids=["no", "unread", "one", "none"]
)
def test_there_is_nothing_to_evaluate_where_no_schedule_is_required(case: IndexCase) -> None:
    """A plan without schedules is no fault of a project whose policy requires none."""
    assert evaluate_compliance(ID, build_project(case, POD_INDEX), required=False) is Compliance.NOT_APPLICABLE


def test_one_index_that_must_have_a_schedule_is_enough() -> None:
    """The plan is evaluated if a rule requires a schedule of one index that can be backed up."""
    policy = build_policy(required=False)
    rule = Rule("production", ("index-0",), {}, Requirements())
    policy = replace(policy, rules=(rule,))
    (finding,) = evaluate_resources(ID, build_project(DENIED_INDEX, DENIED_INDEX), policy).values()
    assert (finding.compliance, finding.evidence["required"]) == (Compliance.NON_COMPLIANT, 1)
    (finding,) = evaluate_resources(ID, build_project(POD_INDEX, DENIED_INDEX), policy).values()
    assert finding.compliance is Compliance.NOT_APPLICABLE


def test_it_is_not_known_whether_an_unlisted_index_must_have_a_schedule() -> None:
    """The known indexes decide only where all indexes are known."""
    (case,) = build_project(DENIED_INDEX).indexes
    inventory = build_inventory(IndexCase(case, ()), indexes_failure=READ_FAILURE)
    assert evaluate_compliance(ID, inventory, required=False) is Compliance.INSUFFICIENT_DATA
    assert evaluate_compliance(ID, inventory) is Compliance.NON_COMPLIANT


def test_schedule_controls_say_that_the_plan_refuses_them() -> None:
    """The schedule controls of an index are not applicable if the plan refuses its schedule calls."""
    findings_by_control = {
        it.control: it for it in evaluate_facts(DENIED_INDEX).findings if it.resource.type is ResourceType.INDEX
    }
    for control in CATALOG.index_controls:
        if control.id == "index-has-schedule" or control.id.startswith("schedule-"):
            assert findings_by_control[control.id].compliance is Compliance.NOT_APPLICABLE
            assert (
                findings_by_control[control.id].reason
                == "The organization's plan has no backup schedules: your plan has none"
            )
