"""Which indexes are deleted, as far as that can be told."""

import pytest

from backup_auditor.domain.evaluation.index import find_deleted_indexes
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.model import Deployment, Index
from backup_auditor.domain.project_state import EMPTY_STATE, KnownIndex, ProjectState
from support.builders.facts import DAY, NOW, ago, backup, index, inventory, known, policy, remembering, whole

OWN, EARLIER = backup(DAY), backup(DAY, backup_id="earlier", index_id="id-earlier")
MARKED = backup(DAY, backup_id="marked", index_id="id-marked", index_deleted_at=NOW)
GONE = backup(DAY, backup_id="gone", index_id="id-gone", index_name="gone")


def ids(told: Inventory, memory: ProjectState = EMPTY_STATE) -> list[str]:
    """Return the ids of the deleted indexes."""
    return [it.id for it in find_deleted_indexes(ProjectContext(told, policy(), memory))]


@pytest.mark.parametrize(
    "told,expected",
    [
        pytest.param(inventory(index()), [], id="none"),
        pytest.param(
            inventory(index(), more=[EARLIER, GONE]), ["id-gone", "id-earlier"], id="name-not-live-and-earlier"
        ),
        pytest.param(inventory(index(schedules=[], listed=[OWN, EARLIER, MARKED])), ["id-marked"], id="in-doubt"),
        pytest.param(
            inventory(index(schedules=[], listed=[OWN, EARLIER], own=whole([OWN]))), ["id-earlier"], id="own-listing"
        ),
        pytest.param(
            inventory(index(schedules=[], listed=[EARLIER], own=whole([]))), ["id-earlier"], id="no-own-backup"
        ),
        pytest.param(
            inventory(index(schedules=None, deployment=Deployment.POD, listed=[EARLIER])), ["id-earlier"], id="pod"
        ),
        pytest.param(
            inventory(index(), more=[GONE], indexes_failure=ReadFailure("GET /indexes", "503")), [], id="indexes-unread"
        ),
    ],
)
def test_an_id_that_is_not_the_live_one_of_its_name_is_deleted(told: Inventory, expected: list[str]) -> None:
    """Where the live one is in doubt only a deletion mark tells; sorted by name and id."""
    assert ids(told) == expected


@pytest.mark.parametrize(
    "memory,expected",
    [
        pytest.param(remembering(known(GONE)), ["id-gone"], id="manual"),
        pytest.param(remembering(known(GONE, NOW + DAY)), ["id-gone"], id="not-yet-expired"),
        pytest.param(remembering(known(GONE, NOW)), [], id="expired"),
        pytest.param(remembering(known(GONE, ago(DAY))), [], id="long-expired"),
        pytest.param(remembering(known(GONE, expires=None)), [], id="unknown"),
        pytest.param(remembering(known(OWN)), [], id="the-live-index"),
        pytest.param(remembering(known(EARLIER)), ["id-earlier"], id="earlier"),
    ],
)
def test_one_of_which_all_backups_are_gone_is_remembered_while_they_should_exist(
    memory: ProjectState, expected: list[str]
) -> None:
    """So that it can be said that they vanished."""
    assert ids(inventory(index()), memory) == expected


def test_backups_of_an_index_that_is_being_deleted_are_no_deleted_index_yet() -> None:
    """While the name is being deleted, only the ids of earlier indexes that a mark shows are deleted indexes."""
    leaving = inventory(terminating=(Index("main", state="Terminating"),), more=[OWN, EARLIER, MARKED, GONE])
    assert ids(leaving) == ["id-gone", "id-marked"]
    known_ids = {"main": KnownIndex("main", "id-marked", ago(DAY), None)}
    assert ids(leaving, remembering(indexes=known_ids)) == ["id-gone"]
    assert ids(inventory(more=[OWN, EARLIER, MARKED, GONE])) == ["id-gone", "id-earlier", "id-main", "id-marked"]


def test_a_remembered_backup_of_an_index_that_is_being_deleted_is_not_judged() -> None:
    """The remembered backups make a deleted index once the index is gone."""
    leaving = inventory(terminating=(Index("main", state="Terminating"),))
    assert ids(leaving, remembering(known(OWN))) == []
    assert ids(inventory(), remembering(known(OWN))) == ["id-main"]
