"""The project as controls see it, and the confirmation of absence by a second read."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from backup_auditor.domain.backup_status import group_by_index_name
from backup_auditor.domain.backup_support import BackupSupport, find_backup_support
from backup_auditor.domain.control import Verdict
from backup_auditor.domain.evaluation.expiry import BackupExpiries
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.evaluation.live_index import LiveId, find_live_id
from backup_auditor.domain.evaluation.quota_usage import QuotaUsage
from backup_auditor.domain.finding import Compliance, Exemption, Resource, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Denial, DenialReason, ListingId, ListingKind, list_rows
from backup_auditor.domain.model import Backup
from backup_auditor.domain.policy import Policy, Requirements, Rule
from backup_auditor.domain.project_state import EMPTY_STATE, KnownBackup, ProjectState
from backup_auditor.domain.settings_history import SettingsHistory, find_settings_at, observe_schedule


class ProjectContext:
    """The project as a whole."""

    def __init__(self, inventory: Inventory, policy: Policy, state: ProjectState = EMPTY_STATE) -> None:
        """Look at an inventory through a policy, with what is remembered of earlier audits."""
        # whatever order the indexes come in, the first of them that is named is the same one
        self.inventory = replace(inventory, indexes=tuple(sorted(inventory.indexes, key=lambda it: it.index.name)))
        self.policy = policy
        self.state = state
        self.observed_at = inventory.observed_at
        self.resource = Resource(ResourceType.PROJECT, inventory.project, inventory.project, inventory.project_id)
        self.listings = inventory.collect_listings()

    @cached_property
    def backups_by_name(self) -> Mapping[str, list[Backup]]:
        """The rows of the project's backup listing, by the name of their index."""
        return group_by_index_name(self.inventory.backups.rows)

    @cached_property
    def live_ids(self) -> Mapping[str, LiveId]:
        """The id of each live index, by its name, as far as it is known."""
        backups_by_name = self.backups_by_name
        return {
            it.index.name: find_live_id(it, backups_by_name.get(it.index.name, [])) for it in self.inventory.indexes
        }

    @cached_property
    def expiries(self) -> BackupExpiries:
        """When the backups of the project expire."""
        return BackupExpiries(self.inventory, self.live_ids, self.plan_denial, self.state, self.settings_histories)

    @cached_property
    def settings_histories(self) -> Mapping[str, SettingsHistory]:
        """The settings of each known schedule up to this audit, by its id."""
        state, observed_at = self.state, self.observed_at
        histories: dict[str, SettingsHistory] = {}
        for facts in self.inventory.indexes:
            for schedule in list_rows(facts.schedules):
                known_schedule = state.schedules.get(schedule.schedule_id)
                last_seen_at = state.find_seen_at(known_schedule)
                earlier_schedule = known_schedule and find_settings_at(
                    known_schedule, observed_at
                )  # of an older audit, what was known by then
                observed_schedule = observe_schedule(
                    schedule, facts.index.name, earlier_schedule, last_seen_at, observed_at
                )
                histories.setdefault(schedule.schedule_id, SettingsHistory(observed_schedule, observed_at))
        return histories

    @cached_property
    def quota_usage(self) -> QuotaUsage:
        """What fills the project's quota of backups."""
        return QuotaUsage(
            self.inventory, self.expiries, self.plan_denial, lambda it: self.find_requirements(it).runs.grace
        )

    @cached_property
    def known_backups(self) -> Mapping[str, list[KnownBackup]]:
        """The backups that earlier audits remember and that are, or should be, listed, by the id of their index.

        It is the same when this very audit is delivered once more: what was recorded by it is not earlier, what was
        shortened or forgotten by it is so already.
        """
        backups_by_index_id: dict[str, list[KnownBackup]] = {}
        listed_ids = {it.backup_id for it in self.inventory.iter_listed_backups()} if self.state.backups else set[str]()
        for backup_id in sorted(self.state.backups):
            backup = self.expiries.with_current_retention(self.state.backups[backup_id])
            if backup.known_since < self.observed_at and (
                backup_id in listed_ids or not backup.is_no_longer_expected(self.observed_at)
            ):
                backups_by_index_id.setdefault(backup.index_id, []).append(backup)
        return backups_by_index_id

    @cached_property
    def names_with_known_backups(self) -> frozenset[str]:
        """The names of the indexes of which backups are remembered."""
        return frozenset(it.index_name for backups in self.known_backups.values() for it in backups)

    @cached_property
    def rules_by_name(self) -> Mapping[str, Rule | None]:
        """The rule that applies to each live index, by its name; `None` where the defaults do."""
        return {it.index.name: self.policy.find_rule(it.index.name, it.index.tags) for it in self.inventory.indexes}

    def find_requirements(self, name: str) -> Requirements:
        """Return what is required of an index of that name: the defaults, where no rule speaks of a live one."""
        rule = self.rules_by_name.get(name)
        return rule.requirements if rule else self.policy.defaults

    def find_exemption(self, control: str, resource: Resource) -> Exemption | None:
        """Return what accepts a deviation from a control on a resource as a whole, if anything does."""
        if resource.type is ResourceType.PROJECT:
            return self.policy.find_project_exemption(control, self.observed_at)
        is_live = resource.type is ResourceType.INDEX
        tags = self.facts_by_name[resource.name].index.tags if is_live else None
        return self.policy.find_exemption(control, resource.name, tags, self.observed_at)

    @cached_property
    def facts_by_name(self) -> Mapping[str, IndexFacts]:
        """What was read about each live index, by its name."""
        return {it.index.name: it for it in self.inventory.indexes}

    def find_presumed_id(self, name: str) -> str | None:
        """Return the id that a live index had when it was last known, unless a listed backup shows it to be another's.

        It serves where nothing tells the id today: an index that lost its last backup is still that index.
        """
        known_index = self.state.indexes.get(name)
        if known_index is None or any(it.index_id == known_index.index_id for it in self.backups_by_name.get(name, ())):
            return None
        return known_index.index_id

    @cached_property
    def plan_denial(self) -> Denial | None:
        """The answer by which the service said that the plan has no schedules, if it did."""
        answers = (facts.schedules for facts in self.inventory.indexes)
        denials = (it for it in answers if isinstance(it, Denial) and it.kind is DenialReason.PLAN)
        return next(denials, None)

    @cached_property
    def support_by_name(self) -> Mapping[str, BackupSupport]:
        """Whether the service can back each live index up, by its name."""
        return {name: self._find_support(facts) for name, facts in self.facts_by_name.items()}

    def _find_support(self, facts: IndexFacts) -> BackupSupport:
        name, live_id = facts.index.name, self.live_ids[facts.index.name]
        has_known_backup = facts.index.cmek_id is not None and bool(
            self.known_backups.get(self.find_presumed_id(name) or "")
        )
        schedules = IndexSchedules(facts, self.plan_denial)
        return find_backup_support(
            facts, schedules, live_id, self.inventory.backups.failure, has_known_backup=has_known_backup
        )

    @cached_property
    def names_with_changed_rows(self) -> frozenset[str]:
        """The index names under which rows shifted between the last two walks over the project's backups."""
        changed_ids = self.inventory.backups.changed_ids
        return frozenset(it.index_name for it in self.inventory.backups.rows if it.backup_id in changed_ids)


