"""A finding without an evaluation is resolved only if its resource is gone."""

from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import find_unconfirmed_listings
from backup_auditor.domain.listing import BACKUP_LISTING
from backup_auditor.domain.model import Index
from support.builders.audit_sequence import (
    HEALTHY_INVENTORY,
    INCOMPLETE_INVENTORY,
    AuditSequence,
    build_verdict,
    list_lifecycles,
)
from support.builders.facts import (
    build_backup,
    build_complete_listing,
    build_conflicting_listing,
    build_failed_listing,
    build_inventory,
)

EMPTY_INVENTORY = build_inventory()
DELETED_INDEX = Resource(ResourceType.DELETED_INDEX, "default", "orders", "id-old")
REMAINING_BACKUP = build_backup(index_id="id-old", index_name="orders")
OTHER_BACKUP = build_backup(backup_id="other", index_id="id-new", index_name="orders")


def find_resolution_reasons(inventory: Inventory, **facts: Any) -> list[str]:
    """Audit a finding open, and then without one; return why it was resolved, if it was."""
    sequence = AuditSequence()
    sequence.audit_with_findings(build_verdict(**facts))
    outcome = sequence.audit_with_findings(inventory=inventory)
    assert sequence.audit_with_findings(inventory=inventory).resolved_findings == ()
    return [it.reason for it in outcome.resolved_findings]


def test_a_finding_ends_with_its_index() -> None:
    """A complete inventory without the index resolves its findings."""
    assert find_resolution_reasons(EMPTY_INVENTORY) == ["the index is gone"]


@pytest.mark.parametrize("state", ["Terminating", "terminating"])
def test_a_finding_does_not_end_while_its_index_is_being_deleted(state: str) -> None:
    """The finding is resolved by the first audit in which the index is gone, and not before."""
    sequence = AuditSequence()
    sequence.audit_with_findings(build_verdict())
    terminating_inventory = replace(EMPTY_INVENTORY, terminating=(Index(build_verdict().resource.name, state=state),))
    assert sequence.audit_with_findings(inventory=terminating_inventory).resolved_findings == ()
    assert [it.reason for it in sequence.audit_with_findings(inventory=EMPTY_INVENTORY).resolved_findings] == [
        "the index is gone"
    ]


def test_an_incomplete_audit_ends_nothing_that_it_did_not_evaluate() -> None:
    """An index that was not read may exist, so its findings stay open."""
    sequence = AuditSequence()
    sequence.audit_with_findings(build_verdict())
    assert sequence.audit_with_findings(inventory=INCOMPLETE_INVENTORY).resolved_findings == ()
    assert list_lifecycles(sequence.audit_with_findings(build_verdict())) == ["ongoing"]


def test_a_finding_does_not_end_because_nothing_evaluated_it() -> None:
    """A finding stays open if its index exists and its control is missing in this version."""
    assert find_resolution_reasons(HEALTHY_INVENTORY) == []
    assert (
        find_resolution_reasons(HEALTHY_INVENTORY, resource=Resource(ResourceType.PROJECT, "default", "default")) == []
    )


@pytest.mark.parametrize(
    "inventory,expected",
    [
        pytest.param(EMPTY_INVENTORY, ["no backup of the deleted index is left"], id="no-backup-listed"),
        pytest.param(build_inventory(reads=1), [], id="one-read"),
        pytest.param(build_inventory(backups=build_complete_listing([REMAINING_BACKUP])), [], id="a-backup-is-listed"),
        pytest.param(build_inventory(backups=build_failed_listing()), [], id="the-listing-broke-off"),
        pytest.param(
            build_inventory(backups=build_conflicting_listing([OTHER_BACKUP], [])), [], id="rows-of-its-name-shifted"
        ),
        pytest.param(
            build_inventory(backups=build_conflicting_listing([replace(OTHER_BACKUP, index_name="else")], [])),
            ["no backup of the deleted index is left"],
            id="rows-of-another-name-shifted",
        ),
    ],
)
def test_a_finding_ends_with_the_last_backup_of_its_deleted_index(inventory: Inventory, expected: list[str]) -> None:
    """A deleted index is gone only after two reads without a backup of it."""
    assert find_resolution_reasons(inventory, resource=DELETED_INDEX) == expected


def test_a_finding_of_a_deleted_index_ends_when_it_shows_to_be_the_live_one() -> None:
    """A schedule shows that the id is the live index."""
    sequence = AuditSequence()
    sequence.audit_with_findings(build_verdict(resource=DELETED_INDEX))
    live_finding = build_verdict(resource=Resource(ResourceType.INDEX, "default", "orders", "id-old"))
    outcome = sequence.audit_with_findings(
        live_finding, inventory=build_inventory(backups=build_complete_listing([REMAINING_BACKUP]))
    )
    assert [it.reason for it in outcome.resolved_findings] == ["this index id is live again"]


def test_a_finding_of_a_deleted_index_does_not_end_because_others_are_evaluated() -> None:
    """A deleted index that other controls evaluate is not gone."""
    sequence = AuditSequence()
    sequence.audit_with_findings(build_verdict(resource=DELETED_INDEX))
    outcome = sequence.audit_with_findings(
        build_verdict(resource=DELETED_INDEX, control="another"),
        inventory=build_inventory(backups=build_complete_listing([REMAINING_BACKUP])),
    )
    assert outcome.resolved_findings == ()


@pytest.mark.parametrize(
    "inventory,is_unconfirmed",
    [
        pytest.param(build_inventory(reads=1), True, id="missing-from-one-read"),
        pytest.param(EMPTY_INVENTORY, False, id="missing-from-two-reads"),
        pytest.param(build_inventory(backups=build_complete_listing([REMAINING_BACKUP], reads=1)), False, id="listed"),
        pytest.param(build_inventory(backups=build_failed_listing()), False, id="broken"),
    ],
)
def test_a_missing_deleted_index_needs_a_second_read(inventory: Inventory, is_unconfirmed: bool) -> None:
    """A second read is requested only if a finding depends on it."""
    sequence = AuditSequence()
    assert find_unconfirmed_listings(sequence.state, inventory) == frozenset()
    sequence.audit_with_findings(build_verdict(resource=DELETED_INDEX))
    assert find_unconfirmed_listings(sequence.state, inventory) == (
        frozenset({BACKUP_LISTING}) if is_unconfirmed else frozenset()
    )
