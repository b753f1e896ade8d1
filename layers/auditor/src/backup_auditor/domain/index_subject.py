"""What a control is shown of one live index: facts at hand, or `InsufficientError` where one is not known."""

from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.backup_support import BackupSupport
from backup_auditor.domain.control import InsufficientError
from backup_auditor.domain.facts import Index
from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.index_backups import IndexBackups
from backup_auditor.domain.index_schedules import IndexSchedules
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import ListingId
from backup_auditor.domain.memory import KnownBackup
from backup_auditor.domain.policy import DocumentIndexes, Policy, Rule
from backup_auditor.domain.project_subject import ProjectSubject
from backup_auditor.domain.requirements import Requirements


class IndexSubject:
    """One live index, under the requirements that apply to it."""

    def __init__(self, project: ProjectSubject, facts: IndexFacts) -> None:
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
        """Its backups that are remembered. Raises `InsufficientError` where it is not known which are its own."""
        live = self.backups.identity
        if live.doubt is not None and self.name in self.project.remembered_names:
            raise InsufficientError(f"{live.doubt}.")
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
