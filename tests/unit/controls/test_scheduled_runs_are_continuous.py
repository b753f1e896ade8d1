"""Control `scheduled-runs-are-continuous`."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import ListingId, ListingKind
from backup_auditor.domain.model import Backup
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from support.builders import facts as builders
from support.builders.facts import (
    DAY,
    GRACE,
    HOUR,
    SECOND,
    IndexCase,
    ago,
    build_backup,
    build_conflicting_listing,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_planned_run,
    build_run,
    build_schedule,
    build_unnamed_run,
    build_watched_state,
    evaluate_facts,
)

ID = "scheduled-runs-are-continuous"
MAX_GAP = DAY + GRACE
MONTH = 31 * DAY
UNDATED_RUN = build_run(DAY, backup_id="undated", name=None, scheduled_for=None, created_at=None)


def build_case(runs: Sequence[Backup], **facts: Any) -> IndexCase:
    """Build an index whose only schedule has these runs, with a retention of 30 days by default."""
    return build_index(schedules=[build_schedule(**{"retention": 30 * DAY, **facts})], runs=runs)


def evaluate_watched(control: str, facts: IndexCase | Inventory) -> Finding:
    """Evaluate an index whose schedules audits saw since their creation."""
    return builders.evaluate_control(control, facts, build_watched_state(facts))


def evaluate_watched_compliance(control: str, facts: IndexCase | Inventory) -> Compliance:
    """Return the bare verdict."""
    return evaluate_watched(control, facts).compliance


def build_runs(*ages: timedelta) -> list[Backup]:
    """Build runs that captured so long ago."""
    return [build_run(age) for age in ages]


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(MAX_GAP - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(MAX_GAP, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(MAX_GAP + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
        pytest.param(29 * DAY, Compliance.NON_COMPLIANT, id="older-than-the-time-looked-at"),
        pytest.param(90 * DAY, Compliance.NON_COMPLIANT, id="older-than-its-retention"),
        pytest.param(0 * SECOND, Compliance.COMPLIANT, id="captured-now"),
        pytest.param(-CLOCK_TOLERANCE, Compliance.COMPLIANT, id="ahead-at-limit"),
        pytest.param(-CLOCK_TOLERANCE - SECOND, Compliance.NON_COMPLIANT, id="ahead-one-second-past"),
    ],
)
def test_the_last_run_counts_at_any_age(age: timedelta, expected: Compliance) -> None:
    """Between it and now there is no more than an interval and the grace."""
    assert evaluate_watched_compliance(ID, build_case(build_runs(age))) is expected


@pytest.mark.parametrize(
    "gap,expected",
    [
        pytest.param(MAX_GAP, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(MAX_GAP + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_neighbouring_runs_are_not_too_far_apart(gap: timedelta, expected: Compliance) -> None:
    """A time of one interval plus the grace is compliant."""
    assert evaluate_watched_compliance(ID, build_case(build_runs(HOUR, HOUR + gap))) is expected


@pytest.mark.parametrize(
    "older_age,expected",
    [
        pytest.param(14 * DAY, Compliance.NON_COMPLIANT, id="at-the-beginning"),
        pytest.param(14 * DAY + SECOND, Compliance.COMPLIANT, id="one-second-before-it"),
    ],
)
def test_fourteen_intervals_are_looked_back(older_age: timedelta, expected: Compliance) -> None:
    """A pair that straddles the beginning of that time does not count."""
    assert evaluate_watched_compliance(ID, build_case([*build_daily_runs(12), build_run(older_age)])) is expected


@pytest.mark.parametrize(
    "older_age,expected",
    [
        pytest.param(7 * DAY, Compliance.NON_COMPLIANT, id="at-the-beginning"),
        pytest.param(7 * DAY + SECOND, Compliance.COMPLIANT, id="one-second-before-it"),
    ],
)
def test_it_is_looked_back_no_further_than_the_retention(older_age: timedelta, expected: Compliance) -> None:
    """An expired run is not missing."""
    assert (
        evaluate_watched_compliance(ID, build_case([*build_daily_runs(5), build_run(older_age)], retention=7 * DAY))
        is expected
    )


@pytest.mark.parametrize(
    "creation_age,expected",
    [
        pytest.param(MAX_GAP, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(MAX_GAP + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
@pytest.mark.parametrize("rows", [[], build_runs(3 * DAY), build_runs(3 * DAY, 9 * DAY)])
def test_a_run_before_the_creation_makes_none_due_earlier(
    rows: list[Backup], creation_age: timedelta, expected: Compliance
) -> None:
    """The time is counted from the creation, even if a history shows an earlier run."""
    assert evaluate_watched_compliance(ID, build_case(rows, created_at=ago(creation_age))) is expected


@pytest.mark.parametrize(
    "creation_age,expected",
    [
        pytest.param(5 * HOUR + MAX_GAP, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(5 * HOUR + MAX_GAP + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
        pytest.param(14 * DAY, Compliance.NON_COMPLIANT, id="created-at-the-beginning"),
        pytest.param(14 * DAY + SECOND, Compliance.COMPLIANT, id="created-before-the-time-looked-at"),
    ],
)
def test_the_first_run_follows_the_creation(creation_age: timedelta, expected: Compliance) -> None:
    """The time from creation to the first run counts if the creation is in the checked time."""
    assert evaluate_watched_compliance(ID, build_case(build_runs(5 * HOUR), created_at=ago(creation_age))) is expected


@pytest.mark.parametrize(
    "facts,expected",
    [
        pytest.param({"created_at": ago(MAX_GAP)}, Compliance.COMPLIANT, id="first-not-yet-due"),
        pytest.param({"created_at": ago(MAX_GAP + SECOND)}, Compliance.NON_COMPLIANT, id="first-overdue"),
        pytest.param({"created_at": ago(90 * DAY)}, Compliance.NON_COMPLIANT, id="old-and-never-ran"),
        pytest.param({"created_at": ago(MAX_GAP), "retention": DAY}, Compliance.COMPLIANT, id="not-due-nor-kept"),
        pytest.param({"retention": MAX_GAP}, Compliance.INSUFFICIENT_DATA, id="retention-too-short"),
        pytest.param({"retention": MAX_GAP + SECOND}, Compliance.NON_COMPLIANT, id="retention-long-enough"),
        pytest.param({"created_at": None}, Compliance.INSUFFICIENT_DATA, id="null-creation"),
        pytest.param({"retention": None}, Compliance.INSUFFICIENT_DATA, id="null-retention"),
        pytest.param({"retention": None, "created_at": ago(MAX_GAP)}, Compliance.COMPLIANT, id="null-but-not-due"),
        pytest.param({"frequency": "hourly"}, Compliance.INSUFFICIENT_DATA, id="unknown-frequency"),
    ],
)
def test_a_schedule_that_never_ran(facts: dict[str, Any], expected: Compliance) -> None:
    """A schedule without runs fails once a run was due that would not have expired."""
    assert evaluate_watched_compliance(ID, build_case([build_planned_run()], **facts)) is expected


@pytest.mark.parametrize(
    "row,expected",
    [
        pytest.param(build_run(DAY, status="Failed"), Compliance.COMPLIANT, id="failed"),
        pytest.param(build_run(DAY, status="Pending"), Compliance.COMPLIANT, id="under-way"),
        pytest.param(build_run(DAY, status="Odd"), Compliance.COMPLIANT, id="unknown-status"),
        pytest.param(build_run(DAY, status="Scheduled"), Compliance.NON_COMPLIANT, id="still-planned"),
        pytest.param(build_unnamed_run(DAY), Compliance.NON_COMPLIANT, id="unnamed-and-young-is-planned"),
        pytest.param(build_run(-SECOND, status="Odd"), Compliance.NON_COMPLIANT, id="to-come"),
    ],
)
def test_a_failed_run_is_a_run_and_a_planned_one_is_not(row: Backup, expected: Compliance) -> None:
    """A failed run counts because it started; a planned run does not."""
    assert evaluate_watched_compliance(ID, build_case([row, *build_daily_runs(12, 2 * DAY)])) is expected


def test_a_manual_backup_fills_no_gap() -> None:
    """A manual backup fills no gap, even if its name looks like a run's name."""
    manual_copy = build_run(DAY)
    index = build_index(runs=build_daily_runs(5, 2 * DAY), backups=[build_backup(HOUR), manual_copy])
    assert evaluate_watched_compliance(ID, index) is Compliance.NON_COMPLIANT


