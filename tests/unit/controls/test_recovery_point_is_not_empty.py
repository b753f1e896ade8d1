"""Control `recovery-point-is-not-empty`."""

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import BACKUP_LISTING
from backup_auditor.domain.model import Backup
from support.builders.facts import DAY, backup, broken, compliance, daily_runs, index, inventory, judged, run

ID = "recovery-point-is-not-empty"


@pytest.mark.parametrize(
    "records,expected",
    [
        pytest.param(0, Compliance.NON_COMPLIANT, id="none"),
        pytest.param(1, Compliance.COMPLIANT, id="one"),
        pytest.param(None, Compliance.INSUFFICIENT_DATA, id="not-told"),
    ],
)
def test_the_newest_has_records(records: int | None, expected: Compliance) -> None:
    """Whatever those before it have."""
    assert compliance(ID, index(runs=[run(DAY, record_count=records), *daily_runs(3, 2 * DAY)])) is expected


@pytest.mark.parametrize(
    "newer",
    [
        pytest.param(run(DAY, record_count=0, status="Failed"), id="failed"),
        pytest.param(run(DAY, record_count=0, status="Pending"), id="under-way"),
        pytest.param(run(-DAY, record_count=0), id="to-come"),
        pytest.param(backup(DAY, record_count=0, index_id="id-earlier"), id="earlier-index"),
    ],
)
def test_only_a_recovery_point_counts(newer: Backup) -> None:
    """One that can restore the live index."""
    assert compliance(ID, index(runs=daily_runs(3, 2 * DAY), backups=[newer])) is Compliance.COMPLIANT


def test_an_index_may_be_allowed_to_be_empty() -> None:
    """Then there is nothing to judge, nor is there without a recovery point."""
    assert compliance(ID, index(runs=[run(DAY, record_count=0)]), allow_empty=True) is Compliance.NOT_APPLICABLE
    assert compliance(ID, index(runs=[])) is Compliance.NOT_APPLICABLE


def test_which_is_the_newest_has_to_be_known() -> None:
    """A backup without any time may be it, which matters where it differs, and so may one that was not read."""
    assert compliance(ID, index(backups=[backup(None)])) is Compliance.COMPLIANT
    assert compliance(ID, index(backups=[backup(None, record_count=0)])) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, index(backups=[backup(None, record_count=None)])) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, index(runs=[], backups=[backup(None)])) is Compliance.INSUFFICIENT_DATA
    empty = index(runs=[run(DAY, record_count=0)], backups=[backup(None, record_count=0)])
    assert compliance(ID, empty) is Compliance.NON_COMPLIANT
    assert compliance(ID, inventory(index(), backups=broken(daily_runs()))) is Compliance.INSUFFICIENT_DATA


def test_it_takes_two_walks() -> None:
    """A newer one could overturn it."""
    empty = index(runs=[run(DAY, record_count=0)], walks=1)
    assert BACKUP_LISTING in judged(inventory(empty, walks=1)).unconfirmed_listings
    assert compliance(ID, inventory(empty, walks=1)) is Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize("records", [(1, 1), (1, 1000), (1000, 1)], ids=str)
def test_a_single_record_is_some(records: tuple[int, int]) -> None:
    """Whichever of two is the newest, it is not empty."""
    dated, undated = records
    case = index(runs=[run(DAY, record_count=dated)], backups=[backup(None, record_count=undated)])
    assert compliance(ID, case) is Compliance.COMPLIANT
