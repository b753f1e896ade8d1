"""How walks over one listing are put together."""

from itertools import permutations

import pytest

from backup_auditor.domain.inventory import merge_reads
from backup_auditor.domain.listing import Listing, ListingRead
from backup_auditor.domain.model import Backup
from support.builders.facts import BROKEN, HOUR, backup, schedule

A, B, C = (backup(backup_id=name) for name in "abc")


def of(*walks: list[Backup] | ListingRead[Backup]) -> Listing[Backup]:
    """Put walks together; a list is a whole walk."""
    return merge_reads([walk if isinstance(walk, ListingRead) else ListingRead(tuple(walk)) for walk in walks])


def test_rows_add_up_sorted_and_once() -> None:
    """A row that any walk showed is there."""
    assert of([C, A, A], [B, C]).rows == (A, B, C)
    assert of([B], ListingRead((A,), BROKEN)).rows == (A, B)


def test_rows_that_one_of_the_last_two_whole_walks_showed_are_disputed() -> None:
    """Earlier walks, and broken ones, do not take part."""
    assert of([A], [A, B]).changed_ids == {"b"}
    assert of([C], [A], [A]).changed_ids == frozenset()
    assert of([A], [A, B], [A, B], [A]).changed_ids == {"b"}
    assert of([A], ListingRead((B,), BROKEN), [A]).changed_ids == frozenset()
    assert of([A]).changed_ids == frozenset()


def test_only_whole_walks_count() -> None:
    """Without any, the listing is broken; with one, a later one that broke off leaves a doubt."""
    assert (
        of([A], [A]).read_count,
        of([A], ListingRead((), BROKEN)).read_count,
        of(ListingRead((), BROKEN)).read_count,
    ) == (2, 1, 0)
    assert of(ListingRead((A,), BROKEN)).failures == (BROKEN,)
    assert of([A], ListingRead((), BROKEN)).confirmation_failure == BROKEN
    assert of([A], ListingRead((), BROKEN)).failure is None
    assert of([A], ListingRead((), BROKEN), [A]).failures == ()
    assert of(ListingRead((), BROKEN), [A]).failures == ()


@pytest.mark.parametrize(
    "first,second,status",
    [
        pytest.param("Initializing", "Ready", "Ready", id="came-further"),
        pytest.param("Ready", "Initializing", "Ready", id="does-not-go-back"),
        pytest.param("Ready", "Deleting", "Deleting", id="later-unknown"),
        pytest.param("Verifying", "Ready", "Ready", id="earlier-unknown"),
        pytest.param("Verifying", "Deleting", "Deleting", id="both-unknown"),
    ],
)
def test_a_later_walk_shows_how_far_a_backup_has_come(first: str, second: str, status: str) -> None:
    """Of a status that is not known, the later walk decides."""
    found = of([backup(status=first)], [backup(status=second)])
    assert [it.status for it in found.rows] == [status]


def test_a_later_walk_shows_a_schedule_as_it_is_now() -> None:
    """A setting may change between two walks."""
    walks = [ListingRead((schedule(enabled=True),)), ListingRead((schedule(enabled=False),))]
    assert [it.enabled for it in merge_reads(walks).rows] == [False]


def test_rows_repeated_within_a_walk_may_contradict_each_other_in_any_order() -> None:
    """The same one wins: an unknown status, then the one that has come further."""
    rows = [backup(status="Ready"), backup(status="Initializing"), backup(status="Odd"), backup(HOUR, backup_id="x")]
    assert len({of(list(order)).rows for order in permutations(rows)}) == 1
    assert of(rows[:2]).rows[0].status == "Ready"
    assert of(rows[:3]).rows[0].status == "Odd"
