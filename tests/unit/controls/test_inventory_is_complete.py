"""Control `inventory-is-complete`."""

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.inventory import Inventory, merge_reads
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.model import Backup
from support.builders.facts import (
    READ_FAILURE,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    evaluate_compliance,
    evaluate_control,
)

ID = "inventory-is-complete"


def test_everything_that_was_read_passes() -> None:
    """An empty project too."""
    assert evaluate_compliance(ID, build_inventory(build_index())) is Compliance.COMPLIANT
    assert evaluate_compliance(ID, build_inventory()) is Compliance.COMPLIANT


@pytest.mark.parametrize(
    "inventory",
    [
        pytest.param(build_inventory(indexes_failure=READ_FAILURE), id="indexes"),
        pytest.param(build_inventory(build_index(), backups=build_failed_listing()), id="backups"),
        pytest.param(build_inventory(build_index(schedules=build_failed_listing())), id="schedules"),
        pytest.param(build_inventory(build_index(runs=build_failed_listing())), id="a-history"),
        pytest.param(build_inventory(build_index(own_backups=build_failed_listing())), id="own-backups"),
        pytest.param(
            build_inventory(backups=merge_reads([ListingRead(()), ListingRead((), READ_FAILURE)])), id="a-second-read"
        ),
    ],
)
def test_anything_unread_fails(inventory: Inventory) -> None:
    """A read error is non-compliant, never insufficient data."""
    assert evaluate_compliance(ID, inventory) is Compliance.NON_COMPLIANT


def test_a_later_read_makes_good_for_one_that_broke_off() -> None:
    """Facts that two complete reads agree on are read."""
    reads: list[ListingRead[Backup]] = [ListingRead(()), ListingRead((), READ_FAILURE), ListingRead(())]
    assert evaluate_compliance(ID, build_inventory(backups=merge_reads(reads))) is Compliance.COMPLIANT


def test_the_reason_names_the_first_and_the_count() -> None:
    """Sorted, so that it is the same in every audit."""
    inventory = build_inventory(
        build_index(schedules=build_failed_listing()),
        indexes_failure=ReadFailure("GET /indexes", "503"),
        backups=build_complete_listing([]),
    )
    finding = evaluate_control(ID, inventory)
    assert finding.reason == "2 facts could not be read; first: GET /indexes: 503"
    assert finding.evidence == {"read_error_count": 2, "call": "GET /indexes", "error": "503"}
