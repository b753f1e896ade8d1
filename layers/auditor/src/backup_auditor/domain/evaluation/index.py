"""One live or deleted index as controls see it, and what each enabled schedule of an index must pass.

Facts are returned, or `InsufficientDataError` is raised if a fact is unknown.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.backup_status import BackupRecord, merge_backup_rows
from backup_auditor.domain.evaluation.index_backups import IndexBackups
from backup_auditor.domain.evaluation.index_schedules import (
    IndexSchedules,
    build_retention_evidence,
    describe_retention,
    require_created_at,
    require_interval,
    require_retention,
    try_each,
)
from backup_auditor.domain.evaluation.live_index import BackupSupport, find_deleted_index_ids
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import (
    Compliance,
    InsufficientDataError,
    Resource,
    ResourceType,
    Verdict,
    decide,
    not_applicable,
)
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId, ListingKind
from backup_auditor.domain.model import Deployment, Index, Schedule
from backup_auditor.domain.policy import Requirements, Rule
from backup_auditor.domain.project_state import KnownBackup
from backup_auditor.domain.text import join_sentences
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE, format_length, to_days


class DeletedIndexContext:
    """One index id that is no longer live, under the default requirements: rules apply to live indexes."""

    def __init__(self, project: ProjectContext, name: str, index_id: str) -> None:
        """Select the facts of one deleted index."""
        self.project = project
        self.name = name
        self.id = index_id
        self.observed_at = project.observed_at
        self.requirements: Requirements = project.policy.defaults
        self.resource = Resource(ResourceType.DELETED_INDEX, project.inventory.project, name, index_id)

    @cached_property
    def backups(self) -> list[BackupRecord]:
        """Its listed backups, in any state."""
        rows = [it for it in self.project.backups_by_name.get(self.name, ()) if it.index_id == self.id]
        return list(merge_backup_rows(rows, (), self.observed_at, self.requirements.runs.grace).values())

    def require_known_backups(self) -> list[KnownBackup]:
        """Return its backups recorded by previous audits; this never raises."""
        return self.project.known_backups.get(self.id, [])

    @property
    def listed_backup_ids(self) -> frozenset[str]:
        """The ids of its listed backups."""
        return frozenset(it.backup.backup_id for it in self.backups)

    @cached_property
    def listings(self) -> tuple[ListingId, ...]:
        """The listings that could contain a further backup of it, or one that shows that it is live."""
        live_id = self.project.live_ids.get(self.name)
        is_marked_deleted = self.id in find_deleted_index_ids(it.backup for it in self.backups)
        if live_id is None or is_marked_deleted or not live_id.needs_index_listing:
            return (BACKUP_LISTING,)
        return (BACKUP_LISTING, ListingId(ListingKind.OWN_BACKUPS, self.name))


def find_deleted_indexes(project: ProjectContext) -> Iterator[DeletedIndexContext]:
    """Yield the deleted indexes with listed backups, or with recorded ones that have not expired, by name and id.

    Under a live name whose own id is unknown, only a deletion mark shows them. If the live indexes are unknown, there
    are none.
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
    if name in project.inventory.unaudited_names:  # its own backups belong to a deleted index only once it is deleted
        known_index = project.state.indexes.get(name)
        return ids & find_deleted_index_ids(project.backups_by_name.get(name, ())) - {
            known_index.index_id if known_index else None
        }
    live_id = project.live_ids.get(name)
    if live_id is None or project.facts_by_name[name].index.deployment is Deployment.POD:
        return ids  # a pod index has no backups: all of that name belong to other indexes
    if live_id.unknown_reason is not None:
        return ids & find_deleted_index_ids(project.backups_by_name.get(name, ()))
    return ids - {live_id.id or project.find_presumed_id(name)}


