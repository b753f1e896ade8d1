"""Which indexes are deleted, as far as that is known."""

import pytest

from backup_auditor.domain.evaluation.index import find_deleted_indexes
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.model import Deployment, Index
from backup_auditor.domain.project_state import EMPTY_STATE, KnownIndex, ProjectState
from support.builders.facts import (
    DAY,
    NOW,
    ago,
    build_backup,
    build_complete_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_policy,
    build_state,
)

OWN_BACKUP, EARLIER_BACKUP = build_backup(DAY), build_backup(DAY, backup_id="earlier", index_id="id-earlier")
MARKED_BACKUP = build_backup(DAY, backup_id="marked", index_id="id-marked", index_deleted_at=NOW)
ORPHANED_BACKUP = build_backup(DAY, backup_id="gone", index_id="id-gone", index_name="gone")


def list_deleted_ids(inventory: Inventory, state: ProjectState = EMPTY_STATE) -> list[str]:
    """Return the ids of the deleted indexes."""
    return [it.id for it in find_deleted_indexes(ProjectContext(inventory, build_policy(), state))]


@pytest.mark.parametrize(
    "inventory,expected",
    [
        pytest.param(build_inventory(build_index()), [], id="none"),
        pytest.param(
            build_inventory(build_index(), extra_backups=[EARLIER_BACKUP, ORPHANED_BACKUP]),
            ["id-gone", "id-earlier"],
            id="name-not-live-and-earlier",
        ),
        pytest.param(
            build_inventory(build_index(schedules=[], listed_backups=[OWN_BACKUP, EARLIER_BACKUP, MARKED_BACKUP])),
            ["id-marked"],
            id="id-unknown",
        ),
        pytest.param(
            build_inventory(
                build_index(
                    schedules=[],
                    listed_backups=[OWN_BACKUP, EARLIER_BACKUP],
                    own_backups=build_complete_listing([OWN_BACKUP]),
                )
            ),
            ["id-earlier"],
            id="own-listing",
        ),
        pytest.param(
            build_inventory(
                build_index(schedules=[], listed_backups=[EARLIER_BACKUP], own_backups=build_complete_listing([]))
            ),
            ["id-earlier"],
            id="no-own-backup",
        ),
        pytest.param(
            build_inventory(build_index(schedules=None, deployment=Deployment.POD, listed_backups=[EARLIER_BACKUP])),
            ["id-earlier"],
            id="pod",
        ),
        pytest.param(
            build_inventory(
                build_index(), extra_backups=[ORPHANED_BACKUP], indexes_failure=ReadFailure("GET /indexes", "503")
            ),
            [],
            id="indexes-unread",
        ),
    ],
)
def test_an_id_that_is_not_the_live_one_of_its_name_is_deleted(inventory: Inventory, expected: list[str]) -> None:
    """If the live id is unknown, only a deletion mark shows deleted indexes; they are sorted by name and id."""
    assert list_deleted_ids(inventory) == expected


@pytest.mark.parametrize(
    "state,expected",
    [
        pytest.param(build_state(build_known_backup(ORPHANED_BACKUP)), ["id-gone"], id="manual"),
        pytest.param(build_state(build_known_backup(ORPHANED_BACKUP, NOW + DAY)), ["id-gone"], id="not-yet-expired"),
        pytest.param(build_state(build_known_backup(ORPHANED_BACKUP, NOW)), [], id="expired"),
        pytest.param(build_state(build_known_backup(ORPHANED_BACKUP, ago(DAY))), [], id="long-expired"),
        pytest.param(build_state(build_known_backup(ORPHANED_BACKUP, expires=None)), [], id="unknown"),
        pytest.param(build_state(build_known_backup(OWN_BACKUP)), [], id="the-live-index"),
        pytest.param(build_state(build_known_backup(EARLIER_BACKUP)), ["id-earlier"], id="earlier"),
    ],
)
def test_one_of_which_all_backups_are_gone_is_recorded_while_they_should_exist(
    state: ProjectState, expected: list[str]
) -> None:
    """A deleted index without listed backups is evaluated while recorded ones should exist."""
    assert list_deleted_ids(build_inventory(build_index()), state) == expected


def test_backups_of_an_index_that_is_being_deleted_are_no_deleted_index_yet() -> None:
    """While the name is being deleted, only the ids of earlier indexes that a mark shows are deleted indexes."""
    terminating_inventory = build_inventory(
        terminating=(Index("main", state="Terminating"),),
        extra_backups=[OWN_BACKUP, EARLIER_BACKUP, MARKED_BACKUP, ORPHANED_BACKUP],
    )
    assert list_deleted_ids(terminating_inventory) == ["id-gone", "id-marked"]
    known_indexes = {"main": KnownIndex("main", "id-marked", ago(DAY), None)}
    assert list_deleted_ids(terminating_inventory, build_state(indexes=known_indexes)) == ["id-gone"]
    assert list_deleted_ids(
        build_inventory(extra_backups=[OWN_BACKUP, EARLIER_BACKUP, MARKED_BACKUP, ORPHANED_BACKUP])
    ) == ["id-gone", "id-earlier", "id-main", "id-marked"]


def test_backups_of_the_index_of_a_drill_are_no_deleted_index() -> None:
    """The temporary index of a running drill exists, although it is not audited."""
    inventory = build_inventory(drill_indexes=(build_index("main").facts,), extra_backups=[OWN_BACKUP])
    assert list_deleted_ids(inventory) == []


def test_a_recorded_backup_of_an_index_that_is_being_deleted_is_not_evaluated() -> None:
    """Recorded backups make a deleted index once the index is deleted."""
    terminating_inventory = build_inventory(terminating=(Index("main", state="Terminating"),))
    assert list_deleted_ids(terminating_inventory, build_state(build_known_backup(OWN_BACKUP))) == []
    assert list_deleted_ids(build_inventory(), build_state(build_known_backup(OWN_BACKUP))) == ["id-main"]


def test_a_deleted_index_has_the_backups_that_audits_recorded() -> None:
    """A deleted index without recorded backups has none, and its listed ones are named by their ids."""
    inventory = build_inventory(build_index(), extra_backups=[ORPHANED_BACKUP])
    (deleted_index,) = find_deleted_indexes(ProjectContext(inventory, build_policy()))
    assert deleted_index.require_known_backups() == []
    assert deleted_index.listed_backup_ids == {"gone"}
    known_backup = build_known_backup(ORPHANED_BACKUP)
    (deleted_index,) = find_deleted_indexes(ProjectContext(inventory, build_policy(), build_state(known_backup)))
    assert deleted_index.require_known_backups() == [known_backup]