@pytest.mark.parametrize(
    "frequency,age,expected",
    [
        pytest.param("weekly", 7 * DAY + GRACE, Compliance.COMPLIANT, id="weekly-at-limit"),
        pytest.param("weekly", 7 * DAY + GRACE + SECOND, Compliance.NON_COMPLIANT, id="weekly-one-second-past"),
        pytest.param("monthly", MONTH + GRACE, Compliance.COMPLIANT, id="monthly-at-limit"),
        pytest.param("monthly", MONTH + GRACE + SECOND, Compliance.NON_COMPLIANT, id="monthly-one-second-past"),
    ],
)
def test_the_longest_interval_of_the_frequency_counts(frequency: str, age: timedelta, expected: Compliance) -> None:
    """A month is 31 days long."""
    index_case = build_case(build_runs(age), frequency=frequency, retention=400 * DAY, created_at=ago(500 * DAY))
    assert evaluate_watched_compliance(ID, index_case) is expected


@pytest.mark.parametrize(
    "runs,facts,expected",
    [
        pytest.param(build_daily_runs(14), {"created_at": None}, Compliance.COMPLIANT, id="creation-runs-reach-back"),
        pytest.param(
            build_daily_runs(7), {"created_at": None}, Compliance.INSUFFICIENT_DATA, id="creation-would-decide"
        ),
        pytest.param(build_runs(2 * DAY), {"created_at": None}, Compliance.NON_COMPLIANT, id="creation-beside-a-gap"),
        pytest.param(build_daily_runs(14), {"retention": None}, Compliance.COMPLIANT, id="retention-no-gap"),
        pytest.param(
            build_runs(HOUR, 5 * DAY), {"retention": None}, Compliance.INSUFFICIENT_DATA, id="retention-decides"
        ),
        pytest.param(build_runs(2 * DAY), {"retention": None}, Compliance.NON_COMPLIANT, id="retention-beside-a-gap"),
        pytest.param(
            build_daily_runs(7), {"retention": None, "created_at": None}, Compliance.INSUFFICIENT_DATA, id="both-null"
        ),
    ],
)
def test_a_null_field_matters_where_it_would_decide(
    runs: list[Backup], facts: dict[str, Any], expected: Compliance
) -> None:
    """A gap that is certain either way fails."""
    assert evaluate_watched_compliance(ID, build_case(runs, **facts)) is expected


