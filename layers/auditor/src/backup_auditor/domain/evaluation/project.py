"""The project as controls see it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.backup_status import (
    BackupPhase,
    find_run_moment,
    group_by_index_name,
    has_not_started,
    parse_phase,
)
from backup_auditor.domain.drill_indexes import find_drill, group_by_target
from backup_auditor.domain.evaluation.expiry import BackupExpiries
from backup_auditor.domain.evaluation.index_schedules import IndexSchedules
from backup_auditor.domain.evaluation.live_index import BackupSupport, LiveId, find_live_id, find_missing_support
from backup_auditor.domain.finding import Evidence, Exemption, InsufficientDataError, Resource, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import BACKUP_LISTING, Denial, DenialReason, ListingId, ListingKind, list_rows
from backup_auditor.domain.model import Backup, Frequency, Schedule
from backup_auditor.domain.policy import Policy, Requirements, Rule, ScheduleRequirement
from backup_auditor.domain.project_state import EMPTY_STATE, KnownBackup, KnownDrill, ProjectState
from backup_auditor.domain.settings_history import SettingsHistory, find_settings_at, observe_schedule
from backup_auditor.domain.target_schedule import count_slots

NO_QUOTA_REASON = "The project has no backup quota: neither its plan nor the policy sets one."


@dataclass(frozen=True, slots=True)
class ScheduleUsage:
    """How many backups one enabled schedule needs."""

    index: str
    schedule: Schedule
    slots: int | None
    """`None` if its frequency or its retention is unknown."""

    @property
    def min_slots(self) -> int:
        """The smallest possible number of backups."""
        return 1 if self.slots is None else self.slots


class QuotaUsage:
    """Use of the quota of one project: every listed backup in any state, planned runs excluded."""

    def __init__(self, project: "ProjectContext") -> None:
        """Count every listed backup once."""
        inventory, expiries = project.inventory, project.expiries
        self._inventory = inventory
        self._schedules_by_name = [(it.index.name, IndexSchedules(it, project.plan_denial)) for it in inventory.indexes]
        self.backup_counts = Counter[str]()
        """The number of listed backups under each index name, including deleted indexes."""
        self.manual_counts = Counter[str]()
        """How many of them are manual."""
        self.run_times: dict[str, list[datetime]] = {}
        """The run times of the scheduled ones, by schedule id; an empty id for unknown schedules."""
        self.possibly_manual_count = 0
        """For how many it is unknown whether they are manual."""
        self.possibly_scheduled_count = 0
        """How many of the listed backups may be planned runs."""
        for backup in inventory.backups.rows:
            if _is_planned(backup, project):
                continue
            self.backup_counts[backup.index_name] += 1
            expires = expiries.expires(backup)
            self.possibly_scheduled_count += _may_be_scheduled(backup, expiries)
            if expires is None:
                self.possibly_manual_count += 1
            elif expires:
                schedule = expiries.find_schedule(backup.backup_id)
                run_at = find_run_moment(backup) or backup.created_at or inventory.observed_at
                run_at = min(run_at, inventory.observed_at)
                self.run_times.setdefault(schedule.schedule_id if schedule else "", []).append(run_at)
            else:
                self.manual_counts[backup.index_name] += 1

    @cached_property
    def schedule_usages(self) -> list[ScheduleUsage]:
        """The usage of each schedule that is known to be enabled."""
        return [
            ScheduleUsage(name, it, _count_schedule_slots(it))
            for name, schedules in self._schedules_by_name
            for it in schedules.enabled_schedules
        ]

    def compute_peak_usage(
        self, schedule_id: str, retention: timedelta, interval: timedelta, *, has_immediate_backup: bool = False
    ) -> int:
        """Return the highest number of backups that a schedule will hold with these settings.

        Existing backups stay until they expire. The peak is just before one of them expires: that one, the newer ones,
        and the runs until then. `has_immediate_backup` adds the backup that a resumed schedule takes immediately.
        """
        ages = sorted(self._inventory.observed_at - it for it in self.run_times.get(schedule_id, ()))
        ages = [timedelta(), *ages] if has_immediate_backup else ages
        remaining_times = (max(retention - age, timedelta()) for age in ages)
        usage_at_expiries = (
            newer_count + count_slots(it, interval) for newer_count, it in enumerate(remaining_times, 1)
        )
        return max([count_slots(retention, interval), *usage_at_expiries])

    def group_by_index(self) -> Mapping[str, list[ScheduleUsage]]:
        """Return the usage of the enabled schedules, by the name of each index that has some or manual backups."""
        usages_by_index: dict[str, list[ScheduleUsage]] = {name: [] for name in self.manual_counts}
        for usage in self.schedule_usages:
            usages_by_index.setdefault(usage.index, []).append(usage)
        return usages_by_index

    def describe_unknown_usage(self) -> Iterator[str]:
        """Return what is unknown about the schedules, each as a clause: failed reads, and unreported pauses."""
        failure = self._inventory.indexes_failure
        if failure is not None:
            yield f"what else uses the quota ({failure})"
        for _, schedules in self._schedules_by_name:
            if schedules.failure is not None:
                yield f"what else uses the quota ({schedules.failure})"
            yield from (f"whether schedule {it.schedule_id} is enabled" for it in schedules.possibly_enabled_schedules)


def _is_planned(backup: Backup, project: "ProjectContext") -> bool:
    phase = parse_phase(backup.status)
    if phase is not BackupPhase.IN_PROGRESS:
        return phase is BackupPhase.SCHEDULED
    schedule = project.expiries.find_schedule(backup.backup_id)
    grace = project.find_requirements(backup.index_name).runs.grace
    return has_not_started(find_run_moment(backup), backup.created_at, schedule, project.observed_at, grace)


def _may_be_scheduled(backup: Backup, expiries: BackupExpiries) -> bool:
    is_in_progress = parse_phase(backup.status) is BackupPhase.IN_PROGRESS
    if not is_in_progress or find_run_moment(backup) or backup.created_at is None:
        return False
    schedule = expiries.find_schedule(backup.backup_id)
    return expiries.expires(backup) is None if schedule is None else Frequency.parse(schedule.frequency) is None


def _count_schedule_slots(schedule: Schedule) -> int | None:
    frequency = Frequency.parse(schedule.frequency)
    if frequency is None or schedule.retention is None:
        return None
    return count_slots(schedule.retention, frequency.interval)


class ProjectContext:
    """The project as a whole."""

    def __init__(self, inventory: Inventory, policy: Policy, state: ProjectState = EMPTY_STATE) -> None:
        """Combine an inventory, a policy, and the state of previous audits."""
        # sorted: a reason names the same first index whatever the order of the listing
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
                # of an older audit, what was known by then
                earlier_schedule = known_schedule and find_settings_at(known_schedule, observed_at)
                observed_schedule = observe_schedule(
                    schedule, facts.index.name, earlier_schedule, last_seen_at, observed_at
                )
                histories.setdefault(schedule.schedule_id, SettingsHistory(observed_schedule, observed_at))
        return histories

    @cached_property
    def quota_usage(self) -> QuotaUsage:
        """What fills the project's quota of backups."""
        return QuotaUsage(self)

    @cached_property
    def known_backups(self) -> Mapping[str, list[KnownBackup]]:
        """The backups recorded by previous audits that are, or should be, listed, by the id of their index.

        The result is the same if this audit runs again: backups that it recorded itself are left out, and expiries
        that it shortened stay shortened.
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
        """The names of the indexes with recorded backups."""
        return frozenset(it.index_name for backups in self.known_backups.values() for it in backups)

    @cached_property
    def drills_by_index_id(self) -> Mapping[str, list[KnownDrill]]:
        """The recorded restore drills, by the id of their index."""
        drills_by_index_id: dict[str, list[KnownDrill]] = {}
        for drill in self.state.drills.values():
            drills_by_index_id.setdefault(drill.index_id, []).append(drill)
        return drills_by_index_id

    @cached_property
    def names_with_drills(self) -> frozenset[str]:
        """The names of the indexes with recorded restore drills."""
        return frozenset(it.index_name for it in self.state.drills.values())

    @cached_property
    def leftover_indexes(self) -> Mapping[str, str]:
        """The name of the audited index that a restore drill left behind, by the drill's id."""
        drills_by_target = group_by_target(self.state.drills)
        indexes = (it.index for it in self.inventory.indexes if it.index.name in drills_by_target)
        return {drill.drill_id: it.name for it in indexes if (drill := find_drill(it, drills_by_target)) is not None}

    @cached_property
    def rules_by_name(self) -> Mapping[str, Rule | None]:
        """The rule that applies to each live index, by its name; `None` for the defaults."""
        return {it.index.name: self.policy.find_rule(it.index.name, it.index.tags) for it in self.inventory.indexes}

    def find_requirements(self, name: str) -> Requirements:
        """Return the requirements of an index: those of its rule, else the defaults."""
        rule = self.rules_by_name.get(name)
        return rule.requirements if rule else self.policy.defaults

    def find_exemption(self, control: str, resource: Resource) -> Exemption | None:
        """Return the exemption of a whole resource from a control, if any."""
        if resource.type is ResourceType.PROJECT:
            return self.policy.find_project_exemption(control, self.observed_at)
        is_live = resource.type is ResourceType.INDEX
        tags = self.facts_by_name[resource.name].index.tags if is_live else None
        return self.policy.find_exemption(control, resource.name, tags, self.observed_at)

    @cached_property
    def facts_by_name(self) -> Mapping[str, IndexFacts]:
        """The facts of each live index, by its name."""
        return {it.index.name: it for it in self.inventory.indexes}

    def find_presumed_id(self, name: str) -> str | None:
        """Return the last known id of a live index, unless a listed backup has that id.

        It is used if the id is unknown today: an index that lost its last backup is still the same index.
        """
        known_index = self.state.indexes.get(name)
        if known_index is None or any(it.index_id == known_index.index_id for it in self.backups_by_name.get(name, ())):
            return None
        return known_index.index_id

    @cached_property
    def plan_denial(self) -> Denial | None:
        """The answer that the plan has no schedules, if there was one."""
        answers = (facts.schedules for facts in self.inventory.indexes)
        denials = (it for it in answers if isinstance(it, Denial) and it.kind is DenialReason.PLAN)
        return next(denials, None)

    @cached_property
    def support_by_name(self) -> Mapping[str, BackupSupport]:
        """Whether the service can back up each live index, by its name."""
        return {name: self._find_support(facts) for name, facts in self.facts_by_name.items()}

    def _find_support(self, facts: IndexFacts) -> BackupSupport:
        """Return whether an index can be backed up.

        An index that is encrypted with a customer key can be backed up only if a schedule or a backup of it is listed,
        or if a previous audit recorded a backup that should still exist.
        """
        missing_support = find_missing_support(facts)
        if missing_support is not None or facts.index.cmek_id is None:
            return missing_support or BackupSupport()
        name, live_id = facts.index.name, self.live_ids[facts.index.name]
        schedules = IndexSchedules(facts, self.plan_denial)
        has_known_backup = bool(self.known_backups.get(self.find_presumed_id(name) or ""))
        if schedules.known_schedules or live_id.id is not None or has_known_backup:
            return BackupSupport()
        evidence: Evidence = {"obstacle": "customer_key", "cmek_id": facts.index.cmek_id}
        unknown_reason = schedules.failure or self.inventory.backups.failure or live_id.unknown_reason
        if unknown_reason is not None:
            reason = (
                "The index is encrypted with a customer key, and it is unknown whether it has a schedule or a backup:"
                f" {unknown_reason}."
            )
            return BackupSupport(evidence=evidence, unknown_error=InsufficientDataError(reason, evidence))
        own_listings = (ListingId(ListingKind.OWN_BACKUPS, name),) if live_id.needs_index_listing else ()
        return BackupSupport(
            "The index cannot be backed up: it has a customer key, and no schedule or backup of it is listed.",
            evidence,
            depends_on_absence_in=(*schedules.listings, BACKUP_LISTING, *own_listings),
        )

    @cached_property
    def required_schedules(self) -> Mapping[str, ScheduleRequirement]:
        """What the policy requires of the schedule of each index that needs one and can, or may, be backed up."""
        requirements = {
            name: self.find_requirements(name).schedule
            for name, facts in self.facts_by_name.items()
            if self.policy.explain_exclusion(facts.index) is None and self.support_by_name[name].reason is None
        }
        return {name: it for name, it in requirements.items() if it.required}

    @cached_property
    def names_with_changed_rows(self) -> frozenset[str]:
        """The index names whose rows changed between the last two reads of the project's backup listing."""
        changed_ids = self.inventory.backups.changed_ids
        return frozenset(it.index_name for it in self.inventory.backups.rows if it.backup_id in changed_ids)
