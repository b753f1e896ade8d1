"""Control `schedule-is-enabled`."""

from backup_auditor.domain.finding import Compliance
from support.builders.facts import build_failed_listing, build_index, build_schedule, evaluate_compliance

ID = "schedule-is-enabled"
PAUSED_SCHEDULE = build_schedule(enabled=False)


def test_an_enabled_schedule_passes() -> None:
    """One that is enabled is enough, beside others that are paused."""
    assert (
        evaluate_compliance(ID, build_index(schedules=[PAUSED_SCHEDULE, build_schedule("schedule-2")]))
        is Compliance.COMPLIANT
    )


def test_paused_schedules_alone_fail() -> None:
    """A schedule that is paused protects nothing."""
    assert evaluate_compliance(ID, build_index(schedules=[PAUSED_SCHEDULE])) is Compliance.NON_COMPLIANT


def test_no_schedule_at_all_is_not_evaluated_here() -> None:
    """An index without schedules is a finding of another control."""
    assert evaluate_compliance(ID, build_index(schedules=())) is Compliance.NOT_APPLICABLE


def test_the_policy_need_not_require_a_schedule() -> None:
    """A schedule that exists and is paused fails wherever it is."""
    assert evaluate_compliance(ID, build_index(schedules=[PAUSED_SCHEDULE]), required=False) is Compliance.NON_COMPLIANT


def test_one_read_does_not_prove_that_none_is_enabled() -> None:
    """A row that went missing might be the enabled one."""
    assert evaluate_compliance(ID, build_index(schedules=[PAUSED_SCHEDULE], reads=1)) is Compliance.INSUFFICIENT_DATA


def test_what_was_not_read_might_be_enabled() -> None:
    """An incomplete read that shows a paused schedule decides nothing."""
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([PAUSED_SCHEDULE])))
        is Compliance.INSUFFICIENT_DATA
    )


def test_a_broken_read_that_showed_an_enabled_one_passes() -> None:
    """Presence is proven by what was seen."""
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([build_schedule()]))) is Compliance.COMPLIANT
    )


def test_what_pinecone_does_not_say_is_not_known() -> None:
    """A schedule of unknown state is neither enabled nor paused."""
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(enabled=None)])) is Compliance.INSUFFICIENT_DATA
    )
