"""What has been read so far, and what it makes of an inventory."""

import pytest

from backup_auditor.collection.collector import MAX_READS, DraftInventory
from backup_auditor.domain.listing import BACKUP_LISTING, Denial, DenialReason, ListingId, ListingKind, ListingRead
from backup_auditor.domain.model import Backup, Deployment, Index
from support.builders.facts import BROKEN, NOW, backup, schedule

SCHEDULES = ListingId(ListingKind.SCHEDULES, "main")
OWN = ListingId(ListingKind.OWN_BACKUPS, "main")
HISTORY = ListingId(ListingKind.HISTORY, "schedule-1")


def gathered(**index: object) -> DraftInventory:
    """Build what is known of one index without schedules, in a project without backups."""
    found = DraftInventory({"main": Index("main", **index)})  # type: ignore[arg-type]  # each test has its own
    found.add_read(BACKUP_LISTING, ListingRead(()))
    found.add_read(SCHEDULES, ListingRead(()))
    return found


def test_walks_over_one_listing_become_one_listing() -> None:
    """What either walk showed is there, and what was read before is not left standing."""
    found = gathered()
    found.build_inventory("test", NOW, 1)
    found.add_read(BACKUP_LISTING, ListingRead((backup(backup_id="a"),)))
    backups = found.build_inventory("test", NOW, 1).backups
    assert ([it.backup_id for it in backups.rows], backups.read_count, backups.changed_ids) == (
        ["a"],
        2,
        frozenset({"a"}),
    )


@pytest.mark.parametrize(
    "walks, may_be",
    [
        pytest.param([], False, id="never-walked"),
        pytest.param([ListingRead(())], True, id="once"),
        pytest.param([ListingRead(())] * (MAX_READS - 1), True, id="one-before-limit"),
        pytest.param([ListingRead(())] * MAX_READS, False, id="at-limit"),
        pytest.param([ListingRead(()), ListingRead((), BROKEN)], False, id="broken-off"),
    ],
)
def test_a_further_walk_is_worth_while_up_to_a_point(walks: list[ListingRead[object]], may_be: bool) -> None:
    """Not for ever, and not after one that broke off."""
    found = DraftInventory()
    for walk in walks:
        found.add_read(OWN, walk)  # type: ignore[arg-type]  # empty walks are walks over anything
    assert found.may_be_read_again(OWN) is may_be


@pytest.mark.parametrize(
    "index, schedules, backups, is_in_doubt",
    [
        pytest.param({}, [], [], False, id="nothing-to-tell-apart"),
        pytest.param({}, [], [backup()], True, id="backups-alone"),
        pytest.param({}, [schedule()], [backup()], False, id="schedule-tells"),
        pytest.param({}, [schedule(index_id=None)], [backup()], True, id="schedule-does-not-tell"),
        pytest.param({}, [schedule("a"), schedule("b", index_id="x")], [], True, id="schedules-disagree"),
        pytest.param({}, [], [backup(index_deleted_at=NOW)], False, id="marked-as-deleted"),
        pytest.param({"deployment": Deployment.POD}, [], [backup()], False, id="pod"),
    ],
)
def test_an_index_is_asked_itself_only_where_its_id_is_in_doubt(
    index: dict[str, object], schedules: list[object], backups: list[object], is_in_doubt: bool
) -> None:
    """Schedules and deletion marks settle it without a call."""
    found = gathered(**index)
    found.add_read(SCHEDULES, ListingRead(tuple(schedules)))  # type: ignore[arg-type]  # rows as built
    found.add_read(BACKUP_LISTING, ListingRead(tuple(backups)))  # type: ignore[arg-type]  # rows as built
    assert list(found.find_indexes_with_unknown_id()) == (["main"] if is_in_doubt else [])


@pytest.mark.parametrize(
    "backups, is_in_doubt",
    [
        pytest.param([], False, id="none-listed"),
        pytest.param([backup(index_deleted_at=NOW)], False, id="all-of-deleted-indexes"),
        pytest.param([backup()], True, id="one-that-may-be-its-own"),
    ],
)
def test_an_index_that_cannot_be_backed_up_is_asked_for_the_backups_it_seems_to_have(
    backups: list[Backup], is_in_doubt: bool
) -> None:
    """Where there seem to be none, the service is believed at once."""
    found = gathered()
    found.add_denial(SCHEDULES, Denial(DenialReason.UNSUPPORTED, "400"))
    found.add_read(BACKUP_LISTING, ListingRead(tuple(backups)))
    assert list(found.find_indexes_with_unknown_id()) == (["main"] if is_in_doubt else [])


@pytest.mark.parametrize(
    "own, unread",
    [
        pytest.param(ListingRead((backup(),)), ["GET /indexes/main/backup-schedules"], id="it-has-backups"),
        pytest.param(
            ListingRead((), BROKEN), [BROKEN.call, "GET /indexes/main/backup-schedules"], id="its-backups-are-not-known"
        ),
        pytest.param(ListingRead(()), [], id="it-has-none"),
        pytest.param(Denial(DenialReason.UNSUPPORTED, "400"), [], id="refused-likewise"),
    ],
)
def test_that_an_index_cannot_be_backed_up_is_not_believed_against_its_backups(
    own: ListingRead[Backup] | Denial, unread: list[str]
) -> None:
    """An answer about the request itself must not make an index pass for one without backups."""
    found = gathered()
    found.drop_reads(SCHEDULES)
    found.add_denial(SCHEDULES, Denial(DenialReason.UNSUPPORTED, "400"))
    if isinstance(own, ListingRead):
        found.add_read(OWN, own)
    else:
        found.add_denial(OWN, own)
    found.recheck_denials()
    assert [it.call for it in found.build_inventory("test", NOW, 1).read_failures] == sorted(unread)


def test_without_the_plan_the_index_is_asked_itself() -> None:
    """No schedule can tell which backups are its own."""
    found = gathered()
    found.add_denial(SCHEDULES, Denial(DenialReason.PLAN, "403"))
    found.add_read(BACKUP_LISTING, ListingRead((backup(),)))
    assert list(found.find_indexes_with_unknown_id()) == ["main"]
    found.add_read(OWN, ListingRead((backup(),)))
    assert list(found.find_indexes_with_unknown_id()) == []


def test_histories_of_schedules_that_are_not_listed_are_left_out() -> None:
    """A schedule that is gone takes its history with it."""
    found = gathered()
    found.add_read(HISTORY, ListingRead((), BROKEN))
    inventory = found.build_inventory("test", NOW, 1)
    assert inventory.histories == {}
    assert inventory.read_failures == ()


def test_an_index_that_is_gone_takes_its_listings_with_it() -> None:
    """Nothing of it is unread."""
    found = gathered()
    found.add_read(SCHEDULES, ListingRead((schedule(),), BROKEN))
    found.add_read(HISTORY, ListingRead((), BROKEN))
    found.drop_index("main")
    inventory = found.build_inventory("test", NOW, 1)
    assert (inventory.indexes, dict(inventory.histories), inventory.read_failures) == ((), {}, ())


def test_the_index_of_a_schedule_is_known() -> None:
    """By the listing that showed it."""
    found = gathered()
    found.add_read(SCHEDULES, ListingRead((schedule(),)))
    assert found.find_index_of_schedule("schedule-1") == "main"
    assert found.find_index_of_schedule("schedule-2") is None
