"""What was read so far, and the inventory that follows from it."""

import pytest

from backup_auditor.collection.collector import MAX_READS, DraftInventory
from backup_auditor.domain.listing import BACKUP_LISTING, Denial, DenialReason, ListingId, ListingKind, ListingRead
from backup_auditor.domain.model import Backup, Deployment, Index
from support.builders.facts import NOW, READ_FAILURE, build_backup, build_schedule

SCHEDULES_ID = ListingId(ListingKind.SCHEDULES, "main")
OWN_BACKUPS_ID = ListingId(ListingKind.OWN_BACKUPS, "main")
HISTORY_ID = ListingId(ListingKind.HISTORY, "schedule-1")


def build_draft(**facts: object) -> DraftInventory:
    """Build the draft of one index without schedules in a project without backups."""
    draft = DraftInventory({"main": Index("main", **facts)})  # type: ignore[arg-type]  # each test has its own
    draft.add_read(BACKUP_LISTING, ListingRead(()))
    draft.add_read(SCHEDULES_ID, ListingRead(()))
    return draft


def test_reads_of_one_listing_become_one_listing() -> None:
    """A row of either read is part of the listing, and an earlier result is not reused."""
    draft = build_draft()
    draft.build_inventory("test", NOW, 1)
    draft.add_read(BACKUP_LISTING, ListingRead((build_backup(backup_id="a"),)))
    backups = draft.build_inventory("test", NOW, 1).backups
    assert ([it.backup_id for it in backups.rows], backups.read_count, backups.changed_ids) == (
        ["a"],
        2,
        frozenset({"a"}),
    )


@pytest.mark.parametrize(
    "reads, may_be_read_again",
    [
        pytest.param([], False, id="never-read"),
        pytest.param([ListingRead(())], True, id="once"),
        pytest.param([ListingRead(())] * (MAX_READS - 1), True, id="one-before-limit"),
        pytest.param([ListingRead(())] * MAX_READS, False, id="at-limit"),
        pytest.param([ListingRead(()), ListingRead((), READ_FAILURE)], False, id="incomplete"),
    ],
)
def test_a_listing_is_read_again_up_to_a_limit(reads: list[ListingRead[object]], may_be_read_again: bool) -> None:
    """An incomplete listing is not read again."""
    draft = DraftInventory()
    for read in reads:
        draft.add_read(OWN_BACKUPS_ID, read)  # type: ignore[arg-type]  # an empty read fits every listing
    assert draft.may_be_read_again(OWN_BACKUPS_ID) is may_be_read_again


@pytest.mark.parametrize(
    "index, schedules, backups, is_in_doubt",
    [
        pytest.param({}, [], [], False, id="no-backups"),
        pytest.param({}, [], [build_backup()], True, id="only-backups"),
        pytest.param({}, [build_schedule()], [build_backup()], False, id="schedule-has-id"),
        pytest.param({}, [build_schedule(index_id=None)], [build_backup()], True, id="schedule-without-id"),
        pytest.param({}, [build_schedule("a"), build_schedule("b", index_id="x")], [], True, id="schedules-disagree"),
        pytest.param({}, [], [build_backup(index_deleted_at=NOW)], False, id="marked-as-deleted"),
        pytest.param({"deployment": Deployment.POD}, [], [build_backup()], False, id="pod"),
    ],
)
def test_own_backups_are_read_only_if_the_live_id_is_unknown(
    index: dict[str, object], schedules: list[object], backups: list[object], is_in_doubt: bool
) -> None:
    """Schedules and deletion marks show the id without another call."""
    draft = build_draft(**index)
    draft.add_read(SCHEDULES_ID, ListingRead(tuple(schedules)))  # type: ignore[arg-type]  # rows as built
    draft.add_read(BACKUP_LISTING, ListingRead(tuple(backups)))  # type: ignore[arg-type]  # rows as built
    assert list(draft.find_indexes_with_unknown_id()) == (["main"] if is_in_doubt else [])


@pytest.mark.parametrize(
    "backups, is_in_doubt",
    [
        pytest.param([], False, id="none-listed"),
        pytest.param([build_backup(index_deleted_at=NOW)], False, id="all-of-deleted-indexes"),
        pytest.param([build_backup()], True, id="one-that-may-be-its-own"),
    ],
)
def test_own_backups_of_an_unsupported_index_are_read_if_backups_have_its_name(
    backups: list[Backup], is_in_doubt: bool
) -> None:
    """If no backup has its name, the refusal is accepted at once."""
    draft = build_draft()
    draft.denials[SCHEDULES_ID] = Denial(DenialReason.UNSUPPORTED, "400")
    draft.add_read(BACKUP_LISTING, ListingRead(tuple(backups)))
    assert list(draft.find_indexes_with_unknown_id()) == (["main"] if is_in_doubt else [])


@pytest.mark.parametrize(
    "own_answer, failure_ids",
    [
        pytest.param(ListingRead((build_backup(),)), ["GET /indexes/main/backup-schedules"], id="it-has-backups"),
        pytest.param(
            ListingRead((), READ_FAILURE),
            [READ_FAILURE.call, "GET /indexes/main/backup-schedules"],
            id="its-backups-are-unknown",
        ),
        pytest.param(ListingRead(()), [], id="it-has-none"),
        pytest.param(Denial(DenialReason.UNSUPPORTED, "400"), [], id="also-refused"),
    ],
)
def test_the_refusal_of_an_index_with_backups_is_a_read_failure(
    own_answer: ListingRead[Backup] | Denial, failure_ids: list[str]
) -> None:
    """A response about the request must not hide an index that has backups."""
    draft = build_draft()
    draft.drop_reads(SCHEDULES_ID)
    draft.denials[SCHEDULES_ID] = Denial(DenialReason.UNSUPPORTED, "400")
    if isinstance(own_answer, ListingRead):
        draft.add_read(OWN_BACKUPS_ID, own_answer)
    else:
        draft.denials[OWN_BACKUPS_ID] = own_answer
    draft.recheck_denials()
    assert [it.call for it in draft.build_inventory("test", NOW, 1).read_failures] == sorted(failure_ids)


def test_own_backups_are_read_if_the_plan_has_no_schedules() -> None:
    """No schedule can show which backups are those of the live index."""
    draft = build_draft()
    draft.denials[SCHEDULES_ID] = Denial(DenialReason.PLAN, "403")
    draft.add_read(BACKUP_LISTING, ListingRead((build_backup(),)))
    assert list(draft.find_indexes_with_unknown_id()) == ["main"]
    draft.add_read(OWN_BACKUPS_ID, ListingRead((build_backup(),)))
    assert list(draft.find_indexes_with_unknown_id()) == []


def test_histories_of_unlisted_schedules_are_left_out() -> None:
    """A deleted schedule has no history in the inventory."""
    draft = build_draft()
    draft.add_read(HISTORY_ID, ListingRead((), READ_FAILURE))
    inventory = draft.build_inventory("test", NOW, 1)
    assert inventory.histories == {}
    assert inventory.read_failures == ()


def test_a_deleted_index_has_no_read_failures() -> None:
    """Its listings are not part of the inventory."""
    draft = build_draft()
    draft.add_read(SCHEDULES_ID, ListingRead((build_schedule(),), READ_FAILURE))
    draft.add_read(HISTORY_ID, ListingRead((), READ_FAILURE))
    del draft.indexes["main"]
    inventory = draft.build_inventory("test", NOW, 1)
    assert (inventory.indexes, dict(inventory.histories), inventory.read_failures) == ((), {}, ())
