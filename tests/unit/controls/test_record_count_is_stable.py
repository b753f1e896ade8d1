"""Control `record-count-is-stable`."""

from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import BACKUP_LISTING
from support.builders.facts import (
    DAY,
    IndexCase,
    build_backup,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    build_schedule,
    evaluate_compliance,
    evaluate_control,
    evaluate_facts,
)

ID = "record-count-is-stable"


def build_counted_index(*records: int | None, **facts: Any) -> IndexCase:
    """Build an index whose recovery points have so many records, newest first."""
    runs = [build_run((number + 1) * DAY, record_count=it) for number, it in enumerate(records)]
    return build_index(schedules=[build_schedule(retention=30 * DAY)], runs=runs, **facts)


@pytest.mark.parametrize(
    "newest_count,expected",
    [
        pytest.param(801, Compliance.COMPLIANT, id="one-record-above"),
        pytest.param(800, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(799, Compliance.NON_COMPLIANT, id="one-record-below"),
        pytest.param(0, Compliance.NON_COMPLIANT, id="none"),
        pytest.param(5000, Compliance.COMPLIANT, id="growth"),
    ],
)
def test_no_more_than_the_percentage_may_go(newest_count: int, expected: Compliance) -> None:
    """Against the median of those before."""
    assert evaluate_compliance(ID, build_counted_index(newest_count, 1000, 1000, 1000)) is expected


@pytest.mark.parametrize("newest_count,expected", [(13, Compliance.COMPLIANT), (12, Compliance.NON_COMPLIANT)])
def test_half_a_record_counts(newest_count: int, expected: Compliance) -> None:
    """Four fifths of a median of 15.5 are 12.4."""
    finding = evaluate_control(ID, build_counted_index(newest_count, 10, 21))
    assert finding.compliance is expected
    assert f"has {newest_count} records; the median of 2 earlier ones is 15.5" in finding.reason


@pytest.mark.parametrize(
    "percent,newest_count,expected",
    [
        pytest.param(7, 93, Compliance.COMPLIANT, id="seven-at-limit"),
        pytest.param(7, 92, Compliance.NON_COMPLIANT, id="seven-one-below"),
        pytest.param(0, 100, Compliance.COMPLIANT, id="zero-at-limit"),
        pytest.param(0, 99, Compliance.NON_COMPLIANT, id="zero-one-below"),
        pytest.param(100, 0, Compliance.COMPLIANT, id="everything-may-go"),
        pytest.param(None, 0, Compliance.NOT_APPLICABLE, id="null"),
    ],
)
def test_the_policy_sets_the_percentage(percent: float | None, newest_count: int, expected: Compliance) -> None:
    """Nothing is rounded at the limit."""
    assert evaluate_compliance(ID, build_counted_index(newest_count, 100), max_record_drop_percent=percent) is expected


@pytest.mark.parametrize(
    "previous_counts,median",
    [
        pytest.param((10,), 10, id="one"),
        pytest.param((10, 20), 15, id="even"),
        pytest.param((10, 21), 15.5, id="half"),
        pytest.param((30, 10, 20), 20, id="odd"),
        pytest.param((1, 1, 1, 1, 9, 9, 9, 9, 9, 9), 1, id="seven-at-most"),
        pytest.param((None, 10, None, 10, 30, 30, 30, 30, 30, 10), 30, id="null-skipped"),
    ],
)
def test_the_median_of_the_up_to_seven_before_counts(previous_counts: tuple[int | None, ...], median: float) -> None:
    """Recovery points with an unknown count are skipped."""
    assert evaluate_control(ID, build_counted_index(1000, *previous_counts)).evidence["median"] == median


@pytest.mark.parametrize(
    "case,expected",
    [
        pytest.param(build_counted_index(), Compliance.NOT_APPLICABLE, id="no-recovery-point"),
        pytest.param(build_counted_index(10), Compliance.NOT_APPLICABLE, id="only-one"),
        pytest.param(build_counted_index(10, None), Compliance.NOT_APPLICABLE, id="earlier-unknown"),
        pytest.param(build_counted_index(None, 10), Compliance.INSUFFICIENT_DATA, id="newest-unknown"),
        pytest.param(build_counted_index(0, 0), Compliance.COMPLIANT, id="always-empty"),
        pytest.param(
            build_counted_index(10, 10, backups=[build_backup(None)]), Compliance.INSUFFICIENT_DATA, id="undated"
        ),
    ],
)
def test_there_is_something_to_compare(case: IndexCase, expected: Compliance) -> None:
    """A comparison needs an earlier recovery point, and a known newest one."""
    assert evaluate_compliance(ID, case) is expected


def test_it_names_the_last_healthy_one_and_when_that_expires() -> None:
    """The newest that is not below what is usual."""
    finding = evaluate_control(ID, build_counted_index(10, 700, 900, 1000, 1000))
    assert finding.reason == (
        "Newest recovery point has 10 records; the median of 4 earlier ones is 950 (limit: 20% fewer); last healthy"
        " recovery point: nightly-20261119T120000Z from 2026-11-19 12:00 UTC, expires on 2026-12-19 12:00 UTC (in 27d)."
    )
    assert finding.evidence["last_healthy"] == {
        "backup_id": "run-20261119T120000",
        "name": "nightly-20261119T120000Z",
        "captured_at": "2026-11-19T12:00:00Z",
        "record_count": 900,
        "expires": True,
        "expires_at": "2026-12-19T12:00:00Z",
    }


def test_a_healthy_one_that_was_taken_by_hand_never_expires() -> None:
    """The reason says that a manual recovery point never expires."""
    assert (
        "never expires"
        in evaluate_control(
            ID, build_index(runs=[build_run(DAY, record_count=1)], backups=[build_backup(2 * DAY)])
        ).reason
    )


def test_it_takes_a_whole_listing_and_two_reads() -> None:
    """A further recovery point could overturn it."""
    case = build_counted_index(10, 1000)
    assert BACKUP_LISTING in evaluate_facts(build_inventory(case, reads=1)).unconfirmed_listings
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing(case.listed_backups)))
        is Compliance.INSUFFICIENT_DATA
    )
