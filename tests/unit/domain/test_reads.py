"""Test how several reads of one listing are merged."""

from itertools import permutations

import pytest

from backup_auditor.domain.inventory import map_rows_by_id, merge_reads
from backup_auditor.domain.listing import Listing, ListingRead
from backup_auditor.domain.model import Backup
from support.builders.facts import HOUR, READ_FAILURE, build_backup, build_schedule

BACKUP_A, BACKUP_B, BACKUP_C = (build_backup(backup_id=name) for name in "abc")


def merge_backups(*reads: list[Backup] | ListingRead[Backup]) -> Listing[Backup]:
    """Merge reads; a list is a complete read."""
    return merge_reads([read if isinstance(read, ListingRead) else ListingRead(tuple(read)) for read in reads])


def test_rows_of_all_reads_are_merged_and_sorted() -> None:
    """The result has each row of any read once, sorted."""
    assert merge_backups([BACKUP_C, BACKUP_A, BACKUP_A], [BACKUP_B, BACKUP_C]).rows == (BACKUP_A, BACKUP_B, BACKUP_C)
    assert merge_backups([BACKUP_B], ListingRead((BACKUP_A,), READ_FAILURE)).rows == (BACKUP_A, BACKUP_B)


def test_rows_in_one_of_the_last_two_complete_reads_are_changed() -> None:
    """Only the last two complete reads are compared."""
    assert merge_backups([BACKUP_A], [BACKUP_A, BACKUP_B]).changed_ids == {"b"}
    assert merge_backups([BACKUP_C], [BACKUP_A], [BACKUP_A]).changed_ids == frozenset()
    assert merge_backups([BACKUP_A], [BACKUP_A, BACKUP_B], [BACKUP_A, BACKUP_B], [BACKUP_A]).changed_ids == {"b"}
    assert merge_backups([BACKUP_A], ListingRead((BACKUP_B,), READ_FAILURE), [BACKUP_A]).changed_ids == frozenset()
    assert merge_backups([BACKUP_A]).changed_ids == frozenset()


def test_only_complete_reads_count() -> None:
    """Without a complete read the listing has failed; an incomplete later read leaves it unconfirmed."""
    assert (
        merge_backups([BACKUP_A], [BACKUP_A]).read_count,
        merge_backups([BACKUP_A], ListingRead((), READ_FAILURE)).read_count,
        merge_backups(ListingRead((), READ_FAILURE)).read_count,
    ) == (2, 1, 0)
    assert merge_backups(ListingRead((BACKUP_A,), READ_FAILURE)).failure == READ_FAILURE
    assert merge_backups([BACKUP_A], ListingRead((), READ_FAILURE)).confirmation_failure == READ_FAILURE
    assert merge_backups([BACKUP_A], ListingRead((), READ_FAILURE)).failure is None
    for listing in (
        merge_backups([BACKUP_A], ListingRead((), READ_FAILURE), [BACKUP_A]),
        merge_backups(ListingRead((), READ_FAILURE), [BACKUP_A]),
    ):
        assert (listing.failure, listing.confirmation_failure) == (None, None)


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
def test_a_later_read_shows_a_more_advanced_phase(first_status: str, second_status: str, status: str) -> None:
    """If a status is unknown, the later read decides."""
    listing = merge_backups([build_backup(status=first_status)], [build_backup(status=second_status)])
    assert [it.status for it in listing.rows] == [status]


def test_a_later_read_shows_a_schedule_as_it_is_now() -> None:
    """A setting that changes between two reads has the later value."""
    reads = [ListingRead((build_schedule(enabled=True),)), ListingRead((build_schedule(enabled=False),))]
    assert [it.enabled for it in merge_reads(reads).rows] == [False]


def test_repeated_rows_within_a_read_give_one_result_in_any_order() -> None:
    """An unknown status wins, then the more advanced phase."""
    rows = [
        build_backup(status="Ready"),
        build_backup(status="Initializing"),
        build_backup(status="Odd"),
        build_backup(HOUR, backup_id="x"),
    ]
    assert len({merge_backups(list(order)).rows for order in permutations(rows)}) == 1
    assert merge_backups(rows[:2]).rows[0].status == "Ready"
    assert merge_backups(rows[:3]).rows[0].status == "Odd"


def test_the_order_of_rows_with_one_id_does_not_matter() -> None:
    """Of two rows with one id and the same progress, the same one is chosen in any order."""
    rows = [build_backup(backup_id="a", record_count=it) for it in (1, 2)]
    assert map_rows_by_id(rows) == map_rows_by_id(rows[::-1])
    schedules = [build_schedule(name=it) for it in ("one", "two")]
    assert map_rows_by_id(schedules) == map_rows_by_id(schedules[::-1])