def require_confirmed_absence(
    verdict: Verdict, project: ProjectContext, index: str | None, unconfirmed_listings: set[ListingId]
) -> Verdict:
    """Return a verdict as it stands once absence is looked at twice, and note in `doubts` what a walk could settle."""
    reasons = [
        explanation
        for it in verdict.depends_on_absence_in
        if (explanation := _explain_unconfirmed_absence(it, project, index, unconfirmed_listings))
    ]
    if not reasons:
        return verdict
    reason = f"{verdict.reason.removesuffix('.')}, yet {reasons[0]}, so nothing can be called missing."
    return replace(verdict, compliance=Compliance.INSUFFICIENT_DATA, reason=reason, severity=None)


def _explain_unconfirmed_absence(
    listing_id: ListingId, project: ProjectContext, index: str | None, unconfirmed_listings: set[ListingId]
) -> str | None:
    """Return why what is absent from a listing cannot be called missing; `None` when two whole walks agree."""
    listing = project.listings.get(listing_id)
    if listing is None:
        return f"the listing of {_describe_listing(listing_id)} was not read"
    if listing.failure is not None:
        return f"{listing.failure.call} broke off ({listing.failure.error})"
    is_checked_by_name = listing_id.kind is ListingKind.BACKUPS and index is not None
    has_changed_rows = index in project.names_with_changed_rows if is_checked_by_name else bool(listing.changed_ids)
    if listing.read_count > 1 and not has_changed_rows:
        return None
    unconfirmed_listings.add(listing_id)
    if listing.confirmation_failure is not None:
        return f"a second walk broke off: {listing.confirmation_failure.call} ({listing.confirmation_failure.error})"
    if has_changed_rows:
        return f"two walks over {_describe_listing(listing_id)} showed different rows"
    return f"no second walk over {_describe_listing(listing_id)} was made"


def _describe_listing(listing_id: ListingId) -> str:
    return {
        ListingKind.BACKUPS: "the project's backups",
        ListingKind.SCHEDULES: f"the schedules of {listing_id.key}",
        ListingKind.OWN_BACKUPS: f"the backups of {listing_id.key}",
        ListingKind.HISTORY: f"the history of schedule {listing_id.key}",
    }[listing_id.kind]