def test_a_run_without_any_time_may_part_a_gap_so_that_it_is_not_looked_at() -> None:
    """One that ran just now leaves a pair that straddles the beginning of the time."""
    old_runs = [*build_runs(9 * DAY), UNDATED_RUN]
    assert evaluate_watched_compliance(ID, build_case(old_runs, retention=7 * DAY)) is Compliance.INSUFFICIENT_DATA
    assert evaluate_watched_compliance(ID, build_case(old_runs, retention=30 * DAY)) is Compliance.NON_COMPLIANT
    assert evaluate_watched_compliance(ID, build_case(old_runs, retention=None)) is Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    "runs,expected",
    [
        pytest.param([*build_daily_runs(14), UNDATED_RUN], Compliance.COMPLIANT, id="no-gap"),
        pytest.param([*build_runs(2 * DAY, 3 * DAY), UNDATED_RUN], Compliance.INSUFFICIENT_DATA, id="fills-the-gap"),
        pytest.param([*build_runs(3 * DAY), UNDATED_RUN], Compliance.NON_COMPLIANT, id="one-for-two-missing"),
        pytest.param(
            [*build_runs(14 * DAY), *build_daily_runs(11), UNDATED_RUN], Compliance.NON_COMPLIANT, id="at-the-beginning"
        ),
        pytest.param([UNDATED_RUN], Compliance.INSUFFICIENT_DATA, id="the-only-run"),
        pytest.param([*build_daily_runs(7), UNDATED_RUN], Compliance.INSUFFICIENT_DATA, id="may-have-been-long-before"),
    ],
)
def test_a_run_without_any_time_may_fill_a_gap(runs: list[Backup], expected: Compliance) -> None:
    """Runs without a time fill at most as many missing runs as there are of them."""
    assert evaluate_watched_compliance(ID, build_case(runs)) is expected


