"""Control `inventory-is-complete`."""

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.inventory import Inventory, merge_reads
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.model import Backup
from support.builders.facts import BROKEN, broken, compliance, finding, index, inventory, whole

ID = "inventory-is-complete"


def test_everything_that_was_read_passes() -> None:
    """An empty project too."""
    assert compliance(ID, inventory(index())) is Compliance.COMPLIANT
    assert compliance(ID, inventory()) is Compliance.COMPLIANT


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(inventory(indexes_failure=BROKEN), id="indexes"),
        pytest.param(inventory(index(), backups=broken()), id="backups"),
        pytest.param(inventory(index(schedules=broken())), id="schedules"),
        pytest.param(inventory(index(runs=broken())), id="a-history"),
        pytest.param(inventory(index(own=broken())), id="own-backups"),
        pytest.param(inventory(backups=merge_reads([ListingRead(()), ListingRead((), BROKEN)])), id="a-second-walk"),
    ],
)
def test_anything_unread_fails(told: Inventory) -> None:
    """It is non-compliant, never a matter of insufficient data."""
    assert compliance(ID, told) is Compliance.NON_COMPLIANT


def test_a_later_walk_makes_good_for_one_that_broke_off() -> None:
    """What two whole walks agree on was read."""
    walks: list[ListingRead[Backup]] = [ListingRead(()), ListingRead((), BROKEN), ListingRead(())]
    assert compliance(ID, inventory(backups=merge_reads(walks))) is Compliance.COMPLIANT


def test_the_reason_names_the_first_and_the_count() -> None:
    """Sorted, so that it is the same in every audit."""
    told = inventory(index(schedules=broken()), indexes_failure=ReadFailure("GET /indexes", "503"), backups=whole([]))
    found = finding(ID, told)
    assert found.reason == "2 facts could not be read, first GET /indexes: 503"
    assert found.evidence == {"read_error_count": 2, "first": "GET /indexes", "error": "503"}
