"""Control `backups-have-live-source`."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_auditor.domain.finding import Compliance, ResourceType
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId, ListingKind
from backup_auditor.domain.model import Backup
from backup_auditor.domain.policy import OrphanedBackupRequirement, Policy, Requirements
from support.builders.facts import (
    DAY,
    NOW,
    SECOND,
    backup,
    broken,
    disputed,
    findings,
    index,
    inventory,
    judged,
    known,
    policy,
    remembering,
    schedule,
    whole,
)

ID = "backups-have-live-source"
MAX_AGE = 30 * DAY


def gone(age: timedelta | None, **facts: object) -> Backup:
    """Build a backup of an index that is gone."""
    return backup(age, **{"backup_id": f"gone-{age}", "index_id": "id-gone", "index_name": "gone", **facts})


def with_max_age(max_age: timedelta | None) -> Policy:
    """Build the built-in policy with another limit for backups of deleted indexes."""
    return replace(policy(), defaults=Requirements(orphaned_backups=OrphanedBackupRequirement(max_age)))


def verdict(*rows: Backup, max_age: timedelta | None = MAX_AGE) -> Compliance:
    """Judge the only deleted index of a project with these backups."""
    (found,) = findings(ID, inventory(index(), more=rows), with_max_age(max_age)).values()
    return found.compliance


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(MAX_AGE - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(MAX_AGE, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(MAX_AGE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_the_newest_backup_is_not_too_old(age: timedelta, expected: Compliance) -> None:
    """Those before it may be."""
    assert verdict(gone(age), gone(age + 90 * DAY)) is expected


@pytest.mark.parametrize(
    "rows,expected",
    [
        pytest.param((gone(DAY, status="Failed"),), Compliance.COMPLIANT, id="failed-counts"),
        pytest.param((gone(-DAY, status="Scheduled"),), Compliance.NOT_APPLICABLE, id="planned-does-not"),
        pytest.param((gone(None), gone(DAY)), Compliance.COMPLIANT, id="undated-beside-a-young-one"),
        pytest.param((gone(None), gone(90 * DAY)), Compliance.INSUFFICIENT_DATA, id="undated-decides"),
    ],
)
def test_any_backup_but_a_planned_run_counts(rows: tuple[Backup, ...], expected: Compliance) -> None:
    """In whatever state it is."""
    assert verdict(*rows) is expected


@pytest.mark.parametrize("rows", [(), (gone(-DAY, status="Scheduled"),)])
def test_a_listing_that_broke_off_shows_of_none_that_it_is_gone(rows: tuple[Backup, ...]) -> None:
    """What stood there, by what is remembered, may stand there still."""
    memory = remembering(known(gone(90 * DAY)))
    unread, read = (
        findings(ID, inventory(index(), backups=listing(rows)), memory=memory)[ResourceType.DELETED_INDEX, "id-gone"]
        for listing in (broken, whole)
    )
    assert (unread.compliance, read.compliance) == (Compliance.INSUFFICIENT_DATA, Compliance.NOT_APPLICABLE)


def test_without_a_limit_there_is_nothing_to_judge() -> None:
    """A limit that is null is none."""
    assert verdict(gone(90 * DAY), max_age=None) is Compliance.NOT_APPLICABLE


def test_each_id_is_a_resource_of_its_own() -> None:
    """Earlier indexes of a live name are deleted indexes, too."""
    earlier = backup(90 * DAY, backup_id="e", index_id="id-earlier")
    found = findings(ID, inventory(index(), more=[gone(90 * DAY), gone(DAY, index_id="id-other"), earlier]))
    assert {key: it.compliance for key, it in found.items()} == {
        (ResourceType.DELETED_INDEX, "id-gone"): Compliance.NON_COMPLIANT,
        (ResourceType.DELETED_INDEX, "id-other"): Compliance.COMPLIANT,
        (ResourceType.DELETED_INDEX, "id-earlier"): Compliance.NON_COMPLIANT,
    }


def test_it_takes_two_walks() -> None:
    """A newer backup could stand there, or the index's own listing could show the id to be live."""
    assert BACKUP_LISTING in judged(inventory(index(), more=[gone(90 * DAY)], walks=1)).unconfirmed_listings
    earlier = backup(90 * DAY, index_id="id-earlier")
    told = inventory(index(schedules=[], listed=[earlier], own=whole([], walks=1)))
    assert ListingId(ListingKind.OWN_BACKUPS, "main") in judged(told).unconfirmed_listings
    assert findings(ID, told)[ResourceType.DELETED_INDEX, "id-earlier"].compliance is Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    "marks,own",
    [
        pytest.param({"index_deleted_at": NOW}, [], id="deletion-mark"),
        pytest.param({}, [backup(DAY, backup_id="own")], id="another-id-is-live"),
    ],
)
def test_an_id_that_is_shown_to_be_gone_needs_no_second_look_at_what_the_index_has(
    marks: dict[str, datetime], own: list[Backup]
) -> None:
    """A mark or the id of the live index is presence, and presence wants no second walk."""
    earlier = backup(90 * DAY, index_id="id-earlier", **marks)
    told = inventory(index(schedules=[], listed=[earlier, *own], own=whole(own, walks=1)))
    assert findings(ID, told)[ResourceType.DELETED_INDEX, "id-earlier"].compliance is Compliance.NON_COMPLIANT


def test_rows_that_shift_between_two_walks_settle_nothing() -> None:
    """Of that name."""
    told = inventory(index(), backups=disputed([gone(90 * DAY)], [gone(91 * DAY)]))
    (found,) = findings(ID, told).values()
    assert found.compliance is Compliance.INSUFFICIENT_DATA


def test_rules_do_not_speak_of_deleted_indexes() -> None:
    """They have the defaults, whatever fits their name."""
    told = inventory(index(schedules=[schedule()]), more=[gone(90 * DAY)])
    (found,) = findings(ID, told, with_max_age(100 * DAY)).values()
    assert (found.compliance, found.evidence["max_age_days"]) == (Compliance.COMPLIANT, 100)
