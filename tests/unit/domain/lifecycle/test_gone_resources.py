"""What is known of a finding when an audit has none: its resource is gone, or nothing can be said."""

from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import find_unconfirmed_listings
from backup_auditor.domain.listing import BACKUP_LISTING
from backup_auditor.domain.model import Index
from support.builders.audit_sequence import INCOMPLETE, USUAL, Nights, lifecycles, verdict
from support.builders.facts import backup, broken, disputed, inventory, whole

EMPTY = inventory()
DELETED = Resource(ResourceType.DELETED_INDEX, "default", "orders", "id-old")
LEFT = backup(index_id="id-old", index_name="orders")
OTHER = backup(backup_id="other", index_id="id-new", index_name="orders")


def because(told: Inventory, **facts: Any) -> list[str]:
    """Audit a finding open, and then without one; return why it was resolved, if it was."""
    nights = Nights()
    nights.judged(verdict(**facts))
    outcome = nights.judged(told=told)
    assert nights.judged(told=told).resolved_findings == ()
    return [it.reason for it in outcome.resolved_findings]


def test_a_finding_ends_with_its_index() -> None:
    """A complete inventory shows that it is gone."""
    assert because(EMPTY) == ["the index is gone"]


@pytest.mark.parametrize("state", ["Terminating", "terminating"])
def test_a_finding_does_not_end_while_its_index_is_being_deleted(state: str) -> None:
    """The finding is resolved by the first audit in which the index is gone, and not before."""
    nights = Nights()
    nights.judged(verdict())
    leaving = replace(EMPTY, terminating=(Index(verdict().resource.name, state=state),))
    assert nights.judged(told=leaving).resolved_findings == ()
    assert [it.reason for it in nights.judged(told=EMPTY).resolved_findings] == ["the index is gone"]


def test_an_incomplete_audit_ends_nothing_that_it_did_not_judge() -> None:
    """An index that it did not see may be there; the finding is ongoing the night it is seen again."""
    nights = Nights()
    nights.judged(verdict())
    assert nights.judged(told=INCOMPLETE).resolved_findings == ()
    assert lifecycles(nights.judged(verdict())) == ["ongoing"]


def test_a_finding_does_not_end_because_nothing_judged_it() -> None:
    """The index is there, and an auditor of another version may lack the control: that makes nothing well."""
    assert because(USUAL) == []
    assert because(USUAL, resource=Resource(ResourceType.PROJECT, "default", "default")) == []


@pytest.mark.parametrize(
    "told,expected",
    [
        pytest.param(EMPTY, ["the deleted index is gone: no backup of it is left"], id="no-backup-listed"),
        pytest.param(inventory(walks=1), [], id="one-walk-alone"),
        pytest.param(inventory(backups=whole([LEFT])), [], id="a-backup-is-listed"),
        pytest.param(inventory(backups=broken()), [], id="the-listing-broke-off"),
        pytest.param(inventory(backups=disputed([OTHER], [])), [], id="rows-of-its-name-shifted"),
        pytest.param(
            inventory(backups=disputed([replace(OTHER, index_name="else")], [])),
            ["the deleted index is gone: no backup of it is left"],
            id="rows-of-another-name-shifted",
        ),
    ],
)
def test_a_finding_ends_with_the_last_backup_of_its_deleted_index(told: Inventory, expected: list[str]) -> None:
    """And nothing is called gone on the strength of one walk."""
    assert because(told, resource=DELETED) == expected


def test_a_finding_of_a_deleted_index_ends_when_it_shows_to_be_the_live_one() -> None:
    """Its schedules, unread before, tell so."""
    nights = Nights()
    nights.judged(verdict(resource=DELETED))
    live = verdict(resource=Resource(ResourceType.INDEX, "default", "orders", "id-old"))
    outcome = nights.judged(live, told=inventory(backups=whole([LEFT])))
    assert [it.reason for it in outcome.resolved_findings] == ["it is the live index"]


def test_a_finding_of_a_deleted_index_does_not_end_because_others_are_judged() -> None:
    """Other controls still judge that deleted index, so it is not gone."""
    nights = Nights()
    nights.judged(verdict(resource=DELETED))
    outcome = nights.judged(verdict(resource=DELETED, control="another"), told=inventory(backups=whole([LEFT])))
    assert outcome.resolved_findings == ()


@pytest.mark.parametrize(
    "told,is_doubted",
    [
        pytest.param(inventory(walks=1), True, id="one-walk-misses-it"),
        pytest.param(EMPTY, False, id="two-walks-miss-it"),
        pytest.param(inventory(backups=whole([LEFT], walks=1)), False, id="listed"),
        pytest.param(inventory(backups=broken()), False, id="broken"),
    ],
)
def test_a_second_walk_is_asked_for_before_a_deleted_index_is_called_gone(told: Inventory, is_doubted: bool) -> None:
    """Only where a finding depends on it."""
    nights = Nights()
    assert find_unconfirmed_listings(nights.memory, told) == frozenset()
    nights.judged(verdict(resource=DELETED))
    assert find_unconfirmed_listings(nights.memory, told) == (
        frozenset({BACKUP_LISTING}) if is_doubted else frozenset()
    )
