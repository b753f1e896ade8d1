"""One live or deleted index as controls see it: facts, or `InsufficientDataError` where a fact is unknown."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.backup_status import BackupRecord, merge_backup_rows
from backup_auditor.domain.control import InsufficientDataError
from backup_auditor.domain.evaluation.backup_support import BackupSupport
from backup_auditor.domain.evaluation.index_backups import IndexBackups
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.evaluation.live_index import find_deleted_index_ids
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
        self.requirements: Requirements = project.policy.defaults
        self.resource = Resource(ResourceType.DELETED_INDEX, project.inventory.project, name, index_id)

    @cached_property
    def backups(self) -> list[BackupRecord]:
        """Its listed backups, in whatever state."""
        rows = [it for it in self.project.backups_by_name.get(self.name, ()) if it.index_id == self.id]
        return list(merge_backup_rows(rows, (), self.observed_at, self.requirements.runs.grace).values())

    @property
    def known_backups(self) -> list[KnownBackup]:
        """Its backups that are remembered."""
        return self.project.known_backups.get(self.id, [])

    @property
    def listed_backup_ids(self) -> frozenset[str]:
        """The ids of its backups that are listed."""
        return frozenset(it.backup.backup_id for it in self.backups)

    @cached_property
    def listings(self) -> tuple[ListingId, ...]:
        """The listings in which a further backup of it, or one that shows it to be live, could stand."""
        live_id = self.project.live_ids.get(self.name)
        is_marked_deleted = self.id in find_deleted_index_ids(it.backup for it in self.backups)
        if live_id is None or is_marked_deleted or not live_id.needs_index_listing:
            return (BACKUP_LISTING,)
        return (BACKUP_LISTING, ListingId(ListingKind.OWN_BACKUPS, self.name))


def find_deleted_indexes(project: ProjectContext) -> Iterator[DeletedIndexContext]:
    """Return the deleted indexes of which backups are listed, or remembered as not yet expired, by name and id.

    Under a live name whose own id is in doubt only a deletion mark tells them; where the live indexes are not known
    there is nothing to tell them by.
    """
    if project.inventory.indexes_failure is not None:
        return
    ids_by_name = {name: {it.index_id for it in rows} for name, rows in project.backups_by_name.items()}
    for index_id, known_backups in project.known_backups.items():
        if not all(it.is_no_longer_expected(project.observed_at) for it in known_backups):
            ids_by_name.setdefault(known_backups[0].index_name, set()).add(index_id)
    for name in sorted(ids_by_name):
        yield from (
            DeletedIndexContext(project, name, it) for it in sorted(_find_deleted_ids(project, name, ids_by_name[name]))
        )


def _find_deleted_ids(project: ProjectContext, name: str, ids: set[str]) -> set[str]:
    if name in project.inventory.terminating_names:  # its own backups are no deleted index's until it is gone
        known_index = project.state.indexes.get(name)
        return ids & find_deleted_index_ids(project.backups_by_name.get(name, ())) - {
            known_index.index_id if known_index else None
        }
    live_id = project.live_ids.get(name)
    if live_id is None or project.facts_by_name[name].index.deployment is Deployment.POD:
        return ids  # a pod has no backups: all of that name are another index's
    if live_id.unknown_reason is not None:
        return ids & find_deleted_index_ids(project.backups_by_name.get(name, ()))
    return ids - {live_id.id or project.find_presumed_id(name)}


class IndexContext:
    """One live index, under the requirements that apply to it."""

    def __init__(self, project: ProjectContext, facts: IndexFacts) -> None:
        """Look at one index's facts, within its project."""
        self.project = project
        self.facts = facts
        self.index: Index = facts.index
        self.name = facts.index.name
        self.observed_at: datetime = project.observed_at
        self.rule: Rule | None = project.rules_by_name[self.name]
        self.requirements: Requirements = project.find_requirements(self.name)
        self.grace: timedelta = self.requirements.runs.grace
        self.schedules = IndexSchedules(facts, project.plan_denial)
        rows_under_name = project.backups_by_name.get(self.name, [])
        self.backups = IndexBackups(facts, self.schedules, rows_under_name, project.expiries, self.grace)
        self.resource = Resource(ResourceType.INDEX, project.inventory.project, self.name, self.backups.live_id.id)

    @property
    def exclusion_reason(self) -> str | None:
        """Why the policy wants nothing judged of this index, if it does."""
        return explain_exclusion(self.index, self.project.policy)

    @property
    def support(self) -> BackupSupport:
        """Whether the service can back this index up."""
        return self.project.support_by_name[self.name]

    @property
    def unsupported_reason(self) -> str | None:
        """Why this index has no backups to judge, if it has none."""
        return self.exclusion_reason or self.support.reason

    @cached_property
    def known_backups(self) -> list[KnownBackup]:
        """Its backups that are remembered. Raises `InsufficientDataError` where it is not known which are its own."""
        live_id = self.backups.live_id
        if live_id.unknown_reason is not None and self.name in self.project.names_with_known_backups:
            raise InsufficientDataError(f"{live_id.unknown_reason}.")
        return self.project.known_backups.get(live_id.id or self.project.find_presumed_id(self.name) or "", [])

    @property
    def listed_backup_ids(self) -> frozenset[str]:
        """The ids of the backups under its name that are listed."""
        return frozenset(it.backup_id for it in self.backups.backups_under_name)

    @property
    def listings(self) -> tuple[ListingId, ...]:
        """The listings in which a further backup of it could stand."""
        return self.backups.listings

    @property
    def is_protected(self) -> bool:
        """Whether it is known to have an enabled schedule and a recovery point within its objective."""
        if not self.schedules.enabled_schedules or self.backups.live_id.unknown_reason is not None:
            return False
        newest_capture_time = next((it.captured_at for it in self.backups.recovery_points), None)
        return newest_capture_time is not None and self.observed_at - newest_capture_time <= self.requirements.max_age

    @property
    def known_recovery_point_count(self) -> int:
        """How many recovery points are known; 0 where it is not known which backups are the index's own."""
        return 0 if self.backups.live_id.unknown_reason is not None else len(self.backups.recovery_points)


def explain_exclusion(index: Index, policy: Policy) -> str | None:
    """Return why the policy wants nothing judged of an index, if it does."""
    if index.holds_documents and policy.project.document_indexes is DocumentIndexes.EXCLUDED:
        return "Its schema has document fields, and the policy excludes document indexes."
    return None
