"""Control `index-has-schedule`."""

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import Denial, DenialReason, ListingId, ListingKind
from support.builders.facts import BROKEN, broken, compliance, disputed, finding, index, inventory, judged, schedule

ID = "index-has-schedule"
SCHEDULES = ListingId(ListingKind.SCHEDULES, "main")


def test_an_index_with_a_schedule_passes() -> None:
    """One schedule is enough."""
    assert compliance(ID, index()) is Compliance.COMPLIANT


def test_a_paused_schedule_is_a_schedule() -> None:
    """Whether it is enabled is the question of another control."""
    assert compliance(ID, index(schedules=[schedule(enabled=False)])) is Compliance.COMPLIANT


def test_an_index_without_a_schedule_fails() -> None:
    """Two walks that show none are needed, and enough."""
    assert compliance(ID, index(schedules=())) is Compliance.NON_COMPLIANT


def test_nothing_is_judged_where_none_is_required() -> None:
    """The policy may leave an index without a schedule."""
    assert compliance(ID, index(schedules=()), required=False) is Compliance.NOT_APPLICABLE


def test_one_walk_does_not_prove_absence() -> None:
    """After a single walk the verdict waits, and the listing is named as one to walk again."""
    judgement = judged(inventory(index(schedules=(), walks=1)))
    found = {it.control: it.compliance for it in judgement.findings}
    assert found[ID] is Compliance.INSUFFICIENT_DATA
    assert SCHEDULES in judgement.unconfirmed_listings


def test_a_walk_that_broke_off_proves_no_absence() -> None:
    """The schedules that were not read may hold one; reading again in the same audit is not asked for."""
    judgement = judged(inventory(index(schedules=broken())))
    found = {it.control: it for it in judgement.findings}[ID]
    assert found.compliance is Compliance.INSUFFICIENT_DATA
    assert BROKEN.error in found.reason
    assert SCHEDULES not in judgement.unconfirmed_listings


def test_a_walk_that_broke_off_proves_presence() -> None:
    """A schedule that was seen is there, whatever else was not."""
    assert compliance(ID, index(schedules=broken([schedule()]))) is Compliance.COMPLIANT


def test_a_schedule_that_only_one_walk_showed_is_there() -> None:
    """Walks that disagree add up."""
    assert compliance(ID, index(schedules=disputed([], [schedule()]))) is Compliance.COMPLIANT


def test_a_plan_without_schedules_leaves_nothing_to_judge() -> None:
    """The reason says what the service answered."""
    found = finding(ID, index(schedules=Denial(DenialReason.PLAN, "your plan has none")))
    assert found.compliance is Compliance.NOT_APPLICABLE
    assert "your plan has none" in found.reason


def test_schedules_that_were_never_asked_for_are_not_absent() -> None:
    """An index that can be backed up and whose schedules nobody read is not judged on them."""
    assert compliance(ID, index(schedules=None)) is Compliance.INSUFFICIENT_DATA
