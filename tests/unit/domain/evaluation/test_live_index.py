"""Which index id is the live one of a name."""

import pytest

from backup_auditor.domain.evaluation.live_index import LiveId, find_live_id
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import BACKUP_LISTING, Listing, ListingId, ListingKind
from backup_auditor.domain.model import Backup
from backup_auditor.domain.policy import Policy
from support.builders.facts import (
    DAY,
    HOUR,
    ago,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_policy,
    build_schedule,
    evaluate_facts,
    evaluate_verdicts,
)

OWN_BACKUP = build_backup(backup_id="mine", index_id="id-mine")
EARLIER_BACKUP = build_backup(backup_id="earlier", index_id="id-earlier")
MARKED_BACKUP = build_backup(backup_id="marked", index_id="id-earlier", index_deleted_at=ago(HOUR))
INDEX_WITHOUT_SCHEDULES = build_index(schedules=()).facts


def test_a_schedule_tells_it() -> None:
    """Paused or not, whatever the backups say."""
    facts = build_index(schedules=[build_schedule(index_id="id-mine", enabled=False)]).facts
    assert find_live_id(facts, [EARLIER_BACKUP]) == LiveId("id-mine")


def test_schedules_that_disagree_leave_it_in_doubt() -> None:
    """The index's own listing settles that."""
    schedules = [build_schedule(index_id="id-mine"), build_schedule("schedule-2", index_id="id-earlier")]
    identity = find_live_id(build_index(schedules=schedules).facts, [OWN_BACKUP])
    assert (identity.id, identity.needs_index_listing) == (None, True)
    assert identity.unknown_reason is not None
    assert (
        find_live_id(
            build_index(schedules=schedules, own_backups=build_complete_listing([OWN_BACKUP])).facts, [OWN_BACKUP]
        ).id
        == "id-mine"
    )


def test_a_schedule_that_tells_no_id_tells_nothing() -> None:
    """A null field is no answer."""
    assert (
        find_live_id(build_index(schedules=[build_schedule(index_id=None)]).facts, [OWN_BACKUP]).unknown_reason
        is not None
    )


def test_without_backups_under_the_name_there_is_nothing_to_tell() -> None:
    """No call is spent on it."""
    assert find_live_id(INDEX_WITHOUT_SCHEDULES, []) == LiveId(None)


def test_deletion_marks_speak_for_every_backup_of_their_index() -> None:
    """If all backups belong to deleted indexes, none belongs to the live one, and no call is made."""
    assert find_live_id(INDEX_WITHOUT_SCHEDULES, [MARKED_BACKUP]) == LiveId(None)
    assert find_live_id(INDEX_WITHOUT_SCHEDULES, [MARKED_BACKUP, EARLIER_BACKUP]) == LiveId(None)
    assert find_live_id(INDEX_WITHOUT_SCHEDULES, [MARKED_BACKUP, OWN_BACKUP]).needs_index_listing


def test_the_absence_of_a_mark_proves_nothing() -> None:
    """A single id without a mark may still be that of an earlier index."""
    assert find_live_id(INDEX_WITHOUT_SCHEDULES, [OWN_BACKUP]).needs_index_listing
    assert find_live_id(INDEX_WITHOUT_SCHEDULES, [OWN_BACKUP]).id is None


def test_the_own_listing_tells_it() -> None:
    """Ids that are marked as deleted anywhere do not count."""
    assert (
        find_live_id(
            build_index(schedules=(), own_backups=build_complete_listing([OWN_BACKUP])).facts,
            [OWN_BACKUP, EARLIER_BACKUP],
        ).id
        == "id-mine"
    )
    assert (
        find_live_id(
            build_index(schedules=(), own_backups=build_complete_listing([OWN_BACKUP, MARKED_BACKUP])).facts,
            [OWN_BACKUP],
        ).id
        == "id-mine"
    )
    assert (
        find_live_id(
            build_index(schedules=(), own_backups=build_complete_listing([OWN_BACKUP, EARLIER_BACKUP])).facts,
            [MARKED_BACKUP],
        ).id
        == "id-mine"
    )


