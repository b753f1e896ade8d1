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
    build_backup,
    build_complete_listing,
    build_conflicting_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_policy,
    build_schedule,
    build_state,
    evaluate_facts,
    evaluate_resources,
)

ID = "backups-have-live-source"
MAX_AGE = 30 * DAY


def build_orphaned_backup(age: timedelta | None, **facts: object) -> Backup:
    """Build a backup of an index that is gone."""
    return build_backup(age, **{"backup_id": f"gone-{age}", "index_id": "id-gone", "index_name": "gone", **facts})


def with_max_age(max_age: timedelta | None) -> Policy:
    """Return a policy that limits the age of backups of deleted indexes."""
    return replace(build_policy(), defaults=Requirements(orphaned_backups=OrphanedBackupRequirement(max_age)))


def evaluate_orphans(*rows: Backup, max_age: timedelta | None = MAX_AGE) -> Compliance:
    """Evaluate the only deleted index of a project with these backups."""
    (finding,) = evaluate_resources(
        ID, build_inventory(build_index(), extra_backups=rows), with_max_age(max_age)
    ).values()
    return finding.compliance


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(MAX_AGE - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(MAX_AGE, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(MAX_AGE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_the_newest_backup_is_not_too_old(age: timedelta, expected: Compliance) -> None:
    """Only the newest backup counts."""
    assert evaluate_orphans(build_orphaned_backup(age), build_orphaned_backup(age + 90 * DAY)) is expected


@pytest.mark.parametrize(
    "rows,expected",
    [
        pytest.param((build_orphaned_backup(DAY, status="Failed"),), Compliance.COMPLIANT, id="failed-counts"),
        pytest.param(
            (build_orphaned_backup(-DAY, status="Scheduled"),), Compliance.NOT_APPLICABLE, id="planned-does-not"
        ),
        pytest.param(
            (build_orphaned_backup(None), build_orphaned_backup(DAY)),
            Compliance.COMPLIANT,
            id="undated-beside-a-young-one",
        ),
        pytest.param(
            (build_orphaned_backup(None), build_orphaned_backup(90 * DAY)),
            Compliance.INSUFFICIENT_DATA,
            id="undated-decides",
        ),
    ],
)
def test_any_backup_but_a_planned_run_counts(rows: tuple[Backup, ...], expected: Compliance) -> None:
    """A backup counts in any state."""
    assert evaluate_orphans(*rows) is expected


def test_an_age_of_zero_is_shown_as_zero() -> None:
    """A backup that was captured at the time of the audit is 0s old, not as old as the limit."""
    inventory = build_inventory(build_index(), extra_backups=[build_orphaned_backup(timedelta())])
    (finding,) = evaluate_resources(ID, inventory, with_max_age(MAX_AGE)).values()
    assert finding.reason == "The newest of 1 backup is 0s old (limit: 30d)."


@pytest.mark.parametrize("rows", [(), (build_orphaned_backup(-DAY, status="Scheduled"),)])
def test_a_listing_that_broke_off_shows_of_none_that_it_is_gone(rows: tuple[Backup, ...]) -> None:
    """Recorded backups of an unread listing may still exist."""
    state = build_state(build_known_backup(build_orphaned_backup(90 * DAY)))
    failed_inventory, complete_inventory = (
        evaluate_resources(ID, build_inventory(build_index(), backups=listing(rows)), state=state)[
            ResourceType.DELETED_INDEX, "id-gone"
        ]
        for listing in (build_failed_listing, build_complete_listing)
    )
    assert (failed_inventory.compliance, complete_inventory.compliance) == (
        Compliance.INSUFFICIENT_DATA,
        Compliance.NOT_APPLICABLE,
    )


def test_without_a_limit_there_is_nothing_to_evaluate() -> None:
    """A limit that is null is none."""
    assert evaluate_orphans(build_orphaned_backup(90 * DAY), max_age=None) is Compliance.NOT_APPLICABLE


def test_each_id_is_a_resource_of_its_own() -> None:
    """Earlier indexes of a live name are deleted indexes, too."""
    earlier_backup = build_backup(90 * DAY, backup_id="e", index_id="id-earlier")
    findings = evaluate_resources(
        ID,
        build_inventory(
            build_index(),
            extra_backups=[
                build_orphaned_backup(90 * DAY),
                build_orphaned_backup(DAY, index_id="id-other"),
                earlier_backup,
            ],
        ),
    )
    assert {key: it.compliance for key, it in findings.items()} == {
        (ResourceType.DELETED_INDEX, "id-gone"): Compliance.NON_COMPLIANT,
        (ResourceType.DELETED_INDEX, "id-other"): Compliance.COMPLIANT,
        (ResourceType.DELETED_INDEX, "id-earlier"): Compliance.NON_COMPLIANT,
    }


def test_it_takes_two_reads() -> None:
    """The listing may contain a newer backup, or the index's own listing may show that the id is live."""
    assert (
        BACKUP_LISTING
        in evaluate_facts(
            build_inventory(build_index(), extra_backups=[build_orphaned_backup(90 * DAY)], reads=1)
        ).unconfirmed_listings
    )
    earlier_backup = build_backup(90 * DAY, index_id="id-earlier")
    inventory = build_inventory(
        build_index(schedules=[], listed_backups=[earlier_backup], own_backups=build_complete_listing([], reads=1))
    )
    assert ListingId(ListingKind.OWN_BACKUPS, "main") in evaluate_facts(inventory).unconfirmed_listings
    assert (
        evaluate_resources(ID, inventory)[ResourceType.DELETED_INDEX, "id-earlier"].compliance
        is Compliance.INSUFFICIENT_DATA
    )


@pytest.mark.parametrize(
    "marked_fields,own_backups",
    [
        pytest.param({"index_deleted_at": NOW}, [], id="deletion-mark"),
        pytest.param({}, [build_backup(DAY, backup_id="own")], id="another-id-is-live"),
    ],
)
def test_an_id_that_is_shown_to_be_gone_needs_no_second_look_at_what_the_index_has(
    marked_fields: dict[str, datetime], own_backups: list[Backup]
) -> None:
    """A deletion mark or the live id proves presence, which needs no second read."""
    earlier_backup = build_backup(90 * DAY, index_id="id-earlier", **marked_fields)
    inventory = build_inventory(
        build_index(
            schedules=[],
            listed_backups=[earlier_backup, *own_backups],
            own_backups=build_complete_listing(own_backups, reads=1),
        )
    )
    assert (
        evaluate_resources(ID, inventory)[ResourceType.DELETED_INDEX, "id-earlier"].compliance
        is Compliance.NON_COMPLIANT
    )


def test_rows_that_shift_between_two_reads_settle_nothing() -> None:
    """Rows of that name that change between two reads confirm nothing."""
    inventory = build_inventory(
        build_index(),
        backups=build_conflicting_listing([build_orphaned_backup(90 * DAY)], [build_orphaned_backup(91 * DAY)]),
    )
    (finding,) = evaluate_resources(ID, inventory).values()
    assert finding.compliance is Compliance.INSUFFICIENT_DATA


def test_rules_do_not_speak_of_deleted_indexes() -> None:
    """Deleted indexes have the default requirements, whatever rule matches their name."""
    inventory = build_inventory(
        build_index(schedules=[build_schedule()]), extra_backups=[build_orphaned_backup(90 * DAY)]
    )
    (finding,) = evaluate_resources(ID, inventory, with_max_age(100 * DAY)).values()
    assert (finding.compliance, finding.evidence["max_age_days"]) == (Compliance.COMPLIANT, 100)


def test_a_backup_without_a_capture_time_has_no_age() -> None:
    """The age of a deleted index is unknown if none of its backups has a capture time."""
    inventory = build_inventory(build_index(), extra_backups=[build_orphaned_backup(None)])
    (finding,) = evaluate_resources(ID, inventory, with_max_age(MAX_AGE)).values()
    assert finding.compliance is Compliance.INSUFFICIENT_DATA
    assert (finding.evidence["newest"], finding.evidence["age_hours"]) == (None, None)
