"""One live or deleted index as controls see it: facts, or `InsufficientDataError` where a fact is unknown."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.backup_status import BackupRecord, merge_backup_rows
from backup_auditor.domain.backup_support import BackupSupport
from backup_auditor.domain.control import InsufficientDataError
from backup_auditor.domain.evaluation.index_backups import IndexBackups
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.evaluation.live_index import deleted_ids
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId, ListingKind
from backup_auditor.domain.model import Deployment, Index
from backup_auditor.domain.policy import DocumentIndexes, Policy, Requirements, Rule
from backup_auditor.domain.project_state import KnownBackup


class DeletedIndexContext:
    """One index id that is no longer live, under the defaults: rules speak of live indexes."""

    def __init__(self, project: ProjectContext, name: str, index_id: str) -> None:
        """Look at what is left of one index."""
        self.project = project
        self.name = name
        self.id = index_id
        self.observed_at = project.observed_at
        self.require: Requirements = project.policy.defaults
        self.resource = Resource(ResourceType.DELETED_INDEX, project.inventory.project, name, index_id)

    @cached_property
    def backups(self) -> list[BackupRecord]:
        """Its listed backups, in whatever state."""
        rows = [it for it in self.project.backups_by_name.get(self.name, ()) if it.index_id == self.id]
        return list(merge_backup_rows(rows, (), self.observed_at, self.require.runs.grace).values())

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
            return (BACKUP_LISTING,)
        return (BACKUP_LISTING, ListingId(ListingKind.OWN_BACKUPS, self.name))


def deleted_indexes(project: ProjectContext) -> Iterator[DeletedIndexContext]:
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
        yield from (DeletedIndexContext(project, name, it) for it in sorted(_not_live(project, name, ids[name])))


def _not_live(project: ProjectContext, name: str, ids: set[str]) -> set[str]:
    if name in project.inventory.terminating_names:  # its own backups are no deleted index's until it is gone
        known = project.memory.indexes.get(name)
        return ids & deleted_ids(project.backups_by_name.get(name, ())) - {known.index_id if known else None}
    live = project.live_ids.get(name)
    if live is None or project.facts[name].index.deployment is Deployment.POD:
        return ids  # a pod has no backups: all of that name are another index's
    if live.doubt is not None:
        return ids & deleted_ids(project.backups_by_name.get(name, ()))
    return ids - {live.id or project.presumed_id(name)}


class IndexContext:
    """One live index, under the requirements that apply to it."""

    def __init__(self, project: ProjectContext, facts: IndexFacts) -> None:
        """Look at one index's facts, within its project."""
        self.project = project
        self.facts = facts
        self.index: Index = facts.index
        self.name = facts.index.name
        self.observed_at: datetime = project.observed_at
        self.rule: Rule | None = project.rules[self.name]
        self.require: Requirements = project.required_of(self.name)
        self.grace: timedelta = self.require.runs.grace
        self.schedules = IndexSchedules(facts, project.plan_refusal)
        self.backups = IndexBackups(project, facts, self.schedules, self.grace)
        self.resource = Resource(ResourceType.INDEX, project.inventory.project, self.name, self.backups.identity.id)

    @property
    def excluded(self) -> str | None:
        """Why the policy wants nothing judged of this index, if it does."""
        return why_excluded(self.index, self.project.policy)

    @property
    def support(self) -> BackupSupport:
        """Whether the service can back this index up."""
        return self.project.supports[self.name]

    @property
    def unsupported(self) -> str | None:
        """Why this index has no backups to judge, if it has none."""
        return self.excluded or self.support.reason

    @cached_property
    def remembered(self) -> list[KnownBackup]:
        """Its backups that are remembered. Raises `InsufficientDataError` where it is not known which are its own."""
        live = self.backups.identity
        if live.doubt is not None and self.name in self.project.remembered_names:
            raise InsufficientDataError(f"{live.doubt}.")
        return self.project.remembered.get(live.id or self.project.presumed_id(self.name) or "", [])

    @property
    def listed_ids(self) -> frozenset[str]:
        """The ids of the backups under its name that are listed."""
        return frozenset(it.backup_id for it in self.backups.named)

    @property
    def listings(self) -> tuple[ListingId, ...]:
        """The listings in which a further backup of it could stand."""
        return self.backups.listings

    @property
    def is_protected(self) -> bool:
        """Whether it is known to have an enabled schedule and a recovery point within its objective."""
        if not self.schedules.enabled or self.backups.identity.doubt is not None:
            return False
        newest = next((it.captured_at for it in self.backups.recovery_points), None)
        return newest is not None and self.observed_at - newest <= self.require.max_age

    @property
    def known_recovery_points(self) -> int:
        """How many recovery points are known; 0 where it is not known which backups are the index's own."""
        return 0 if self.backups.identity.doubt is not None else len(self.backups.recovery_points)


def why_excluded(index: Index, policy: Policy) -> str | None:
    """Return why the policy wants nothing judged of an index, if it does."""
    if index.holds_documents and policy.project.document_indexes is DocumentIndexes.EXCLUDED:
        return "Its schema has document fields, and the policy excludes document indexes."
    return None
