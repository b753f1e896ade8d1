"""The project as controls see it, and the confirmation of absence by a second read."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from backup_auditor.domain.backup_status import by_name
from backup_auditor.domain.backup_support import BackupSupport, support_of
from backup_auditor.domain.control import Verdict
from backup_auditor.domain.evaluation.expiry import BackupExpiries
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.evaluation.live_index import LiveId, live_id
from backup_auditor.domain.evaluation.quota_usage import QuotaUsage
from backup_auditor.domain.finding import Compliance, Exemption, Resource, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Denial, DenialReason, ListingId, ListingKind, known_rows
from backup_auditor.domain.model import Backup
from backup_auditor.domain.policy import Policy, Requirements, Rule
from backup_auditor.domain.project_state import EMPTY_STATE, KnownBackup, ProjectState
from backup_auditor.domain.settings_history import SettingsHistory, observed, settings_at


class ProjectContext:
    """The project as a whole."""

    def __init__(self, inventory: Inventory, policy: Policy, memory: ProjectState = EMPTY_STATE) -> None:
        """Look at an inventory through a policy, with what is remembered of earlier audits."""
        # whatever order the indexes come in, the first of them that is named is the same one
        self.inventory = replace(inventory, indexes=tuple(sorted(inventory.indexes, key=lambda it: it.index.name)))
        self.policy = policy
        self.memory = memory
        self.observed_at = inventory.observed_at
        self.resource = Resource(ResourceType.PROJECT, inventory.project, inventory.project, inventory.project_id)
        self.listings = inventory.listings()

    @cached_property
    def backups_by_name(self) -> Mapping[str, list[Backup]]:
        """The rows of the project's backup listing, by the name of their index."""
        return by_name(self.inventory.backups.rows)

    @cached_property
    def live_ids(self) -> Mapping[str, LiveId]:
        """The id of each live index, by its name, as far as it is known."""
        named = self.backups_by_name
        return {it.index.name: live_id(it, named.get(it.index.name, [])) for it in self.inventory.indexes}

    @cached_property
    def expiries(self) -> BackupExpiries:
        """When the backups of the project expire."""
        return BackupExpiries(self.inventory, self.live_ids, self.plan_refusal, self.memory, self.settings)

    @cached_property
    def settings(self) -> Mapping[str, SettingsHistory]:
        """The settings of each known schedule up to this audit, by its id."""
        memory, at = self.memory, self.observed_at
        found: dict[str, SettingsHistory] = {}
        for facts in self.inventory.indexes:
            for schedule in known_rows(facts.schedules):
                known = memory.schedules.get(schedule.schedule_id)
                last = memory.seen_at(known)
                before = known and settings_at(known, at)  # of an older audit, what was known by then
                seen = observed(schedule, facts.index.name, before, last, at)
                found.setdefault(schedule.schedule_id, SettingsHistory(seen, at))
        return found

    @cached_property
    def quota(self) -> QuotaUsage:
        """What fills the project's quota of backups."""
        return QuotaUsage(self.inventory, self.expiries, self.plan_refusal, lambda it: self.required_of(it).runs.grace)

    @cached_property
    def remembered(self) -> Mapping[str, list[KnownBackup]]:
        """The backups that earlier audits remember and that are, or should be, listed, by the id of their index.

        It is the same when this very audit is delivered once more: what was recorded by it is not earlier, what was
        shortened or forgotten by it is so already.
        """
        found: dict[str, list[KnownBackup]] = {}
        listed = {it.backup_id for it in self.inventory.listed_backups()} if self.memory.backups else set[str]()
        for backup_id in sorted(self.memory.backups):
            backup = self.expiries.shortened(self.memory.backups[backup_id])
            if backup.known_since < self.observed_at and (backup_id in listed or not backup.is_over(self.observed_at)):
                found.setdefault(backup.index_id, []).append(backup)
        return found

    @cached_property
    def remembered_names(self) -> frozenset[str]:
        """The names of the indexes of which backups are remembered."""
        return frozenset(it.index_name for known in self.remembered.values() for it in known)

    @cached_property
    def rules(self) -> Mapping[str, Rule | None]:
        """The rule that applies to each live index, by its name; `None` where the defaults do."""
        return {it.index.name: self.policy.rule_for(it.index.name, it.index.tags) for it in self.inventory.indexes}

    def required_of(self, name: str) -> Requirements:
        """Return what is required of an index of that name: the defaults, where no rule speaks of a live one."""
        rule = self.rules.get(name)
        return rule.require if rule else self.policy.defaults

    def exemption_for(self, control: str, resource: Resource) -> Exemption | None:
        """Return what accepts a deviation from a control on a resource as a whole, if anything does."""
        if resource.type is ResourceType.PROJECT:
            return self.policy.project_exemption_for(control, self.observed_at)
        is_live = resource.type is ResourceType.INDEX
        tags = self.facts[resource.name].index.tags if is_live else None
        return self.policy.exemption_for(control, resource.name, tags, self.observed_at)

    @cached_property
    def facts(self) -> Mapping[str, IndexFacts]:
        """What was read about each live index, by its name."""
        return {it.index.name: it for it in self.inventory.indexes}

    def presumed_id(self, name: str) -> str | None:
        """Return the id that a live index had when it was last known, unless a listed backup shows it to be another's.

        It serves where nothing tells the id today: an index that lost its last backup is still that index.
        """
        known = self.memory.indexes.get(name)
        if known is None or any(it.index_id == known.index_id for it in self.backups_by_name.get(name, ())):
            return None
        return known.index_id

    @cached_property
    def plan_refusal(self) -> Denial | None:
        """The answer by which the service said that the plan has no schedules, if it did."""
        answers = (facts.schedules for facts in self.inventory.indexes)
        refusals = (it for it in answers if isinstance(it, Denial) and it.kind is DenialReason.PLAN)
        return next(refusals, None)

    @cached_property
    def supports(self) -> Mapping[str, BackupSupport]:
        """Whether the service can back each live index up, by its name."""
        return {name: self._support(facts) for name, facts in self.facts.items()}

    def _support(self, facts: IndexFacts) -> BackupSupport:
        name, live = facts.index.name, self.live_ids[facts.index.name]
        is_remembered = facts.index.cmek_id is not None and bool(self.remembered.get(self.presumed_id(name) or ""))
        schedules = IndexSchedules(facts, self.plan_refusal)
        return support_of(facts, schedules, live, self.inventory.backups.broken, is_remembered=is_remembered)

    @cached_property
    def disputed_names(self) -> frozenset[str]:
        """The index names under which rows shifted between the last two walks over the project's backups."""
        disputed = self.inventory.backups.disputed
        return frozenset(it.index_name for it in self.inventory.backups.rows if it.backup_id in disputed)


