"""Test how an audit recognises the temporary indexes of restore drills."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.drill_indexes import (
    build_drill_tags,
    exclude_running_drills,
    find_drill,
    find_drill_warnings,
    group_by_target,
)
from backup_auditor.domain.inventory import Inventory, hash_inventory
from backup_auditor.domain.model import Index
from backup_auditor.domain.project_state import EMPTY_STATE
from support.builders.facts import (
    HOUR,
    NOW,
    SECOND,
    build_drill_state,
    build_index,
    build_inventory,
    build_known_drill,
    build_running_drill,
)

DRILL = build_running_drill()
STATE = build_drill_state(DRILL)
OWN_TAGS = build_drill_tags(DRILL.drill_id)
LEFTOVER_WARNING = (
    "Restore drill running-drill of main left the index drill-main-1a2b3c4d behind (it was due to be deleted by"
    " 2026-11-22 11:59 UTC); the next `backup-auditor drill --apply` deletes it, or delete it yourself."
)


def build_target(**facts: Any) -> Inventory:
    """Build a project with an index and the temporary index of the drill."""
    target = build_index(DRILL.target_name, schedules=(), **{"source_backup_id": "run-1", "tags": OWN_TAGS} | facts)
    return build_inventory(build_index(), target)


@pytest.mark.parametrize(
    "source_backup_id,tags,is_own",
    [
        pytest.param("run-1", OWN_TAGS, True, id="backup-and-tag"),
        pytest.param("run-1", {}, True, id="backup"),
        pytest.param(None, OWN_TAGS, True, id="tag"),
        pytest.param(None, {}, False, id="name-alone"),
        pytest.param("run-2", OWN_TAGS, False, id="another-backup"),
        pytest.param("run-1", {"drill": "other-drill"}, False, id="another-drill"),
    ],
)
def test_the_name_and_the_backup_or_the_tag_show_the_drill(
    source_backup_id: str | None, tags: Mapping[str, str], is_own: bool
) -> None:
    """The name alone proves nothing, and no fact may contradict the record."""
    index = Index(DRILL.target_name, source_backup_id=source_backup_id, tags=tags)
    assert (find_drill(index, group_by_target(STATE.drills)) == DRILL) is is_own
    other_index = Index("main", source_backup_id=source_backup_id, tags=tags)
    assert find_drill(other_index, group_by_target(STATE.drills)) is None


@pytest.mark.parametrize(
    "lead_time,is_excluded",
    [
        pytest.param(SECOND, True, id="one-second-before"),
        pytest.param(timedelta(), True, id="at-limit"),
        pytest.param(-SECOND, False, id="one-second-past"),
    ],
)
def test_the_index_of_a_drill_is_not_audited_while_the_drill_runs(lead_time: timedelta, is_excluded: bool) -> None:
    """After the time in which a drill must end, its index is audited, and warned of."""
    state = build_drill_state(build_running_drill(ends_by=NOW + lead_time))
    inventory = exclude_running_drills(build_target(), state)
    assert [it.index.name for it in inventory.drill_indexes] == [DRILL.target_name] * is_excluded
    assert [it.index.name for it in inventory.indexes] == [DRILL.target_name] * (not is_excluded) + ["main"]
    assert find_drill_warnings(state, inventory) == (LEFTOVER_WARNING,) * (not is_excluded)


def test_an_index_that_a_later_state_does_not_know_is_audited_again() -> None:
    """A saved inventory is divided by the state that it is evaluated with, and its hash does not depend on it."""
    inventory = build_target()
    divided_inventory = exclude_running_drills(inventory, STATE)
    assert exclude_running_drills(divided_inventory, EMPTY_STATE) == inventory
    assert hash_inventory(divided_inventory) == hash_inventory(inventory)


def test_an_index_whose_deletion_was_confirmed_is_a_leftover() -> None:
    """A restore that took effect after its drill ended is not forgotten."""
    state = build_drill_state(build_known_drill(drill_id=DRILL.drill_id, ended_at=NOW - HOUR))
    (warning,) = find_drill_warnings(state, exclude_running_drills(build_target(), state))
    assert "(its deletion was confirmed, but it exists)" in warning


def test_an_index_that_could_not_be_deleted_is_a_leftover_at_once() -> None:
    """Its drill has stopped, although the time for the deletion is not over."""
    state = build_drill_state(build_running_drill(is_deletion_failed=True))
    inventory = exclude_running_drills(build_target(), state)
    assert inventory.drill_indexes == ()
    (warning,) = find_drill_warnings(state, inventory)
    assert "(it could not be deleted)" in warning


def test_the_index_of_an_unknown_drill_is_warned_of() -> None:
    """The tags show what it is, although the state of its drill is somewhere else or lost."""
    (warning,) = find_drill_warnings(EMPTY_STATE, build_target())
    assert warning == (
        "The index drill-main-1a2b3c4d has the tags of restore drill 'running-drill', which this state does not have;"
        " delete the index if no drill runs elsewhere."
    )
    assert find_drill_warnings(EMPTY_STATE, build_target(tags={"drill": "weekly"})) == ()


def test_an_index_that_is_not_audited_is_not_a_leftover() -> None:
    """An index that is being deleted is neither audited nor warned of."""
    state = build_drill_state(build_running_drill(ends_by=NOW - HOUR))
    terminating_index = Index(DRILL.target_name, state="Terminating", tags=OWN_TAGS)
    assert find_drill_warnings(state, build_inventory(terminating=(terminating_index,))) == ()
