"""What in a state deserves a look but is no finding: it may belong to another Pinecone project than was read."""

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.project_state import ProjectState
from backup_auditor.domain.text import pluralize


def find_state_warnings(state: ProjectState, inventory: Inventory) -> tuple[str, ...]:
    """Return a sentence where neither an id nor a known backup shows that a state belongs to the project that was read.

    Only schedules name their Pinecone project, so two projects cannot be told apart by id where one has no schedule.
    The verdicts stay: somebody may have deleted every schedule and every backup of the right project.
    """
    if (state.pinecone_project_id is not None and inventory.project_ids) or inventory.read_failures:
        return ()
    observed_at = inventory.observed_at
    known_backups = [
        it
        for it in state.backups.values()
        if it.known_since < observed_at and not it.is_no_longer_expected(observed_at)
    ]
    listed_backups = list(inventory.iter_listed_backups())
    known_ids = {it.backup_id for it in known_backups} | {it.index_id for it in known_backups}
    if not known_backups or any(it.backup_id in known_ids or it.index_id in known_ids for it in listed_backups):
        return ()
    project_id = state.pinecone_project_id
    owner = f"Pinecone project {project_id}" if project_id is not None else "the project of this state"
    sentence = (
        "The state may belong to another Pinecone project: it knows"
        f" {pluralize(len(known_backups), 'backup')}, none of which"
        f" is listed, and no schedule confirms the project's id; check that the key opens {owner}."
    )
    return (sentence,)
