"""Control `recovery-point-is-not-empty`."""

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import BACKUP_LISTING
from backup_auditor.domain.model import Backup
from support.builders.facts import (
    DAY,
    build_backup,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    evaluate_compliance,
    evaluate_facts,
)

ID = "recovery-point-is-not-empty"


@pytest.mark.parametrize(
    "records,expected",
    [
        pytest.param(0, Compliance.NON_COMPLIANT, id="none"),
        pytest.param(1, Compliance.COMPLIANT, id="one"),
        pytest.param(None, Compliance.INSUFFICIENT_DATA, id="not-reported"),
    ],
)
def test_the_newest_has_records(records: int | None, expected: Compliance) -> None:
    """Only the newest recovery point counts."""
    assert (
        evaluate_compliance(ID, build_index(runs=[build_run(DAY, record_count=records), *build_daily_runs(3, 2 * DAY)]))
        is expected
    )


@pytest.mark.parametrize(
    "newer_backup",
    [
        pytest.param(build_run(DAY, record_count=0, status="Failed"), id="failed"),
        pytest.param(build_run(DAY, record_count=0, status="Pending"), id="under-way"),
        pytest.param(build_run(-DAY, record_count=0), id="to-come"),
        pytest.param(build_backup(DAY, record_count=0, index_id="id-earlier"), id="earlier-index"),
    ],
)
def test_only_a_recovery_point_counts(newer_backup: Backup) -> None:
    """One that can restore the live index."""
    assert (
        evaluate_compliance(ID, build_index(runs=build_daily_runs(3, 2 * DAY), backups=[newer_backup]))
        is Compliance.COMPLIANT
    )


def test_an_index_may_be_allowed_to_be_empty() -> None:
    """The control is not applicable if the policy accepts empty recovery points, or without a recovery point."""
    assert (
        evaluate_compliance(ID, build_index(runs=[build_run(DAY, record_count=0)]), allow_empty=True)
        is Compliance.NOT_APPLICABLE
    )
    assert evaluate_compliance(ID, build_index(runs=[])) is Compliance.NOT_APPLICABLE


def test_which_is_the_newest_has_to_be_known() -> None:
    """A backup without any time may be it, which matters where it differs, and so may one that was not read."""
    assert evaluate_compliance(ID, build_index(backups=[build_backup(None)])) is Compliance.COMPLIANT
    assert (
        evaluate_compliance(ID, build_index(backups=[build_backup(None, record_count=0)]))
        is Compliance.INSUFFICIENT_DATA
    )
    assert (
        evaluate_compliance(ID, build_index(backups=[build_backup(None, record_count=None)]))
        is Compliance.INSUFFICIENT_DATA
    )
    assert evaluate_compliance(ID, build_index(runs=[], backups=[build_backup(None)])) is Compliance.INSUFFICIENT_DATA
    empty_index = build_index(runs=[build_run(DAY, record_count=0)], backups=[build_backup(None, record_count=0)])
    assert evaluate_compliance(ID, empty_index) is Compliance.NON_COMPLIANT
    assert (
        evaluate_compliance(ID, build_inventory(build_index(), backups=build_failed_listing(build_daily_runs())))
        is Compliance.INSUFFICIENT_DATA
    )


def test_it_takes_two_reads() -> None:
    """A newer one could overturn it."""
    empty_index = build_index(runs=[build_run(DAY, record_count=0)], reads=1)
    assert BACKUP_LISTING in evaluate_facts(build_inventory(empty_index, reads=1)).unconfirmed_listings
    assert evaluate_compliance(ID, build_inventory(empty_index, reads=1)) is Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize("records", [(1, 1), (1, 1000), (1000, 1)], ids=str)
def test_a_single_record_is_some(records: tuple[int, int]) -> None:
    """Whichever of two is the newest, it is not empty."""
    dated_count, undated_count = records
    case = build_index(
        runs=[build_run(DAY, record_count=dated_count)], backups=[build_backup(None, record_count=undated_count)]
    )
    assert evaluate_compliance(ID, case) is Compliance.COMPLIANT
