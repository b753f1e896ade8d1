"""Control `schedule-is-unique`."""

from backup_auditor.domain.finding import Compliance
from support.builders.facts import broken, compliance, finding, index, schedule

ID = "schedule-is-unique"
SECOND_ONE = schedule("schedule-2")


def test_one_enabled_schedule_passes() -> None:
    """Paused ones beside it do not count."""
    paused = schedule("schedule-2", enabled=False)
    assert compliance(ID, index(schedules=[schedule(), paused])) is Compliance.COMPLIANT


def test_two_enabled_schedules_fail() -> None:
    """The evidence names both."""
    found = finding(ID, index(schedules=[schedule(), SECOND_ONE]))
    assert found.compliance is Compliance.NON_COMPLIANT
    assert found.evidence["enabled"] == ["schedule-1", "schedule-2"]


def test_two_that_were_seen_are_enough_to_fail() -> None:
    """A broken walk and a single one prove presence alike."""
    assert compliance(ID, index(schedules=broken([schedule(), SECOND_ONE]))) is Compliance.NON_COMPLIANT
    assert compliance(ID, index(schedules=[schedule(), SECOND_ONE], walks=1)) is Compliance.NON_COMPLIANT


def test_without_an_enabled_schedule_nothing_is_judged() -> None:
    """None and paused ones alone are alike."""
    assert compliance(ID, index(schedules=())) is Compliance.NOT_APPLICABLE
    assert compliance(ID, index(schedules=[schedule(enabled=False)])) is Compliance.NOT_APPLICABLE


def test_what_was_not_read_might_be_another() -> None:
    """One enabled schedule on a walk that broke off may not be the only one."""
    assert compliance(ID, index(schedules=broken([schedule()]))) is Compliance.INSUFFICIENT_DATA


def test_one_that_may_be_enabled_might_be_another() -> None:
    """A null field decides here."""
    doubtful = schedule("schedule-2", enabled=None)
    assert compliance(ID, index(schedules=[schedule(), doubtful])) is Compliance.INSUFFICIENT_DATA