class IndexContext:
    """One live index, with the requirements that apply to it."""

    def __init__(self, project: ProjectContext, facts: IndexFacts) -> None:
        """Select the facts of one live index within its project."""
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
        """Why the policy excludes this index from evaluation, if it does."""
        return self.project.policy.explain_exclusion(self.index)

    @property
    def support(self) -> BackupSupport:
        """Whether the service can back up this index."""
        return self.project.support_by_name[self.name]

    @property
    def unsupported_reason(self) -> str | None:
        """Why the backups of this index are not evaluated, if they are not."""
        return self.exclusion_reason or self.support.reason

    def require_known_backups(self) -> list[KnownBackup]:
        """Return its backups recorded by previous audits; raise `InsufficientDataError` if its live id is unknown."""
        live_id = self.backups.live_id
        if live_id.unknown_reason is not None and self.name in self.project.names_with_known_backups:
            raise InsufficientDataError(f"{live_id.unknown_reason}.")
        return self.project.known_backups.get(live_id.id or self.project.find_presumed_id(self.name) or "", [])

    @property
    def listed_backup_ids(self) -> frozenset[str]:
        """The ids of the listed backups under its name."""
        return frozenset(it.backup_id for it in self.backups.backups_under_name)

    @property
    def listings(self) -> tuple[ListingId, ...]:
        """The listings that could contain a further backup of it."""
        return self.backups.listings

    @property
    def is_protected(self) -> bool:
        """Whether it is known to have an enabled schedule and a recovery point within its objective."""
        if not self.schedules.enabled_schedules or self.backups.live_id.unknown_reason is not None:
            return False
        newest_capture_time = self.backups.require_newest_capture_time()
        return newest_capture_time is not None and self.observed_at - newest_capture_time <= self.requirements.max_age

    @property
    def known_recovery_point_count(self) -> int:
        """The number of known recovery points; 0 if it is unknown which backups belong to the index."""
        return 0 if self.backups.live_id.unknown_reason is not None else len(self.backups.require_recovery_points())


def is_expected(backup: KnownBackup, project: ProjectContext) -> bool | None:
    """Return whether a backup of `project.known_backups` should still exist, by the earliest expiry known for it.

    `None` if unknown: the retention, which could not be read, may have been shortened. For a backup that was first
    missed in a previous audit, what was known then decides. Near its expiry it is no longer expected: clocks differ,
    and it is listed after `observed_at`.
    """
    if backup.expires is False:
        return not backup.is_no_longer_expected(project.observed_at)
    if (
        backup.expires is None
        or backup.expires_at is None
        or backup.expires_at - project.observed_at <= CLOCK_TOLERANCE
    ):
        return False
    if backup.missed_at is not None:
        return True
    schedule = project.expiries.schedules.get(backup.schedule_id or "")
    if schedule is not None:
        return None if schedule.retention is None else True
    facts = project.facts_by_name.get(backup.index_name)
    failure = project.inventory.indexes_failure if facts is None else IndexSchedules(facts, project.plan_denial).failure
    return True if failure is None else None  # the last known settings of a schedule that is gone count


def is_replaced(backup: KnownBackup, project: ProjectContext) -> bool:
    """Return whether the auditor took this as a first backup, and enough scheduled copies exist now."""
    if backup.backup_id not in project.state.first_backup_ids:
        return False
    facts, live_id = project.facts_by_name.get(backup.index_name), project.live_ids.get(backup.index_name)
    if facts is None or live_id is None or live_id.id != backup.index_id:
        return False
    subject = IndexContext(project, facts)
    scheduled_points = (
        it for it in subject.backups.require_recovery_points() if subject.backups.find_expiry(it).expires
    )
    return sum(1 for _ in scheduled_points) >= (subject.requirements.recovery.min_copies or 1)


NO_ENABLED_SCHEDULE_REASON = "The index has no enabled schedule."
NO_MINIMUM_REASON = "The policy sets no minimum number of copies."


