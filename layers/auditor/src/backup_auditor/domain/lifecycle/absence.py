"""Why a finding that was known is not among those of an audit: its resource is gone, or nothing can be said of it."""

from functools import cached_property

from backup_auditor.domain.finding import Finding, Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import known_rows


class Absence:
    """Tells what a complete inventory shows to be gone. One that is not complete shows nothing of the kind."""

    def __init__(self, inventory: Inventory, findings: tuple[Finding, ...]) -> None:
        """Look at what was read and at what was judged."""
        self._inventory = inventory
        self._findings = findings
        self._is_complete = not inventory.unread

    def because(self, resource: Resource) -> str | None:
        """Return why a resource that was not judged by a control is gone; `None` where it is not, or may not be."""
        if not self._is_complete:
            return None
        if resource.type is ResourceType.INDEX and resource.name not in self._live_names:
            return "the index is gone"
        if resource.type is ResourceType.DELETED_INDEX and resource.id not in self._judged_ids:
            return self._because_deleted(resource)
        return None  # it is there: a control that did not judge it, whatever the reason, says nothing of it

    def _because_deleted(self, resource: Resource) -> str | None:
        if resource.id in self._live_ids:
            return "it is the live index"
        backups = self._inventory.backups
        if resource.id in self._listed_ids or backups.walks < 2 or resource.name in self._disputed_names:  # noqa: PLR2004  absence takes two
            return None
        return "the deleted index is gone: no backup of it is left"

    @cached_property
    def _live_names(self) -> frozenset[str]:
        return frozenset(it.index.name for it in self._inventory.indexes) | self._inventory.terminating_names

    @cached_property
    def _live_ids(self) -> frozenset[str | None]:
        live = {it.resource.id for it in self._findings if it.resource.type is ResourceType.INDEX}
        return frozenset(live - {None})

    @cached_property
    def _judged_ids(self) -> frozenset[str | None]:
        return frozenset(it.resource.id for it in self._findings if it.resource.type is ResourceType.DELETED_INDEX)

    @cached_property
    def _listed_ids(self) -> frozenset[str]:
        return listed_ids(self._inventory)

    @cached_property
    def _disputed_names(self) -> frozenset[str]:
        backups = self._inventory.backups
        return frozenset(it.index_name for it in backups.rows if it.backup_id in backups.disputed)


def listed_ids(inventory: Inventory) -> frozenset[str]:
    """Return the ids of all indexes, live or deleted, of which any backup is listed."""
    own = (row.index_id for facts in inventory.indexes for row in known_rows(facts.own_backups))
    return frozenset(row.index_id for row in inventory.backups.rows).union(own)
