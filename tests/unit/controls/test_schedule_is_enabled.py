"""Control `schedule-is-enabled`."""

from backup_auditor.domain.finding import Compliance
from support.builders.facts import broken, compliance, index, schedule

ID = "schedule-is-enabled"
PAUSED = schedule(enabled=False)


def test_an_enabled_schedule_passes() -> None:
    """One that is enabled is enough, beside others that are paused."""
    assert compliance(ID, index(schedules=[PAUSED, schedule("schedule-2")])) is Compliance.COMPLIANT


def test_paused_schedules_alone_fail() -> None:
    """A schedule that is paused protects nothing."""
    assert compliance(ID, index(schedules=[PAUSED])) is Compliance.NON_COMPLIANT


def test_no_schedule_at_all_is_not_judged_here() -> None:
    """That is the finding of another control."""
    assert compliance(ID, index(schedules=())) is Compliance.NOT_APPLICABLE


def test_the_policy_need_not_require_a_schedule() -> None:
    """A schedule that exists and is paused fails wherever it is."""
    assert compliance(ID, index(schedules=[PAUSED]), required=False) is Compliance.NON_COMPLIANT


def test_one_walk_does_not_prove_that_none_is_enabled() -> None:
    """A row that went missing might be the enabled one."""
    assert compliance(ID, index(schedules=[PAUSED], walks=1)) is Compliance.INSUFFICIENT_DATA


def test_what_was_not_read_might_be_enabled() -> None:
    """A broken walk that showed a paused one decides nothing."""
    assert compliance(ID, index(schedules=broken([PAUSED]))) is Compliance.INSUFFICIENT_DATA


def test_a_broken_walk_that_showed_an_enabled_one_passes() -> None:
    """Presence is proven by what was seen."""
    assert compliance(ID, index(schedules=broken([schedule()]))) is Compliance.COMPLIANT


def test_what_pinecone_does_not_say_is_not_known() -> None:
    """A schedule of which nothing tells whether it is enabled is neither."""
    assert compliance(ID, index(schedules=[schedule(enabled=None)])) is Compliance.INSUFFICIENT_DATA
