"""What has been read so far, and what it makes of an inventory."""

import pytest

from backup_auditor.collection.collector import MAX_READS, DraftInventory
from backup_auditor.domain.listing import BACKUP_LISTING, Denial, DenialReason, ListingId, ListingKind, ListingRead
from backup_auditor.domain.model import Backup, Deployment, Index
from support.builders.facts import NOW, READ_FAILURE, build_backup, build_schedule

SCHEDULES_ID = ListingId(ListingKind.SCHEDULES, "main")
OWN_BACKUPS_ID = ListingId(ListingKind.OWN_BACKUPS, "main")
HISTORY_ID = ListingId(ListingKind.HISTORY, "schedule-1")


def build_draft(**facts: object) -> DraftInventory:
    """Build what is known of one index without schedules, in a project without backups."""
    draft = DraftInventory({"main": Index("main", **facts)})  # type: ignore[arg-type]  # each test has its own
    draft.add_read(BACKUP_LISTING, ListingRead(()))
    draft.add_read(SCHEDULES_ID, ListingRead(()))
    return draft


def test_reads_of_one_listing_become_one_listing() -> None:
    """What either walk showed is there, and what was read before is not left standing."""
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
        pytest.param([], False, id="never-walked"),
        pytest.param([ListingRead(())], True, id="once"),
        pytest.param([ListingRead(())] * (MAX_READS - 1), True, id="one-before-limit"),
        pytest.param([ListingRead(())] * MAX_READS, False, id="at-limit"),
        pytest.param([ListingRead(()), ListingRead((), READ_FAILURE)], False, id="broken-off"),
    ],
)
def test_a_further_read_is_worth_while_up_to_a_point(reads: list[ListingRead[object]], may_be_read_again: bool) -> None:
    """Not for ever, and not after one that broke off."""
    draft = DraftInventory()
    for read in reads:
        draft.add_read(OWN_BACKUPS_ID, read)  # type: ignore[arg-type]  # empty walks are walks over anything
    assert draft.may_be_read_again(OWN_BACKUPS_ID) is may_be_read_again


@pytest.mark.parametrize(
    "index, schedules, backups, is_in_doubt",
    [
        pytest.param({}, [], [], False, id="nothing-to-tell-apart"),
        pytest.param({}, [], [build_backup()], True, id="backups-alone"),
        pytest.param({}, [build_schedule()], [build_backup()], False, id="schedule-tells"),
        pytest.param({}, [build_schedule(index_id=None)], [build_backup()], True, id="schedule-does-not-tell"),
        pytest.param({}, [build_schedule("a"), build_schedule("b", index_id="x")], [], True, id="schedules-disagree"),
        pytest.param({}, [], [build_backup(index_deleted_at=NOW)], False, id="marked-as-deleted"),
        pytest.param({"deployment": Deployment.POD}, [], [build_backup()], False, id="pod"),
    ],
)
def test_an_index_is_asked_itself_only_where_its_id_is_in_doubt(
    index: dict[str, object], schedules: list[object], backups: list[object], is_in_doubt: bool
) -> None:
    """Schedules and deletion marks settle it without a call."""
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
def test_an_index_that_cannot_be_backed_up_is_asked_for_the_backups_it_seems_to_have(
    backups: list[Backup], is_in_doubt: bool
) -> None:
    """Where there seem to be none, the service is believed at once."""
    draft = build_draft()
    draft.add_denial(SCHEDULES_ID, Denial(DenialReason.UNSUPPORTED, "400"))
    draft.add_read(BACKUP_LISTING, ListingRead(tuple(backups)))
    assert list(draft.find_indexes_with_unknown_id()) == (["main"] if is_in_doubt else [])


@pytest.mark.parametrize(
    "own_answer, failure_ids",
    [
        pytest.param(ListingRead((build_backup(),)), ["GET /indexes/main/backup-schedules"], id="it-has-backups"),
        pytest.param(
            ListingRead((), READ_FAILURE),
            [READ_FAILURE.call, "GET /indexes/main/backup-schedules"],
            id="its-backups-are-not-known",
        ),
        pytest.param(ListingRead(()), [], id="it-has-none"),
        pytest.param(Denial(DenialReason.UNSUPPORTED, "400"), [], id="refused-likewise"),
    ],
)
def test_that_an_index_cannot_be_backed_up_is_not_believed_against_its_backups(
    own_answer: ListingRead[Backup] | Denial, failure_ids: list[str]
) -> None:
    """An answer about the request itself must not make an index pass for one without backups."""
    draft = build_draft()
    draft.drop_reads(SCHEDULES_ID)
    draft.add_denial(SCHEDULES_ID, Denial(DenialReason.UNSUPPORTED, "400"))
    if isinstance(own_answer, ListingRead):
        draft.add_read(OWN_BACKUPS_ID, own_answer)
    else:
        draft.add_denial(OWN_BACKUPS_ID, own_answer)
    draft.recheck_denials()
    assert [it.call for it in draft.build_inventory("test", NOW, 1).read_failures] == sorted(failure_ids)


def test_without_the_plan_the_index_is_asked_itself() -> None:
    """No schedule can tell which backups are its own."""
    draft = build_draft()
    draft.add_denial(SCHEDULES_ID, Denial(DenialReason.PLAN, "403"))
    draft.add_read(BACKUP_LISTING, ListingRead((build_backup(),)))
    assert list(draft.find_indexes_with_unknown_id()) == ["main"]
    draft.add_read(OWN_BACKUPS_ID, ListingRead((build_backup(),)))
    assert list(draft.find_indexes_with_unknown_id()) == []


def test_histories_of_schedules_that_are_not_listed_are_left_out() -> None:
    """A schedule that is gone takes its history with it."""
    draft = build_draft()
    draft.add_read(HISTORY_ID, ListingRead((), READ_FAILURE))
    inventory = draft.build_inventory("test", NOW, 1)
    assert inventory.histories == {}
    assert inventory.read_failures == ()


def test_an_index_that_is_gone_takes_its_listings_with_it() -> None:
    """Nothing of it is unread."""
    draft = build_draft()
    draft.add_read(SCHEDULES_ID, ListingRead((build_schedule(),), READ_FAILURE))
    draft.add_read(HISTORY_ID, ListingRead((), READ_FAILURE))
    draft.drop_index("main")
    inventory = draft.build_inventory("test", NOW, 1)
    assert (inventory.indexes, dict(inventory.histories), inventory.read_failures) == ((), {}, ())


def test_the_index_of_a_schedule_is_known() -> None:
    """By the listing that showed it."""
    draft = build_draft()
    draft.add_read(SCHEDULES_ID, ListingRead((build_schedule(),)))
    assert draft.find_index_of_schedule("schedule-1") == "main"
    assert draft.find_index_of_schedule("schedule-2") is None
