"""How walks over one listing are put together."""

from itertools import permutations

import pytest

from backup_auditor.domain.inventory import merge_reads
from backup_auditor.domain.listing import Listing, ListingRead
from backup_auditor.domain.model import Backup
from support.builders.facts import HOUR, READ_FAILURE, build_backup, build_schedule

BACKUP_A, BACKUP_B, BACKUP_C = (build_backup(backup_id=name) for name in "abc")


def merge_backups(*reads: list[Backup] | ListingRead[Backup]) -> Listing[Backup]:
    """Put walks together; a list is a whole walk."""
    return merge_reads([read if isinstance(read, ListingRead) else ListingRead(tuple(read)) for read in reads])


def test_rows_add_up_sorted_and_once() -> None:
    """A row that any walk showed is there."""
    assert merge_backups([BACKUP_C, BACKUP_A, BACKUP_A], [BACKUP_B, BACKUP_C]).rows == (BACKUP_A, BACKUP_B, BACKUP_C)
    assert merge_backups([BACKUP_B], ListingRead((BACKUP_A,), READ_FAILURE)).rows == (BACKUP_A, BACKUP_B)


def test_rows_that_one_of_the_last_two_whole_reads_showed_are_disputed() -> None:
    """Earlier walks, and broken ones, do not take part."""
    assert merge_backups([BACKUP_A], [BACKUP_A, BACKUP_B]).changed_ids == {"b"}
    assert merge_backups([BACKUP_C], [BACKUP_A], [BACKUP_A]).changed_ids == frozenset()
    assert merge_backups([BACKUP_A], [BACKUP_A, BACKUP_B], [BACKUP_A, BACKUP_B], [BACKUP_A]).changed_ids == {"b"}
    assert merge_backups([BACKUP_A], ListingRead((BACKUP_B,), READ_FAILURE), [BACKUP_A]).changed_ids == frozenset()
    assert merge_backups([BACKUP_A]).changed_ids == frozenset()


def test_only_whole_reads_count() -> None:
    """Without any, the listing is broken; with one, a later one that broke off leaves a doubt."""
    assert (
        merge_backups([BACKUP_A], [BACKUP_A]).read_count,
        merge_backups([BACKUP_A], ListingRead((), READ_FAILURE)).read_count,
        merge_backups(ListingRead((), READ_FAILURE)).read_count,
    ) == (2, 1, 0)
    assert merge_backups(ListingRead((BACKUP_A,), READ_FAILURE)).failures == (READ_FAILURE,)
    assert merge_backups([BACKUP_A], ListingRead((), READ_FAILURE)).confirmation_failure == READ_FAILURE
    assert merge_backups([BACKUP_A], ListingRead((), READ_FAILURE)).failure is None
    assert merge_backups([BACKUP_A], ListingRead((), READ_FAILURE), [BACKUP_A]).failures == ()
    assert merge_backups(ListingRead((), READ_FAILURE), [BACKUP_A]).failures == ()


@pytest.mark.parametrize(
    "first_status,second_status,status",
    [
        pytest.param("Initializing", "Ready", "Ready", id="came-further"),
        pytest.param("Ready", "Initializing", "Ready", id="does-not-go-back"),
        pytest.param("Ready", "Deleting", "Deleting", id="later-unknown"),
        pytest.param("Verifying", "Ready", "Ready", id="earlier-unknown"),
        pytest.param("Verifying", "Deleting", "Deleting", id="both-unknown"),
    ],
)
def test_a_later_read_shows_how_far_a_backup_has_come(first_status: str, second_status: str, status: str) -> None:
    """Of a status that is not known, the later walk decides."""
    listing = merge_backups([build_backup(status=first_status)], [build_backup(status=second_status)])
    assert [it.status for it in listing.rows] == [status]


def test_a_later_read_shows_a_schedule_as_it_is_now() -> None:
    """A setting may change between two walks."""
    reads = [ListingRead((build_schedule(enabled=True),)), ListingRead((build_schedule(enabled=False),))]
    assert [it.enabled for it in merge_reads(reads).rows] == [False]


def test_rows_repeated_within_a_read_may_contradict_each_other_in_any_order() -> None:
    """The same one wins: an unknown status, then the one that has come further."""
    rows = [
        build_backup(status="Ready"),
        build_backup(status="Initializing"),
        build_backup(status="Odd"),
        build_backup(HOUR, backup_id="x"),
    ]
    assert len({merge_backups(list(order)).rows for order in permutations(rows)}) == 1
    assert merge_backups(rows[:2]).rows[0].status == "Ready"
    assert merge_backups(rows[:3]).rows[0].status == "Odd"
