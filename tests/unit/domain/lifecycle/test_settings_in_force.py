"""Runs, gaps and expiries are judged by the settings that were in force at their time, as audits saw them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.project_state import EarlierSettings, KnownSchedule, ProjectState
from support.builders.audit_sequence import Nights
from support.builders.facts import (
    BROKEN,
    DAY,
    GRACE,
    HOUR,
    NOW,
    SECOND,
    IndexCase,
    ago,
    backup,
    broken,
    compliance,
    daily_runs,
    finding,
    index,
    inventory,
    known,
    remembering,
    run,
    schedule,
    watched,
)

GAPS, LATE, LOST = "scheduled-runs-are-continuous", "backups-expire-on-time", "backup-did-not-vanish"
FINE, WRONG = Compliance.COMPLIANT, Compliance.NON_COMPLIANT
ALLOWED, WEEK = DAY + GRACE, 7 * DAY + GRACE
MONTHS = 90 * DAY


def earlier(since: timedelta, until: timedelta, **settings: Any) -> EarlierSettings:
    """Build settings that audits saw from so long ago to so long ago: daily, kept for 90 days, enabled."""
    usual: dict[str, Any] = {"frequency": "daily", "retention": MONTHS, "enabled": True}
    return EarlierSettings(ago(since), ago(until), **(usual | settings))


def knowing(since: timedelta, *before: EarlierSettings, **settings: Any) -> ProjectState:
    """Build the memory of a schedule that audits saw as it is since so long ago."""
    usual: dict[str, Any] = {"frequency": "daily", "retention": MONTHS, "enabled": True}
    it = KnownSchedule("schedule-1", "main", "nightly", **(usual | settings), since=ago(since), earlier_settings=before)
    return remembering(schedules={it.schedule_id: it})


def case(*ages: timedelta, **facts: Any) -> IndexCase:
    """Build an index whose daily schedule, kept for 90 days, ran so long ago."""
    settings: dict[str, Any] = {"retention": MONTHS, "created_at": ago(300 * DAY), **facts}
    return index(schedules=[schedule(**settings)], runs=[run(it) for it in ages])


def nights(*told: tuple[IndexCase, datetime]) -> Compliance:
    """Audit one case after the other; return what the last says of gaps."""
    audits = Nights()
    outcomes = [audits.audited(replace(inventory(facts), observed_at=at), at=at) for facts, at in told]
    return {it.control: it.compliance for it in outcomes[-1].findings}[GAPS]


@pytest.mark.parametrize("frequency,days", [("weekly", (30, 90)), ("monthly", (62, 365))])
def test_a_raised_retention_makes_no_gap_of_what_expired_before(frequency: str, days: tuple[int, int]) -> None:
    """What was made under the earlier retention was deleted under it."""
    interval = {"weekly": 7, "monthly": 31}[frequency] * DAY
    ages = [2 * DAY + number * interval for number in range(days[0] * DAY // interval)]
    facts: dict[str, Any] = {"frequency": frequency, "created_at": ago(400 * DAY)}
    before = case(*ages, **facts, retention=days[0] * DAY)
    after = case(*ages, **facts, retention=days[1] * DAY)
    assert nights((before, ago(HOUR)), (after, NOW)) is FINE
    assert nights((after, NOW)) is FINE


def test_a_raised_frequency_makes_no_gap_of_the_former_pace() -> None:
    """Where the state knows the change, and on the nights after it, too."""
    ages = [number * DAY for number in (2, 9, 16, 23)]
    weekly, daily = (case(*ages, frequency=it, retention=30 * DAY) for it in ("weekly", "daily"))
    assert nights((weekly, ago(HOUR)), (daily, NOW)) is FINE
    assert nights((daily, NOW)) is FINE  # without a state, what fits a slower frequency is not reported
    later = case(*(it for it in ages), 6 * HOUR, frequency="daily", retention=30 * DAY)
    assert nights((weekly, ago(DAY)), (later, NOW)) is FINE


@pytest.mark.parametrize(
    "run_age,seen,expected",
    [
        pytest.param(DAY + WEEK, DAY, FINE, id="before-at-limit"),
        pytest.param(DAY + WEEK + SECOND, DAY, WRONG, id="before-one-second-past"),
        pytest.param(3 * DAY, ALLOWED, FINE, id="after-at-limit"),
        pytest.param(3 * DAY, ALLOWED + SECOND, WRONG, id="after-one-second-past"),
    ],
)
def test_each_part_of_a_gap_counts_by_its_frequency(run_age: timedelta, seen: timedelta, expected: Any) -> None:
    """Weekly until the audit that first saw daily, daily since."""
    memory = knowing(seen, earlier(60 * DAY, seen + DAY, frequency="weekly"))
    assert compliance(GAPS, case(run_age), memory) is expected


@pytest.mark.parametrize(
    "run_age,expected",
    [
        pytest.param(5 * DAY + ALLOWED, FINE, id="at-limit"),
        pytest.param(5 * DAY + ALLOWED + SECOND, WRONG, id="one-second-past"),
    ],
)
def test_between_two_audits_the_slower_frequency_counts(run_age: timedelta, expected: Any) -> None:
    """Daily as long as an audit saw it, weekly from that one on."""
    memory = knowing(2 * DAY, earlier(60 * DAY, 5 * DAY), frequency="weekly")
    assert compliance(GAPS, case(run_age, frequency="weekly"), memory) is expected


@pytest.mark.parametrize(
    "resumed,expected",
    [
        pytest.param(ALLOWED, FINE, id="at-limit"),
        pytest.param(ALLOWED + SECOND, WRONG, id="one-second-past"),
    ],
)
def test_after_a_pause_time_counts_from_the_audit_that_saw_the_schedule_enabled(
    resumed: timedelta, expected: Any
) -> None:
    """The gap that overlaps the pause is none."""
    paused = earlier(20 * DAY, resumed + DAY, enabled=False)
    memory = knowing(resumed, earlier(60 * DAY, 21 * DAY), paused)
    told = case(25 * DAY)
    assert compliance(GAPS, told, memory) is expected


@pytest.mark.parametrize(
    "end,expected",
    [
        pytest.param(10 * DAY, WRONG, id="ends-where-the-pause-begins"),
        pytest.param(10 * DAY - SECOND, FINE, id="overlaps-it-by-a-second"),
    ],
)
def test_a_gap_that_only_touches_a_pause_is_a_gap(end: timedelta, expected: Any) -> None:
    """Runs were due before it."""
    memory = knowing(9 * DAY, earlier(60 * DAY, 11 * DAY), earlier(10 * DAY, 10 * DAY, enabled=False))
    runs = [*(DAY / 2 + number * DAY for number in range(9)), end, 13 * DAY]
    assert compliance(GAPS, case(*runs), memory) is expected


@pytest.mark.parametrize(
    "delay,expected",
    [
        pytest.param(DAY, WRONG, id="at-limit"),
        pytest.param(DAY + SECOND, FINE, id="one-second-past"),
    ],
)
def test_the_time_to_the_first_run_counts_where_an_audit_saw_the_creation(delay: timedelta, expected: Any) -> None:
    """Within a day."""
    told = case(HOUR, DAY, created_at=ago(5 * DAY))
    assert compliance(GAPS, told, knowing(5 * DAY - delay)) is expected


@pytest.mark.parametrize(
    "retention,expected",
    [
        pytest.param(3 * DAY, WRONG, id="at-limit"),
        pytest.param(3 * DAY - SECOND, FINE, id="one-second-less"),
    ],
)
def test_a_retention_that_had_ended_the_first_runs_explains_that_they_are_missing(
    retention: timedelta, expected: Any
) -> None:
    """It was in force from the creation to the audit that saw the longer one."""
    memory = knowing(2 * DAY, earlier(5 * DAY, 3 * DAY, retention=retention))
    assert compliance(GAPS, case(HOUR, DAY, created_at=ago(5 * DAY)), memory) is expected


@pytest.mark.parametrize(
    "ages,expected",
    [
        pytest.param((HOUR, 3 * DAY), FINE, id="nothing-shows-it"),
        pytest.param((HOUR, 3 * DAY, 3 * DAY + ALLOWED), WRONG, id="a-pair-shows-it"),
        pytest.param((HOUR, 3 * DAY, 3 * DAY + ALLOWED + SECOND), FINE, id="a-second-too-wide"),
        pytest.param((HOUR, HOUR + DAY, 3 * DAY), FINE, id="only-a-later-pair"),
        pytest.param((31 * DAY + GRACE + DAY / 2 + SECOND,), WRONG, id="fits-no-slower-one"),
        pytest.param((31 * DAY + GRACE,), FINE, id="fits-the-slowest"),
    ],
)
@pytest.mark.parametrize("memory", [remembering(), knowing(DAY / 2)])
def test_before_the_first_audit_runs_have_to_show_the_frequency(
    ages: tuple[timedelta, ...], expected: Any, memory: ProjectState
) -> None:
    """A gap that fits a slower frequency is reported only after a pair that shows the one of today."""
    assert compliance(GAPS, case(*ages), memory) is expected


@pytest.mark.parametrize(
    "seen,expected",
    [
        pytest.param(2 * DAY, FINE, id="at-limit"),
        pytest.param(2 * DAY + SECOND, WRONG, id="one-second-past"),
    ],
)
def test_a_lowered_retention_makes_a_backup_due_at_the_audit_that_saw_it(seen: timedelta, expected: Any) -> None:
    """Though its capture and the shorter retention lie long before."""
    memory = knowing(seen, earlier(60 * DAY, seen + DAY), retention=7 * DAY)
    told = case(HOUR, 40 * DAY, retention=7 * DAY)
    assert compliance(LATE, told, memory) is expected


def test_a_retention_that_is_lowered_once_more_makes_no_later_due() -> None:
    """And one that is raised moves it."""
    first, second = earlier(60 * DAY, 10 * DAY), earlier(9 * DAY, 2 * DAY, retention=7 * DAY)
    told = case(HOUR, 40 * DAY, retention=5 * DAY)
    assert compliance(LATE, told, knowing(DAY, first, second, retention=5 * DAY)) is WRONG
    assert compliance(LATE, case(HOUR, 40 * DAY, retention=39 * DAY), knowing(DAY, second, retention=39 * DAY)) is FINE


def test_the_evidence_names_the_settings() -> None:
    """Each with the first audit that saw it."""
    memory = knowing(DAY + HOUR, earlier(60 * DAY, 2 * DAY, frequency="weekly"))
    found = finding(GAPS, case(20 * DAY), memory)
    assert (found.evidence["frequency"], found.evidence["allowed_hours"]) == ("weekly", 174.0)
    assert found.evidence["settings"] == [
        {"seen_since": "2026-09-23T12:00:00Z", "frequency": "weekly", "retention_days": 90, "enabled": True},
        {"seen_since": "2026-11-21T11:00:00Z", "frequency": "daily", "retention_days": 90, "enabled": True},
    ]


def test_an_incomplete_audit_adds_what_it_read_of_a_schedule() -> None:
    """Its settings are facts; drift is told since the last complete audit all the same."""
    audits = Nights()
    audits.audited(inventory(case(HOUR, frequency="weekly")))
    audits.audited(replace(inventory(case(HOUR)), indexes_failure=BROKEN))
    (schedule_then,) = audits.memory.schedules.values()
    assert (schedule_then.since, schedule_then.frequency) == (NOW + DAY, "daily")
    assert [(it.since, it.until, it.frequency) for it in schedule_then.earlier_settings] == [(NOW, NOW, "weekly")]
    drift = audits.audited(inventory(case(HOUR))).drift
    assert [it.change for it in drift] == ["schedule frequency raised"]


def test_a_night_on_which_a_schedule_was_not_read_is_none_that_saw_its_settings() -> None:
    """What changed may have changed before it."""
    audits = Nights()
    audits.audited(inventory(case(HOUR)))
    audits.audited(inventory(index(schedules=broken())))
    audits.audited(inventory(case(HOUR, frequency="weekly")))
    (schedule_then,) = audits.memory.schedules.values()
    assert [(it.since, it.until) for it in schedule_then.earlier_settings] == [(NOW, NOW)]


def test_settings_that_stay_take_no_more_room() -> None:
    """A night without a change leaves what is known of a schedule as it is."""
    audits = Nights()
    audits.audited(inventory(case(HOUR)))
    before = audits.memory.schedules
    audits.audited(inventory(case(HOUR)))
    assert audits.memory.schedules == before


def test_what_no_rule_asks_for_is_forgotten() -> None:
    """Settings of more than fifteen months ago, and those before the latest sixty."""
    old = earlier(600 * DAY, 500 * DAY)
    audits = Nights()
    audits.memory = knowing(470 * DAY, old)
    audits.audited(inventory(case(HOUR)))
    assert [it.earlier_settings for it in audits.memory.schedules.values()] == [()]
    for number in range(70):
        audits.audited(inventory(case(HOUR, retention=(number % 2 + 40) * DAY)), at=NOW + number * HOUR)
    (schedule_then,) = audits.memory.schedules.values()
    assert len(schedule_then.earlier_settings) == 60


def first_backup(runs: int, **memory: Any) -> Compliance:
    """Judge the loss of a backup that remediation took, beside so many runs."""
    took = known(backup(9 * DAY, backup_id="first"))
    told = index(runs=daily_runs(runs))
    return compliance(LOST, told, watched(told, backups={"first": took}, **memory))


def test_a_first_backup_may_be_deleted_once_scheduled_copies_suffice() -> None:
    """One that nobody but a person took is reported."""
    assert first_backup(2, first_backup_ids=frozenset({"first"})) is Compliance.NOT_APPLICABLE
    assert first_backup(1, first_backup_ids=frozenset({"first"})) is WRONG
    assert first_backup(2) is WRONG


def test_a_first_backup_that_was_replaced_is_forgotten() -> None:
    """It is not reported again when a scheduled copy goes."""
    told = inventory(index(runs=daily_runs(2)))
    audits = Nights()
    took = known(backup(9 * DAY, backup_id="first"))
    audits.memory = watched(told, backups={"first": took}, first_backup_ids=frozenset({"first"}))
    audits.audited(told)
    assert "first" not in audits.memory.backups


def test_runs_further_apart_than_allowed_now_are_not_said_to_be_close() -> None:
    """The reason of a compliant finding names the widest distance where earlier or unknown settings explain it."""
    said = finding(GAPS, case(HOUR, 8 * DAY))
    assert said.compliance is FINE
    assert said.reason == (
        "The runs of its schedule nightly are up to 7d 23h apart (1d 6h are allowed now), which a slower frequency"
        " or a pause at that time explains, or may explain before the first audit."
    )
