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
    backup,
    broken,
    index,
    inventory,
    judged,
    policy,
    schedule,
    verdicts,
    whole,
)

MINE = backup(backup_id="mine", index_id="id-mine")
EARLIER = backup(backup_id="earlier", index_id="id-earlier")
MARKED = backup(backup_id="marked", index_id="id-earlier", index_deleted_at=ago(HOUR))
NONE = index(schedules=()).facts


def test_a_schedule_tells_it() -> None:
    """Paused or not, whatever the backups say."""
    facts = index(schedules=[schedule(index_id="id-mine", enabled=False)]).facts
    assert find_live_id(facts, [EARLIER]) == LiveId("id-mine")


def test_schedules_that_disagree_leave_it_in_doubt() -> None:
    """The index's own listing settles that."""
    schedules = [schedule(index_id="id-mine"), schedule("schedule-2", index_id="id-earlier")]
    found = find_live_id(index(schedules=schedules).facts, [MINE])
    assert (found.id, found.needs_index_listing) == (None, True)
    assert found.unknown_reason is not None
    assert find_live_id(index(schedules=schedules, own=whole([MINE])).facts, [MINE]).id == "id-mine"


def test_a_schedule_that_tells_no_id_tells_nothing() -> None:
    """A null field is no answer."""
    assert find_live_id(index(schedules=[schedule(index_id=None)]).facts, [MINE]).unknown_reason is not None


def test_without_backups_under_the_name_there_is_nothing_to_tell() -> None:
    """No call is spent on it."""
    assert find_live_id(NONE, []) == LiveId(None)


def test_deletion_marks_speak_for_every_backup_of_their_index() -> None:
    """Where all are of deleted indexes, none is the live one's, and no call is spent."""
    assert find_live_id(NONE, [MARKED]) == LiveId(None)
    assert find_live_id(NONE, [MARKED, EARLIER]) == LiveId(None)
    assert find_live_id(NONE, [MARKED, MINE]).needs_index_listing


def test_the_absence_of_a_mark_proves_nothing() -> None:
    """A single id without a mark may still be that of an earlier index."""
    assert find_live_id(NONE, [MINE]).needs_index_listing
    assert find_live_id(NONE, [MINE]).id is None


def test_the_own_listing_tells_it() -> None:
    """Ids that are marked as deleted anywhere do not count."""
    assert find_live_id(index(schedules=(), own=whole([MINE])).facts, [MINE, EARLIER]).id == "id-mine"
    assert find_live_id(index(schedules=(), own=whole([MINE, MARKED])).facts, [MINE]).id == "id-mine"
    assert find_live_id(index(schedules=(), own=whole([MINE, EARLIER])).facts, [MARKED]).id == "id-mine"


def test_an_own_listing_that_told_the_id_is_not_walked_again() -> None:
    """What is missing of the live index can stand in the project's listing alone."""
    own = whole([backup(9 * DAY)], walks=1)
    case = index(schedules=(), backups=[backup(9 * DAY)], own=own, walks=1)
    assert judged(inventory(case, walks=1)).unconfirmed_listings == {
        BACKUP_LISTING,
        ListingId(ListingKind.SCHEDULES, "main"),
    }


def test_an_own_listing_without_rows_says_that_none_is_its_own() -> None:
    """Unless it broke off: then what was seen counts, and what was not leaves it in doubt."""
    assert find_live_id(index(schedules=(), own=whole([])).facts, [EARLIER]).unknown_reason is None
    assert find_live_id(index(schedules=(), own=broken()).facts, [EARLIER]).unknown_reason is not None
    assert find_live_id(index(schedules=(), own=broken([MINE])).facts, [EARLIER]).id == "id-mine"


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param([], id="without-a-backup"),
        pytest.param([MARKED], id="all-of-a-deleted-index"),
        pytest.param([MARKED, EARLIER], id="marked-in-one-row-of-several"),
    ],
)
@pytest.mark.parametrize("required", [policy(), policy(locations=("aws/us-east-1",), min_copies=1)])
def test_an_own_listing_that_was_asked_for_and_not_read_leaves_open_what_it_could_tell(
    listed: list[Backup], required: Policy
) -> None:
    """Whatever it may show, nothing is said without it that would not be said with it."""

    def told(own: Listing[Backup]) -> dict[tuple[str, str], Compliance]:
        return verdicts(inventory(index(schedules=(), listed=listed, own=own)), required)

    unread = told(broken())
    for rows in ([], [MINE], [backup(None, index_id="id-mine")], [backup(status="Failed", index_id="id-mine")]):
        known = told(whole(rows))
        said = {
            key: (it, known[key]) for key, it in unread.items() if it not in {Compliance.INSUFFICIENT_DATA, known[key]}
        }
        assert said.keys() <= {("inventory-is-complete", "default")}


@pytest.mark.parametrize(
    "own,decides",
    [
        pytest.param(whole([MINE]), False, id="it-told"),
        pytest.param(whole([]), True, id="it-has-none"),
        pytest.param(whole([MINE, EARLIER]), True, id="it-told-two"),
        pytest.param(broken(), True, id="it-broke-off"),
        pytest.param(broken([MINE]), False, id="it-told-before-it-broke-off"),
    ],
)
def test_what_the_own_listing_left_open_hangs_on_it(own: Listing[Backup], decides: bool) -> None:
    """Whatever is missing of the index may stand there too."""
    assert find_live_id(index(schedules=(), own=own).facts, [EARLIER]).needs_index_listing is decides


def test_an_own_listing_of_several_ids_settles_nothing() -> None:
    """Which of them lives is not known."""
    assert find_live_id(index(schedules=(), own=whole([MINE, EARLIER])).facts, []).unknown_reason is not None
