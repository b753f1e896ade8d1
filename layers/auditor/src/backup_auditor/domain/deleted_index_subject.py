"""What a control is shown of one deleted index: the backups that outlived it, and those that are remembered."""

from collections.abc import Iterator
from functools import cached_property

from backup_auditor.domain.facts import Deployment
from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.identity import deleted_ids
from backup_auditor.domain.listing import BACKUPS, ListingId, ListingKind
from backup_auditor.domain.memory import KnownBackup
from backup_auditor.domain.project_subject import ProjectSubject
from backup_auditor.domain.requirements import Requirements
from backup_auditor.domain.standing import Standing, standings


class DeletedIndexSubject:
    """One index id that is no longer live, under the defaults: rules speak of live indexes."""

    def __init__(self, project: ProjectSubject, name: str, index_id: str) -> None:
        """Look at what is left of one index."""
        self.project = project
        self.name = name
        self.id = index_id
        self.observed_at = project.observed_at
        self.require: Requirements = project.policy.defaults
        self.resource = Resource(ResourceType.DELETED_INDEX, project.inventory.project, name, index_id)

    @cached_property
    def backups(self) -> list[Standing]:
        """Its listed backups, in whatever state."""
        rows = [it for it in self.project.backups_by_name.get(self.name, ()) if it.index_id == self.id]
        return list(standings(rows, (), self.observed_at, self.require.runs.grace).values())

    @property
    def remembered(self) -> list[KnownBackup]:
        """Its backups that are remembered."""
        return self.project.remembered.get(self.id, [])

    @property
    def listed_ids(self) -> frozenset[str]:
        """The ids of its backups that are listed."""
        return frozenset(it.backup.backup_id for it in self.backups)

    @cached_property
    def listings(self) -> tuple[ListingId, ...]:
        """The listings in which a further backup of it, or one that shows it to be live, could stand."""
        live = self.project.live_ids.get(self.name)
        is_marked = self.id in deleted_ids(it.backup for it in self.backups)
        if live is None or is_marked or not live.own_listing_decides:
            return (BACKUPS,)
        return (BACKUPS, ListingId(ListingKind.OWN_BACKUPS, self.name))


def deleted_indexes(project: ProjectSubject) -> Iterator[DeletedIndexSubject]:
    """Return the deleted indexes of which backups are listed, or remembered as not yet expired, by name and id.

    Under a live name whose own id is in doubt only a deletion mark tells them; where the live indexes are not known
    there is nothing to tell them by.
    """
    if project.inventory.indexes_unread is not None:
        return
    ids = {name: {it.index_id for it in rows} for name, rows in project.backups_by_name.items()}
    for index_id, known in project.remembered.items():
        if not all(it.is_over(project.observed_at) for it in known):
            ids.setdefault(known[0].index_name, set()).add(index_id)
    for name in sorted(ids):
        yield from (DeletedIndexSubject(project, name, it) for it in sorted(_not_live(project, name, ids[name])))


def _not_live(project: ProjectSubject, name: str, ids: set[str]) -> set[str]:
    if name in project.inventory.terminating_names:  # its own backups are no deleted index's until it is gone
        known = project.memory.indexes.get(name)
        return ids & deleted_ids(project.backups_by_name.get(name, ())) - {known.index_id if known else None}
    live = project.live_ids.get(name)
    if live is None or project.facts[name].index.deployment is Deployment.POD:
        return ids  # a pod has no backups: all of that name are another index's
    if live.doubt is not None:
        return ids & deleted_ids(project.backups_by_name.get(name, ()))
    return ids - {live.id or project.presumed_id(name)}