def test_a_run_without_any_time_may_be_the_first_of_a_young_schedule() -> None:
    """A run without a time may be the first, until two runs are missing since the creation."""
    assert (
        evaluate_watched_compliance(ID, build_case([UNDATED_RUN], created_at=ago(2 * MAX_GAP)))
        is Compliance.INSUFFICIENT_DATA
    )
    assert (
        evaluate_watched_compliance(ID, build_case([UNDATED_RUN], created_at=ago(2 * MAX_GAP + SECOND)))
        is Compliance.NON_COMPLIANT
    )


def test_a_run_without_any_time_may_be_the_first_of_an_unwatched_schedule() -> None:
    """The time before the first run counts only if an audit saw the schedule soon after its creation."""
    case = build_case([UNDATED_RUN], created_at=ago(3 * MAX_GAP))
    assert builders.evaluate_compliance(ID, case) is Compliance.INSUFFICIENT_DATA
    assert evaluate_watched_compliance(ID, case) is Compliance.NON_COMPLIANT


def test_a_gap_takes_two_reads_of_the_history() -> None:
    """The history is reported as one to read again, and reads that differ confirm nothing."""
    old_runs = build_runs(5 * DAY)
    inventory = build_inventory(build_index(runs=old_runs, reads=1))
    evaluation = evaluate_facts(inventory, state=build_watched_state(inventory))
    assert {it.control: it.compliance for it in evaluation.findings}[ID] is Compliance.INSUFFICIENT_DATA
    assert ListingId(ListingKind.HISTORY, "schedule-1") in evaluation.unconfirmed_listings
    assert (
        evaluate_watched_compliance(ID, build_index(runs=build_conflicting_listing(old_runs, [])))
        is Compliance.INSUFFICIENT_DATA
    )


@pytest.mark.parametrize(
    "runs,expected",
    [
        pytest.param(build_daily_runs(14), Compliance.COMPLIANT, id="covers-all-the-time"),
        pytest.param(build_daily_runs(13, 18 * HOUR), Compliance.COMPLIANT, id="covers-it-at-limit"),
        pytest.param(build_daily_runs(13, 18 * HOUR - SECOND), Compliance.INSUFFICIENT_DATA, id="one-second-short"),
        pytest.param(build_daily_runs(3), Compliance.INSUFFICIENT_DATA, id="leaves-room"),
        pytest.param(build_runs(9 * DAY), Compliance.INSUFFICIENT_DATA, id="gap"),
        pytest.param([], Compliance.INSUFFICIENT_DATA, id="nothing"),
    ],
)
def test_a_history_that_broke_off_proves_what_it_shows(runs: list[Backup], expected: Compliance) -> None:
    """Runs that leave no room for a gap are enough."""
    index = build_index(schedules=[build_schedule(retention=30 * DAY)], runs=build_failed_listing(runs))
    assert evaluate_watched_compliance(ID, index) is expected


def test_a_history_that_was_not_read_proves_nothing() -> None:
    """An unread history makes the result unknown, unless no run is due yet."""
    index = build_index()
    assert evaluate_watched_compliance(ID, build_inventory(index, histories={})) is Compliance.INSUFFICIENT_DATA
    young_index = build_index(schedules=[build_schedule(created_at=ago(HOUR))], runs=[])
    assert evaluate_watched_compliance(ID, build_inventory(young_index, histories={})) is Compliance.COMPLIANT


def test_the_evidence_tells_the_widest_gap() -> None:
    """Its ends, its length, what is allowed, how many gaps there are, and how many runs are missing at least."""
    finding = evaluate_watched(ID, build_case(build_runs(6 * HOUR, 2 * DAY, 6 * DAY)))
    assert finding.reason == ("Schedule nightly did not run for 4d from 2026-11-16 12:00 UTC (limit: 1d 6h; 2 gaps).")
    assert finding.evidence == {
        "schedule": "nightly",
        "schedule_id": "schedule-1",
        "runs": 3,
        "gaps": 2,
        "missing_runs": 4,
        "limit_hours": 30.0,
        "from": "2026-11-16T12:00:00Z",
        "to": "2026-11-20T12:00:00Z",
        "gap_hours": 96.0,
        "frequency": "daily",
        "settings": [
            {"in_force_since": "2026-09-23T12:00:00Z", "frequency": "daily", "retention_days": 30, "enabled": True}
        ],
    }
