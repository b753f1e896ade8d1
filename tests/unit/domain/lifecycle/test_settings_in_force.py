"""Runs, gaps and expiries are evaluated by the settings that were in force at their time."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.project_state import EarlierSettings, KnownSchedule, ProjectState
from support.builders.audit_sequence import AuditSequence
from support.builders.facts import (
    DAY,
    GRACE,
    HOUR,
    NOW,
    READ_FAILURE,
    SECOND,
    IndexCase,
    ago,
    build_backup,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_run,
    build_schedule,
    build_state,
    build_watched_state,
    evaluate_compliance,
    evaluate_control,
)

GAP_CONTROL, EXPIRY_CONTROL, VANISH_CONTROL = (
    "scheduled-runs-are-continuous",
    "backups-expire-on-time",
    "backup-did-not-vanish",
)
COMPLIANT, NON_COMPLIANT = Compliance.COMPLIANT, Compliance.NON_COMPLIANT
MAX_DAILY_GAP, MAX_WEEKLY_GAP = DAY + GRACE, 7 * DAY + GRACE
LONG_RETENTION = 90 * DAY


def build_earlier_settings(since_age: timedelta, until_age: timedelta, **settings: Any) -> EarlierSettings:
    """Build settings that audits saw from so long ago to so long ago: daily, kept for 90 days, enabled."""
    defaults: dict[str, Any] = {"frequency": "daily", "retention": LONG_RETENTION, "enabled": True}
    return EarlierSettings(ago(since_age), ago(until_age), **(defaults | settings))


def build_schedule_state(since_age: timedelta, *earlier_settings: EarlierSettings, **settings: Any) -> ProjectState:
    """Build the memory of a schedule that audits saw as it is since so long ago."""
    defaults: dict[str, Any] = {"frequency": "daily", "retention": LONG_RETENTION, "enabled": True}
    known_schedule = KnownSchedule(
        "schedule-1",
        "main",
        "nightly",
        **(defaults | settings),
        since=ago(since_age),
        earlier_settings=earlier_settings,
    )
    return build_state(schedules={known_schedule.schedule_id: known_schedule})


def build_case(*ages: timedelta, **facts: Any) -> IndexCase:
    """Build an index whose daily schedule, kept for 90 days, ran so long ago."""
    settings: dict[str, Any] = {"retention": LONG_RETENTION, "created_at": ago(300 * DAY), **facts}
    return build_index(schedules=[build_schedule(**settings)], runs=[build_run(it) for it in ages])


def audit_cases(*dated_cases: tuple[IndexCase, datetime]) -> Compliance:
    """Audit one case after the other; return what the last says of gaps."""
    audits = AuditSequence()
    results = [
        audits.audit(replace(build_inventory(facts), observed_at=moment), observed_at=moment)
        for facts, moment in dated_cases
    ]
    return {it.control: it.compliance for it in results[-1].findings}[GAP_CONTROL]


@pytest.mark.parametrize("frequency,days", [("weekly", (30, 90)), ("monthly", (62, 365))])
def test_a_raised_retention_makes_no_gap_of_what_expired_before(frequency: str, days: tuple[int, int]) -> None:
    """A backup that expired under the earlier retention is not missing."""
    interval = {"weekly": 7, "monthly": 31}[frequency] * DAY
    ages = [2 * DAY + number * interval for number in range(days[0] * DAY // interval)]
    facts: dict[str, Any] = {"frequency": frequency, "created_at": ago(400 * DAY)}
    case_before = build_case(*ages, **facts, retention=days[0] * DAY)
    case_after = build_case(*ages, **facts, retention=days[1] * DAY)
    assert audit_cases((case_before, ago(HOUR)), (case_after, NOW)) is COMPLIANT
    assert audit_cases((case_after, NOW)) is COMPLIANT


def test_a_raised_frequency_makes_no_gap_of_the_former_pace() -> None:
    """A known change of frequency makes no gap, in this audit and in later ones."""
    ages = [number * DAY for number in (2, 9, 16, 23)]
    weekly_case, daily_case = (build_case(*ages, frequency=it, retention=30 * DAY) for it in ("weekly", "daily"))
    assert audit_cases((weekly_case, ago(HOUR)), (daily_case, NOW)) is COMPLIANT
    assert audit_cases((daily_case, NOW)) is COMPLIANT  # without a state, what fits a slower frequency is not reported
    later_case = build_case(*(it for it in ages), 6 * HOUR, frequency="daily", retention=30 * DAY)
    assert audit_cases((weekly_case, ago(DAY)), (later_case, NOW)) is COMPLIANT


@pytest.mark.parametrize(
    "run_age,seen_age,expected",
    [
        pytest.param(DAY + MAX_WEEKLY_GAP, DAY, COMPLIANT, id="before-at-limit"),
        pytest.param(DAY + MAX_WEEKLY_GAP + SECOND, DAY, NON_COMPLIANT, id="before-one-second-past"),
        pytest.param(3 * DAY, MAX_DAILY_GAP, COMPLIANT, id="after-at-limit"),
        pytest.param(3 * DAY, MAX_DAILY_GAP + SECOND, NON_COMPLIANT, id="after-one-second-past"),
    ],
)
def test_each_part_of_a_gap_counts_by_its_frequency(run_age: timedelta, seen_age: timedelta, expected: Any) -> None:
    """Weekly until the audit that first saw daily, daily since."""
    state = build_schedule_state(seen_age, build_earlier_settings(60 * DAY, seen_age + DAY, frequency="weekly"))
    assert evaluate_compliance(GAP_CONTROL, build_case(run_age), state) is expected


@pytest.mark.parametrize(
    "run_age,expected",
    [
        pytest.param(5 * DAY + MAX_DAILY_GAP, COMPLIANT, id="at-limit"),
        pytest.param(5 * DAY + MAX_DAILY_GAP + SECOND, NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_between_two_audits_the_slower_frequency_counts(run_age: timedelta, expected: Any) -> None:
    """Daily as long as an audit saw it, weekly from that one on."""
    state = build_schedule_state(2 * DAY, build_earlier_settings(60 * DAY, 5 * DAY), frequency="weekly")
    assert evaluate_compliance(GAP_CONTROL, build_case(run_age, frequency="weekly"), state) is expected


@pytest.mark.parametrize(
    "resumed_age,expected",
    [
        pytest.param(MAX_DAILY_GAP, COMPLIANT, id="at-limit"),
        pytest.param(MAX_DAILY_GAP + SECOND, NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_after_a_pause_time_counts_from_the_audit_that_saw_the_schedule_enabled(
    resumed_age: timedelta, expected: Any
) -> None:
    """The gap that overlaps the pause is none."""
    paused_settings = build_earlier_settings(20 * DAY, resumed_age + DAY, enabled=False)
    state = build_schedule_state(resumed_age, build_earlier_settings(60 * DAY, 21 * DAY), paused_settings)
    case = build_case(25 * DAY)
    assert evaluate_compliance(GAP_CONTROL, case, state) is expected


@pytest.mark.parametrize(
    "pause_end,expected",
    [
        pytest.param(10 * DAY, NON_COMPLIANT, id="ends-where-the-pause-begins"),
        pytest.param(10 * DAY - SECOND, COMPLIANT, id="overlaps-it-by-a-second"),
    ],
)
def test_a_gap_that_only_touches_a_pause_is_a_gap(pause_end: timedelta, expected: Any) -> None:
    """Runs were due before it."""
    state = build_schedule_state(
        9 * DAY, build_earlier_settings(60 * DAY, 11 * DAY), build_earlier_settings(10 * DAY, 10 * DAY, enabled=False)
    )
    runs = [*(DAY / 2 + number * DAY for number in range(9)), pause_end, 13 * DAY]
    assert evaluate_compliance(GAP_CONTROL, build_case(*runs), state) is expected


@pytest.mark.parametrize(
    "delay,expected",
    [
        pytest.param(DAY, NON_COMPLIANT, id="at-limit"),
        pytest.param(DAY + SECOND, COMPLIANT, id="one-second-past"),
    ],
)
def test_the_time_to_the_first_run_counts_where_an_audit_saw_the_creation(delay: timedelta, expected: Any) -> None:
    """Within a day."""
    case = build_case(HOUR, DAY, created_at=ago(5 * DAY))
    assert evaluate_compliance(GAP_CONTROL, case, build_schedule_state(5 * DAY - delay)) is expected


@pytest.mark.parametrize(
    "retention,expected",
    [
        pytest.param(3 * DAY, NON_COMPLIANT, id="at-limit"),
        pytest.param(3 * DAY - SECOND, COMPLIANT, id="one-second-less"),
    ],
)
def test_a_retention_that_had_ended_the_first_runs_explains_that_they_are_missing(
    retention: timedelta, expected: Any
) -> None:
    """It was in force from the creation to the audit that saw the longer one."""
    state = build_schedule_state(2 * DAY, build_earlier_settings(5 * DAY, 3 * DAY, retention=retention))
    assert evaluate_compliance(GAP_CONTROL, build_case(HOUR, DAY, created_at=ago(5 * DAY)), state) is expected


@pytest.mark.parametrize(
    "ages,expected",
    [
        pytest.param((HOUR, 3 * DAY), COMPLIANT, id="nothing-shows-it"),
        pytest.param((HOUR, 3 * DAY, 3 * DAY + MAX_DAILY_GAP), NON_COMPLIANT, id="a-pair-shows-it"),
        pytest.param((HOUR, 3 * DAY, 3 * DAY + MAX_DAILY_GAP + SECOND), COMPLIANT, id="a-second-too-wide"),
        pytest.param((HOUR, HOUR + DAY, 3 * DAY), COMPLIANT, id="only-a-later-pair"),
        pytest.param((31 * DAY + GRACE + DAY / 2 + SECOND,), NON_COMPLIANT, id="fits-no-slower-one"),
        pytest.param((31 * DAY + GRACE,), COMPLIANT, id="fits-the-slowest"),
    ],
)
@pytest.mark.parametrize("state", [build_state(), build_schedule_state(DAY / 2)])
def test_before_the_first_audit_runs_have_to_show_the_frequency(
    ages: tuple[timedelta, ...], expected: Any, state: ProjectState
) -> None:
    """A gap that fits a slower frequency is reported only after a pair that shows the one of today."""
    assert evaluate_compliance(GAP_CONTROL, build_case(*ages), state) is expected


@pytest.mark.parametrize(
    "seen_age,expected",
    [
        pytest.param(2 * DAY, COMPLIANT, id="at-limit"),
        pytest.param(2 * DAY + SECOND, NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_a_lowered_retention_makes_a_backup_due_at_the_audit_that_saw_it(seen_age: timedelta, expected: Any) -> None:
    """A lowered retention makes a backup due at the audit that saw it, even if its capture is much earlier."""
    state = build_schedule_state(seen_age, build_earlier_settings(60 * DAY, seen_age + DAY), retention=7 * DAY)
    case = build_case(HOUR, 40 * DAY, retention=7 * DAY)
    assert evaluate_compliance(EXPIRY_CONTROL, case, state) is expected


def test_a_retention_that_is_lowered_once_more_makes_no_later_due() -> None:
    """A retention that is lowered again does not move the due time; a raised one does."""
    first_settings, second_settings = (
        build_earlier_settings(60 * DAY, 10 * DAY),
        build_earlier_settings(9 * DAY, 2 * DAY, retention=7 * DAY),
    )
    case = build_case(HOUR, 40 * DAY, retention=5 * DAY)
    assert (
        evaluate_compliance(
            EXPIRY_CONTROL, case, build_schedule_state(DAY, first_settings, second_settings, retention=5 * DAY)
        )
        is NON_COMPLIANT
    )
    assert (
        evaluate_compliance(
            EXPIRY_CONTROL,
            build_case(HOUR, 40 * DAY, retention=39 * DAY),
            build_schedule_state(DAY, second_settings, retention=39 * DAY),
        )
        is COMPLIANT
    )


def test_the_evidence_names_the_settings() -> None:
    """Each with the first audit that saw it."""
    state = build_schedule_state(DAY + HOUR, build_earlier_settings(60 * DAY, 2 * DAY, frequency="weekly"))
    finding = evaluate_control(GAP_CONTROL, build_case(20 * DAY), state)
    assert (finding.evidence["frequency"], finding.evidence["limit_hours"]) == ("weekly", 174.0)
    assert finding.evidence["settings"] == [
        {"in_force_since": "2026-09-23T12:00:00Z", "frequency": "weekly", "retention_days": 90, "enabled": True},
        {"in_force_since": "2026-11-21T11:00:00Z", "frequency": "daily", "retention_days": 90, "enabled": True},
    ]


def test_an_incomplete_audit_adds_what_it_read_of_a_schedule() -> None:
    """The settings are recorded, and drift is still reported since the last complete audit."""
    audits = AuditSequence()
    audits.audit(build_inventory(build_case(HOUR, frequency="weekly")))
    audits.audit(replace(build_inventory(build_case(HOUR)), indexes_failure=READ_FAILURE))
    (known_schedule,) = audits.state.schedules.values()
    assert (known_schedule.since, known_schedule.frequency) == (NOW + DAY, "daily")
    assert [(it.since, it.until, it.frequency) for it in known_schedule.earlier_settings] == [(NOW, NOW, "weekly")]
    drift = audits.audit(build_inventory(build_case(HOUR))).drift
    assert [it.change for it in drift] == ["schedule frequency raised"]


def test_a_night_on_which_a_schedule_was_not_read_is_none_that_saw_its_settings() -> None:
    """An audit that did not read a schedule proves nothing about its settings."""
    audits = AuditSequence()
    audits.audit(build_inventory(build_case(HOUR)))
    audits.audit(build_inventory(build_index(schedules=build_failed_listing())))
    audits.audit(build_inventory(build_case(HOUR, frequency="weekly")))
    (known_schedule,) = audits.state.schedules.values()
    assert [(it.since, it.until) for it in known_schedule.earlier_settings] == [(NOW, NOW)]


def test_settings_that_stay_take_no_more_room() -> None:
    """A night without a change leaves what is known of a schedule as it is."""
    audits = AuditSequence()
    audits.audit(build_inventory(build_case(HOUR)))
    schedules_before = audits.state.schedules
    audits.audit(build_inventory(build_case(HOUR)))
    assert audits.state.schedules == schedules_before


def test_settings_that_no_control_needs_are_removed() -> None:
    """Settings of more than 15 months ago, and all but the latest 60, are removed."""
    old_settings = build_earlier_settings(600 * DAY, 500 * DAY)
    audits = AuditSequence()
    audits.state = build_schedule_state(470 * DAY, old_settings)
    audits.audit(build_inventory(build_case(HOUR)))
    assert [it.earlier_settings for it in audits.state.schedules.values()] == [()]
    for number in range(70):
        audits.audit(
            build_inventory(build_case(HOUR, retention=(number % 2 + 40) * DAY)), observed_at=NOW + number * HOUR
        )
    (known_schedule,) = audits.state.schedules.values()
    assert len(known_schedule.earlier_settings) == 60


def evaluate_first_backup(runs: int, **state_facts: Any) -> Compliance:
    """Evaluate the loss of a first backup of remediation, next to a number of runs."""
    known_backup = build_known_backup(build_backup(9 * DAY, backup_id="first"))
    index = build_index(runs=build_daily_runs(runs))
    return evaluate_compliance(
        VANISH_CONTROL, index, build_watched_state(index, backups={"first": known_backup}, **state_facts)
    )


def test_a_first_backup_may_be_deleted_once_scheduled_copies_suffice() -> None:
    """A missing backup that a person took is still reported."""
    assert evaluate_first_backup(2, first_backup_ids=frozenset({"first"})) is Compliance.NOT_APPLICABLE
    assert evaluate_first_backup(1, first_backup_ids=frozenset({"first"})) is NON_COMPLIANT
    assert evaluate_first_backup(2) is NON_COMPLIANT


def test_a_first_backup_that_was_replaced_is_removed() -> None:
    """A replaced first backup is not reported again when a scheduled copy expires."""
    inventory = build_inventory(build_index(runs=build_daily_runs(2)))
    audits = AuditSequence()
    known_backup = build_known_backup(build_backup(9 * DAY, backup_id="first"))
    audits.state = build_watched_state(
        inventory, backups={"first": known_backup}, first_backup_ids=frozenset({"first"})
    )
    audits.audit(inventory)
    assert "first" not in audits.state.backups


def test_runs_further_apart_than_allowed_now_are_not_said_to_be_close() -> None:
    """The reason of a compliant finding names the widest distance where earlier or unknown settings explain it."""
    finding = evaluate_control(GAP_CONTROL, build_case(HOUR, 8 * DAY))
    assert finding.compliance is COMPLIANT
    assert finding.reason == (
        "The runs of schedule nightly are up to 7d 23h apart (current limit: 1d 6h); the schedule was slower or"
        " paused then, or may have been before the first audit."
    )
