"""The temporary indexes of restore drills: their tags, how an audit recognises them, and those left behind."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from operator import attrgetter

from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.model import Index
from backup_auditor.domain.project_state import KnownDrill, ProjectState
from backup_auditor.domain.text import quote_text
from backup_auditor.domain.timefmt import format_minute

DRILL_TAG = "drill"
"""The tag that has the id of the drill."""
_MANAGER_TAG, _MANAGER = "managed-by", "backup-auditor"


def build_drill_tags(drill_id: str) -> dict[str, str]:
    """Return the tags of a temporary index. Without tags of its own, it would have those of the backup."""
    return {_MANAGER_TAG: _MANAGER, DRILL_TAG: drill_id}


def group_by_target(drills: Mapping[str, KnownDrill]) -> Mapping[str, list[KnownDrill]]:
    """Return recorded drills by the name of their temporary index."""
    drills_by_target: dict[str, list[KnownDrill]] = {}
    for drill in drills.values():
        drills_by_target.setdefault(drill.target_name, []).append(drill)
    return drills_by_target


def find_drill(index: Index, drills_by_target: Mapping[str, list[KnownDrill]]) -> KnownDrill | None:
    """Return the recorded drill to which a temporary index belongs; `None` for any other index.

    The name must be the recorded one, the backup or the tag must confirm it, and neither may contradict it.
    """
    for drill in drills_by_target.get(index.name, ()):
        backup_id, tag = index.source_backup_id, index.tags.get(DRILL_TAG)
        is_confirmed = backup_id == drill.backup_id or tag == drill.drill_id
        is_contradicted = backup_id not in (None, drill.backup_id) or tag not in (None, drill.drill_id)
        if is_confirmed and not is_contradicted:
            return drill
    return None


def exclude_running_drills(inventory: Inventory, state: ProjectState) -> Inventory:
    """Return an inventory whose `indexes` are those to audit: without the temporary indexes of running drills."""
    drill_indexes: list[IndexFacts] = []
    indexes: list[IndexFacts] = []
    drills_by_target = group_by_target(state.drills)
    for facts in (*inventory.indexes, *inventory.drill_indexes):
        drill = find_drill(facts.index, drills_by_target)
        is_running = drill is not None and drill.is_running(inventory.observed_at)
        (drill_indexes if is_running else indexes).append(facts)
    by_name = attrgetter("index.name")
    return replace(
        inventory,
        indexes=tuple(sorted(indexes, key=by_name)),
        drill_indexes=tuple(sorted(drill_indexes, key=by_name)),
    )


def find_drill_warnings(state: ProjectState, inventory: Inventory) -> tuple[str, ...]:
    """Return a warning for each audited index that a restore drill left behind, by name."""
    return tuple(_describe_leftovers(state, inventory))


def _describe_leftovers(state: ProjectState, inventory: Inventory) -> Iterator[str]:
    drills_by_target = group_by_target(state.drills)
    for facts in inventory.indexes:
        index = facts.index
        drill = find_drill(index, drills_by_target)
        if drill is not None:
            yield (
                f"Restore drill {drill.drill_id} of {drill.index_name} left the index {index.name} behind"
                f" ({_describe_end(drill)}); the next `backup-auditor drill --apply` deletes it,"
                " or delete it yourself."
            )
        elif build_drill_tags(index.tags.get(DRILL_TAG, "")).items() <= index.tags.items():
            yield (
                f"The index {index.name} has the tags of restore drill {quote_text(index.tags[DRILL_TAG])}, which this"
                " state does not have; delete the index if no drill runs elsewhere."
            )


def _describe_end(drill: KnownDrill) -> str:
    if drill.is_target_deleted:
        return "its deletion was confirmed, but it exists"
    if drill.is_deletion_failed:
        return "it could not be deleted"
    return f"it was due to be deleted by {format_minute(drill.ends_by)}"