def require_confirmed_absence(
    verdict: Verdict, project: ProjectContext, index: str | None, doubts: set[ListingId]
) -> Verdict:
    """Return a verdict as it stands once absence is looked at twice, and note in `doubts` what a walk could settle."""
    reasons = [why for it in verdict.rests_on if (why := _why_unconfirmed(it, project, index, doubts))]
    if not reasons:
        return verdict
    reason = f"{verdict.reason.removesuffix('.')}, yet {reasons[0]}, so nothing can be called missing."
    return replace(verdict, compliance=Compliance.INSUFFICIENT_DATA, reason=reason, severity=None)


def _why_unconfirmed(
    listing_id: ListingId, project: ProjectContext, index: str | None, doubts: set[ListingId]
) -> str | None:
    """Return why what is absent from a listing cannot be called missing; `None` when two whole walks agree."""
    listing = project.listings.get(listing_id)
    if listing is None:
        return f"the listing of {_described(listing_id)} was not read"
    if listing.broken is not None:
        return f"{listing.broken.what} broke off ({listing.broken.error})"
    by_name = listing_id.kind is ListingKind.BACKUPS and index is not None
    is_disputed = index in project.disputed_names if by_name else bool(listing.disputed)
    if listing.walks > 1 and not is_disputed:
        return None
    doubts.add(listing_id)
    if listing.doubt is not None:
        return f"a second walk broke off: {listing.doubt.what} ({listing.doubt.error})"
    if is_disputed:
        return f"two walks over {_described(listing_id)} showed different rows"
    return f"no second walk over {_described(listing_id)} was made"


def _described(listing_id: ListingId) -> str:
    return {
        ListingKind.BACKUPS: "the project's backups",
        ListingKind.SCHEDULES: f"the schedules of {listing_id.key}",
        ListingKind.OWN_BACKUPS: f"the backups of {listing_id.key}",
        ListingKind.HISTORY: f"the history of schedule {listing_id.key}",
    }[listing_id.kind]