def evaluate_enabled_schedules(subject: IndexContext, evaluate: Callable[[Schedule], Verdict]) -> Verdict:
    """Evaluate each enabled schedule, and return the worst verdict for the index.

    One schedule that fails is enough. A compliant verdict requires that all schedules are known. A schedule for which
    it is unknown whether it is enabled makes the result unknown, unless it would pass and another enabled one passes.
    """
    results = try_each(subject.schedules.enabled_schedules, evaluate)
    verdicts = [verdict for _, verdict in results.results]
    failed_verdicts = [it for it in verdicts if it.compliance is Compliance.NON_COMPLIANT]
    if failed_verdicts:
        return _combine_verdicts(failed_verdicts)
    results.require_complete()
    subject.schedules.require_listing()
    for schedule in subject.schedules.possibly_enabled_schedules:
        if not verdicts or evaluate(schedule).compliance is Compliance.NON_COMPLIANT:
            raise subject.schedules.create_unknown_enabled_error(schedule)
    return _combine_verdicts(verdicts) if verdicts else not_applicable(NO_ENABLED_SCHEDULE_REASON)


def for_each_enabled_schedule(
    evaluate: Callable[[IndexContext, Schedule], Verdict],
) -> Callable[[IndexContext], Verdict]:
    """Return the evaluation of an index that evaluates each of its enabled schedules."""
    return lambda subject: evaluate_enabled_schedules(subject, lambda schedule: evaluate(subject, schedule))


def evaluate_retention(
    subject: IndexContext, limit: timedelta | None, kind: str, fits: Callable[[timedelta, timedelta], bool]
) -> Verdict:
    """Evaluate whether the retention of each enabled schedule fits a limit, the `minimum` or the `maximum`."""
    if limit is None:
        return not_applicable(f"The policy sets no {kind} retention.")

    def evaluate(schedule: Schedule) -> Verdict:
        evidence = {**build_retention_evidence(schedule), f"{kind[:3]}_days": to_days(limit)}
        reason = f"{describe_retention(schedule)} ({kind}: {format_length(limit)})."
        return decide(reason, evidence, is_compliant=fits(require_retention(schedule), limit))

    return evaluate_enabled_schedules(subject, evaluate)


def _combine_verdicts(verdicts: list[Verdict]) -> Verdict:
    """Return one verdict for several with the same compliance, in the order of their schedules."""
    first, *other_verdicts = verdicts
    if not other_verdicts:
        return first
    return Verdict(
        first.compliance,
        join_sentences([it.reason for it in verdicts]),
        {**first.evidence, "other_schedules": [it.evidence for it in other_verdicts]},
        depends_on_absence_in=tuple(dict.fromkeys(listing for it in verdicts for listing in it.depends_on_absence_in)),
    )


def compute_age(subject: IndexContext, schedule: Schedule) -> timedelta:
    """Return the age of a schedule; a creation time in the future gives zero."""
    return max(subject.observed_at - require_created_at(schedule), timedelta())


def is_younger_than(subject: IndexContext, schedule: Schedule, interval_count: int) -> bool:
    """Return whether a schedule is younger than a number of its intervals plus the grace."""
    return compute_age(subject, schedule) < interval_count * require_interval(schedule) + subject.grace


def find_enabled_schedule(subject: IndexContext, fits: Callable[[Schedule], bool]) -> Schedule | None:
    """Return an enabled schedule that fits, if any; raise `InsufficientDataError` if one may be unknown."""
    results = try_each(subject.schedules.enabled_schedules, fits)
    for schedule, is_fitting in results.results:
        if is_fitting:
            return schedule
    results.require_complete()
    subject.schedules.require_listing()
    for schedule in subject.schedules.possibly_enabled_schedules:
        if fits(schedule):
            raise subject.schedules.create_unknown_enabled_error(schedule)
    return None


def are_all_younger(subject: IndexContext, interval_count: int) -> bool:
    """Return whether enabled schedules exist and all are younger; raise `InsufficientDataError` if that is unknown."""
    results = try_each(subject.schedules.enabled_schedules, lambda it: is_younger_than(subject, it, interval_count))
    if not all(is_young for _, is_young in results.results):
        return False
    results.require_complete()
    subject.schedules.require_listing()
    has_enabled = bool(subject.schedules.enabled_schedules)
    for schedule in subject.schedules.possibly_enabled_schedules:
        if is_younger_than(subject, schedule, interval_count) is not has_enabled:
            raise subject.schedules.create_unknown_enabled_error(schedule)
    return has_enabled
