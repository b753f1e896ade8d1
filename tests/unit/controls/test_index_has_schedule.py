"""Control `index-has-schedule`."""

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import Denial, DenialReason, ListingId, ListingKind
from support.builders.facts import (
    READ_FAILURE,
    build_conflicting_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_schedule,
    evaluate_compliance,
    evaluate_control,
    evaluate_facts,
)

ID = "index-has-schedule"
SCHEDULES_ID = ListingId(ListingKind.SCHEDULES, "main")


def test_an_index_with_a_schedule_passes() -> None:
    """One schedule is enough."""
    assert evaluate_compliance(ID, build_index()) is Compliance.COMPLIANT


def test_a_paused_schedule_is_a_schedule() -> None:
    """Whether it is enabled is the question of another control."""
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(enabled=False)])) is Compliance.COMPLIANT


def test_an_index_without_a_schedule_fails() -> None:
    """Two reads without a schedule are required, and enough."""
    assert evaluate_compliance(ID, build_index(schedules=())) is Compliance.NON_COMPLIANT


def test_nothing_is_evaluated_where_none_is_required() -> None:
    """The policy may leave an index without a schedule."""
    assert evaluate_compliance(ID, build_index(schedules=()), required=False) is Compliance.NOT_APPLICABLE


def test_one_read_does_not_prove_absence() -> None:
    """After a single read the result is unknown, and the listing is reported as one to read again."""
    evaluation = evaluate_facts(build_inventory(build_index(schedules=(), reads=1)))
    compliance_by_control = {it.control: it.compliance for it in evaluation.findings}
    assert compliance_by_control[ID] is Compliance.INSUFFICIENT_DATA
    assert SCHEDULES_ID in evaluation.unconfirmed_listings


def test_a_read_that_broke_off_proves_no_absence() -> None:
    """A schedule may be among those that were not read; no second read is requested."""
    evaluation = evaluate_facts(build_inventory(build_index(schedules=build_failed_listing())))
    finding = {it.control: it for it in evaluation.findings}[ID]
    assert finding.compliance is Compliance.INSUFFICIENT_DATA
    assert READ_FAILURE.error in finding.reason
    assert SCHEDULES_ID not in evaluation.unconfirmed_listings


def test_a_read_that_broke_off_proves_presence() -> None:
    """A schedule that was seen is there, whatever else was not."""
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([build_schedule()]))) is Compliance.COMPLIANT
    )


def test_a_schedule_that_only_one_read_showed_is_there() -> None:
    """Reads that differ are merged."""
    assert (
        evaluate_compliance(ID, build_index(schedules=build_conflicting_listing([], [build_schedule()])))
        is Compliance.COMPLIANT
    )


def test_a_plan_without_schedules_leaves_nothing_to_evaluate() -> None:
    """The reason says what the service answered."""
    finding = evaluate_control(ID, build_index(schedules=Denial(DenialReason.PLAN, "your plan has none")))
    assert finding.compliance is Compliance.NOT_APPLICABLE
    assert "your plan has none" in finding.reason


def test_schedules_that_were_never_asked_for_are_not_absent() -> None:
    """The schedules of an index that can be backed up are unknown if they were not read."""
    assert evaluate_compliance(ID, build_index(schedules=None)) is Compliance.INSUFFICIENT_DATA