def test_an_own_listing_that_told_the_id_is_not_read_again() -> None:
    """A further backup of the live index can only be in the project's listing."""
    own_listing = build_complete_listing([build_backup(9 * DAY)], reads=1)
    case = build_index(schedules=(), backups=[build_backup(9 * DAY)], own_backups=own_listing, reads=1)
    assert evaluate_facts(build_inventory(case, reads=1)).unconfirmed_listings == {
        BACKUP_LISTING,
        ListingId(ListingKind.SCHEDULES, "main"),
    }


def test_an_own_listing_without_rows_says_that_none_is_its_own() -> None:
    """An incomplete listing proves the rows that it has; without them the id is unknown."""
    assert (
        find_live_id(
            build_index(schedules=(), own_backups=build_complete_listing([])).facts, [EARLIER_BACKUP]
        ).unknown_reason
        is None
    )
    assert (
        find_live_id(
            build_index(schedules=(), own_backups=build_failed_listing()).facts, [EARLIER_BACKUP]
        ).unknown_reason
        is not None
    )
    assert (
        find_live_id(
            build_index(schedules=(), own_backups=build_failed_listing([OWN_BACKUP])).facts, [EARLIER_BACKUP]
        ).id
        == "id-mine"
    )


@pytest.mark.parametrize(
    "listed_id",
    [
        pytest.param([], id="without-a-backup"),
        pytest.param([MARKED_BACKUP], id="all-of-a-deleted-index"),
        pytest.param([MARKED_BACKUP, EARLIER_BACKUP], id="marked-in-one-row-of-several"),
    ],
)
@pytest.mark.parametrize(
    "required_listings", [build_policy(), build_policy(locations=("aws/us-east-1",), min_copies=1)]
)
def test_an_own_listing_that_was_asked_for_and_not_read_leaves_open_what_it_could_tell(
    listed_id: list[Backup], required_listings: Policy
) -> None:
    """A read of the own listing never changes a verdict that was given without it."""

    def evaluate_own_listing(own_listing: Listing[Backup]) -> dict[tuple[str, str], Compliance]:
        return evaluate_verdicts(
            build_inventory(build_index(schedules=(), listed_backups=listed_id, own_backups=own_listing)),
            required_listings,
        )

    unread_id = evaluate_own_listing(build_failed_listing())
    for rows in (
        [],
        [OWN_BACKUP],
        [build_backup(None, index_id="id-mine")],
        [build_backup(status="Failed", index_id="id-mine")],
    ):
        known_id = evaluate_own_listing(build_complete_listing(rows))
        evaluations = {
            key: (it, known_id[key])
            for key, it in unread_id.items()
            if it not in {Compliance.INSUFFICIENT_DATA, known_id[key]}
        }
        assert evaluations.keys() <= {("inventory-is-complete", "default")}


@pytest.mark.parametrize(
    "own_listing,is_decisive",
    [
        pytest.param(build_complete_listing([OWN_BACKUP]), False, id="one-id"),
        pytest.param(build_complete_listing([]), True, id="it-has-none"),
        pytest.param(build_complete_listing([OWN_BACKUP, EARLIER_BACKUP]), True, id="two-ids"),
        pytest.param(build_failed_listing(), True, id="it-broke-off"),
        pytest.param(build_failed_listing([OWN_BACKUP]), False, id="one-id-before-failure"),
    ],
)
def test_what_the_own_listing_left_open_hangs_on_it(own_listing: Listing[Backup], is_decisive: bool) -> None:
    """A further backup may be in the own listing if it left the id open."""
    assert (
        find_live_id(build_index(schedules=(), own_backups=own_listing).facts, [EARLIER_BACKUP]).needs_index_listing
        is is_decisive
    )


def test_an_own_listing_of_several_ids_settles_nothing() -> None:
    """It is unknown which of them is live."""
    assert (
        find_live_id(
            build_index(schedules=(), own_backups=build_complete_listing([OWN_BACKUP, EARLIER_BACKUP])).facts, []
        ).unknown_reason
        is not None
    )
