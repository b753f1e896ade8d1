"""Control `plan-allows-schedules`."""

from backup_auditor.domain.facts import Deployment
from backup_auditor.domain.finding import Compliance, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Refusal, RefusalKind
from builders import BROKEN, IndexCase, broken, compliance, finding, index, inventory, renamed, schedule

ID = "plan-allows-schedules"
REFUSED = index(schedules=Refusal(RefusalKind.PLAN, "your plan has none"))
UNSUPPORTED = index(schedules=Refusal(RefusalKind.UNSUPPORTED, "not this index"))
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
    assert found.evidence == {"refused": 2, "answered": 0}
    assert "your plan has none" in found.reason


def test_without_an_index_that_can_have_schedules_there_is_nothing_to_judge() -> None:
    """Pods, indexes that the service answers with 400, and no index at all."""
    assert compliance(ID, project()) is Compliance.NOT_APPLICABLE
    assert compliance(ID, project(POD, UNSUPPORTED)) is Compliance.NOT_APPLICABLE


def test_without_any_answer_it_is_not_known() -> None:
    """Neither the indexes nor their schedules tell."""
    assert compliance(ID, project(POD, UNREAD)) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, inventory(indexes_unread=BROKEN)) is Compliance.INSUFFICIENT_DATA
