"""Control `schedule-is-unique`."""

from backup_auditor.domain.finding import Compliance
from support.builders.facts import (
    build_failed_listing,
    build_index,
    build_schedule,
    evaluate_compliance,
    evaluate_control,
)

ID = "schedule-is-unique"
SECOND_SCHEDULE = build_schedule("schedule-2")


def test_one_enabled_schedule_passes() -> None:
    """Paused ones beside it do not count."""
    paused_schedule = build_schedule("schedule-2", enabled=False)
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(), paused_schedule])) is Compliance.COMPLIANT


def test_two_enabled_schedules_fail() -> None:
    """The evidence names both."""
    finding = evaluate_control(ID, build_index(schedules=[build_schedule(), SECOND_SCHEDULE]))
    assert finding.compliance is Compliance.NON_COMPLIANT
    assert finding.evidence["enabled"] == ["schedule-1", "schedule-2"]


def test_two_that_were_seen_are_enough_to_fail() -> None:
    """An incomplete read and a single read both prove presence."""
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([build_schedule(), SECOND_SCHEDULE])))
        is Compliance.NON_COMPLIANT
    )
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(), SECOND_SCHEDULE], reads=1))
        is Compliance.NON_COMPLIANT
    )


def test_without_an_enabled_schedule_nothing_is_evaluated() -> None:
    """The control is not applicable without schedules, and with paused ones only."""
    assert evaluate_compliance(ID, build_index(schedules=())) is Compliance.NOT_APPLICABLE
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(enabled=False)])) is Compliance.NOT_APPLICABLE


def test_what_was_not_read_might_be_another() -> None:
    """One enabled schedule in an incomplete read may not be the only one."""
    assert (
        evaluate_compliance(ID, build_index(schedules=build_failed_listing([build_schedule()])))
        is Compliance.INSUFFICIENT_DATA
    )


def test_one_that_may_be_enabled_might_be_another() -> None:
    """A null field decides here."""
    unknown_schedule = build_schedule("schedule-2", enabled=None)
    assert (
        evaluate_compliance(ID, build_index(schedules=[build_schedule(), unknown_schedule]))
        is Compliance.INSUFFICIENT_DATA
    )
