"""What a control that judges the project as a whole is shown of it."""

from collections.abc import Mapping
from functools import cached_property

from backup_auditor.domain.facts import Backup
from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Refusal, RefusalKind
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.standing import by_name


class ProjectSubject:
    """The project as a whole."""

    def __init__(self, inventory: Inventory, policy: Policy) -> None:
        """Look at an inventory through a policy."""
        self.inventory = inventory
        self.policy = policy
        self.observed_at = inventory.observed_at
        self.resource = Resource(ResourceType.PROJECT, inventory.project, inventory.project, inventory.project_id)
        self.listings = inventory.listings()

    @cached_property
    def backups_by_name(self) -> Mapping[str, list[Backup]]:
        """The rows of the project's backup listing, by the name of their index."""
        return by_name(self.inventory.backups.rows)

    @cached_property
    def plan_refusal(self) -> Refusal | None:
        """The answer by which the service said that the plan has no schedules, if it did."""
        answers = (facts.schedules for facts in self.inventory.indexes)
        refusals = (it for it in answers if isinstance(it, Refusal) and it.kind is RefusalKind.PLAN)
        return next(refusals, None)

    @cached_property
    def disputed_names(self) -> frozenset[str]:
        """The index names under which rows shifted between the last two walks over the project's backups."""
        disputed = self.inventory.backups.disputed
        return frozenset(it.index_name for it in self.inventory.backups.rows if it.backup_id in disputed)
