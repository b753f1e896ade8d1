"""Builders of facts: by default one healthy index at `NOW`, with a daily schedule and 7 days of retention."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import ControlCatalog, evaluate_controls
from backup_auditor.domain.evaluation.results import Evaluation
from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory, merge_reads
from backup_auditor.domain.listing import Denial, Listing, ListingRead, ReadFailure, list_rows
from backup_auditor.domain.model import Backup, Deployment, Index, Schedule
from backup_auditor.domain.policy import Policy, Requirements
from backup_auditor.domain.project_state import (
    EMPTY_STATE,
    DrillResult,
    KnownBackup,
    KnownDrill,
    KnownSchedule,
    ProjectState,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""The time of every audit in tests: 6 h after the newest run of the healthy index."""
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
GRACE = 6 * HOUR
"""The grace period of the built-in policy."""
READ_FAILURE = ReadFailure("GET /somewhere", "503 to the end")


def ago(length: timedelta) -> datetime:
    """Return the time this long before `NOW`."""
    return NOW - length


def build_schedule(schedule_id: str = "schedule-1", **facts: Any) -> Schedule:
    """Build an enabled daily schedule with 7 days of retention, created 60 days ago."""
    defaults: dict[str, Any] = {
        "name": "nightly",
        "index_id": "id-main",
        "project_id": "project-1",
        "frequency": "daily",
        "retention": 7 * DAY,
        "enabled": True,
        "next_run": NOW + 18 * HOUR,
        "created_at": ago(60 * DAY),
    }
    return Schedule(schedule_id, **(defaults | facts))


def build_run(age: timedelta, **facts: Any) -> Backup:
    """Build a run captured this long ago and created one day earlier; a negative age is in the future."""
    moment = ago(age)
    name = f"nightly-{moment:%Y%m%dT%H%M%SZ}"
    defaults: dict[str, Any] = {"name": name, "scheduled_for": moment, "created_at": moment - DAY}
    return build_backup(age, **{"backup_id": f"run-{moment:%Y%m%dT%H%M%S}", **defaults, **facts})


def build_unnamed_run(age: timedelta, **facts: Any) -> Backup:
    """Build a row of a history without a capture time, created this long ago."""
    return build_run(
        age, **{"name": None, "scheduled_for": None, "created_at": ago(age), "status": "Initializing"} | facts
    )


def build_backup(age: timedelta | None = DAY, **facts: Any) -> Backup:
    """Build a manual `Ready` backup of this age; without an age it has no creation time."""
    moment = None if age is None else ago(age)
    defaults: dict[str, Any] = {
        "backup_id": f"manual-{age}",
        "index_id": "id-main",
        "index_name": "main",
        "status": "Ready",
        "created_at": moment,
        "cloud": "aws",
        "region": "us-east-1",
        "record_count": 1000,
        "namespace_count": 3,
        "size_bytes": 1_000_000,
    }
    return Backup(**(defaults | facts))


def build_daily_runs(count: int = 7, newest_age: timedelta = 6 * HOUR, **facts: Any) -> list[Backup]:
    """Build daily runs, the newest of this age."""
    return [build_run(newest_age + number * DAY, **facts) for number in range(count)]


def build_planned_run(lead_time: timedelta = 18 * HOUR, **facts: Any) -> Backup:
    """Build a future run in the state `Scheduled`."""
    return build_run(-lead_time, **{"status": "Scheduled", "record_count": None, "size_bytes": None, **facts})


def build_complete_listing(rows: Iterable[Any], reads: int = 2) -> Listing[Any]:
    """Build a listing with this many complete reads that agree."""
    return merge_reads([ListingRead(tuple(rows))] * reads)


def build_failed_listing(rows: Iterable[Any] = ()) -> Listing[Any]:
    """Build a listing whose only read failed after these rows."""
    return merge_reads([ListingRead(tuple(rows), READ_FAILURE)])


def build_conflicting_listing(first_rows: Iterable[Any], second_rows: Iterable[Any]) -> Listing[Any]:
    """Build a listing whose two reads returned different rows."""
    return merge_reads([ListingRead(tuple(first_rows)), ListingRead(tuple(second_rows))])


@dataclass(frozen=True)
class IndexCase:
    """One index with its schedules, backups and histories, before it becomes part of an inventory."""

    facts: IndexFacts
    listed_backups: tuple[Backup, ...]
    histories: Mapping[str, Listing[Backup]] = field(default_factory=dict)


_NIGHTLY_SCHEDULES = (build_schedule(),)

type ScheduleAnswer = Sequence[Schedule] | Listing[Schedule] | Denial | None


def build_index(  # noqa: PLR0913  an index has this many facts, all with a default
    name: str = "main",
    *,
    schedules: ScheduleAnswer = _NIGHTLY_SCHEDULES,
    runs: Sequence[Backup] | Listing[Backup] | None = None,
    other_runs: Mapping[str, Sequence[Backup] | Listing[Backup]] | None = None,
    backups: Iterable[Backup] = (),
    listed_backups: Iterable[Backup] | None = None,
    own_backups: Listing[Backup] | Denial | None = None,
    deployment: Deployment = Deployment.SERVERLESS,
    reads: int = 2,
    **facts: Any,
) -> IndexCase:
    """Build an index. `runs` is the history of its first schedule, `other_runs` those of others by schedule id.

    The index lists its finished runs and `backups`; `listed_backups` replaces both. An index without schedules has no
    runs.
    """
    if isinstance(schedules, Sequence):
        schedules = build_complete_listing(schedules, reads)
    known_schedules = schedules.rows if isinstance(schedules, Listing) else ()
    if runs is None:
        runs = [*build_daily_runs(), build_planned_run()] if known_schedules else []
    runs_by_schedule = {it.schedule_id: () for it in known_schedules} | dict(other_runs or {})
    if known_schedules:
        runs_by_schedule[known_schedules[0].schedule_id] = runs
    histories = {
        key: rows if isinstance(rows, Listing) else build_complete_listing(rows, reads)
        for key, rows in runs_by_schedule.items()
    }
    if listed_backups is None:
        finished_runs = [row for history in histories.values() for row in history.rows if row.status != "Scheduled"]
        listed_backups = [*finished_runs, *backups]
    rows = tuple(replace(row, index_name=name) for row in listed_backups)
    return IndexCase(IndexFacts(Index(name, deployment, **facts), schedules, own_backups), rows, histories)


def rename_index(case: IndexCase, name: str) -> IndexCase:
    """Return the same index with another name and other ids, for use in the same project."""

    def move_backup(backup: Backup) -> Backup:
        index_id = f"id-{name}" if backup.index_id == "id-main" else f"{backup.index_id}-{name}"
        return replace(backup, backup_id=f"{name}-{backup.backup_id}", index_id=index_id, index_name=name)

    schedules, own_backups = case.facts.schedules, case.facts.own_backups
    if isinstance(own_backups, Listing):
        own_backups = replace(own_backups, rows=tuple(move_backup(row) for row in own_backups.rows))
    if isinstance(schedules, Listing):
        rows = [replace(it, schedule_id=f"{name}-{it.schedule_id}", index_id=f"id-{name}") for it in schedules.rows]
        schedules = replace(schedules, rows=tuple(rows))
    histories = {
        f"{name}-{key}": replace(history, rows=tuple(move_backup(row) for row in history.rows))
        for key, history in case.histories.items()
    }
    facts = replace(
        case.facts, index=replace(case.facts.index, name=name), schedules=schedules, own_backups=own_backups
    )
    return IndexCase(facts, tuple(move_backup(row) for row in case.listed_backups), histories)


def build_inventory(
    *cases: IndexCase,
    reads: int = 2,
    backups: Listing[Backup] | None = None,
    extra_backups: Iterable[Backup] = (),
    **facts: Any,
) -> Inventory:
    """Build the inventory of some indexes; `backups` replaces the list of their backups, `extra_backups` extends it."""
    rows = [row for case in cases for row in case.listed_backups]
    return Inventory(
        **{
            "observed_at": NOW,
            "project": "default",
            "indexes": tuple(sorted((case.facts for case in cases), key=lambda it: it.index.name)),
            "backups": build_complete_listing([*rows, *extra_backups], reads) if backups is None else backups,
            "histories": {key: history for case in cases for key, history in case.histories.items()},
            "requests": 0,
            **facts,
        }
    )


def build_policy(*, base: Policy | None = None, **requirements: Any) -> Policy:
    """Build the built-in policy with some requirements changed by name (`min_copies=3`)."""
    defaults = Requirements()
    for part in fields(Requirements):
        section = getattr(defaults, part.name)
        section_values = {it.name: requirements.pop(it.name) for it in fields(section) if it.name in requirements}
        defaults = replace(defaults, **{part.name: replace(section, **section_values)})
    if requirements:
        raise TypeError(f"no such requirement: {', '.join(requirements)}")
    return replace(base or Policy("built-in", "0" * 64), defaults=defaults)


def evaluate_facts(
    facts: IndexCase | Inventory, policy: Policy | None = None, state: ProjectState = EMPTY_STATE
) -> Evaluation:
    """Evaluate every control."""
    inventory = facts if isinstance(facts, Inventory) else build_inventory(facts)
    return evaluate_controls(inventory, policy or build_policy(), CATALOG, state)


def evaluate_resources(
    control: str, facts: IndexCase | Inventory, policy: Policy | None = None, state: ProjectState = EMPTY_STATE
) -> dict[tuple[ResourceType, str], Finding]:
    """Evaluate one control on all its resources; the key is the type, and the name or a deleted index's id."""
    catalog = ControlCatalog(
        index_controls=tuple(it for it in CATALOG.index_controls if it.id == control),
        deleted_index_controls=tuple(it for it in CATALOG.deleted_index_controls if it.id == control),
        project_controls=tuple(it for it in CATALOG.project_controls if it.id == control),
    )
    inventory = facts if isinstance(facts, Inventory) else build_inventory(facts)
    findings = evaluate_controls(inventory, policy or build_policy(), catalog, state).findings
    return {(it.resource.type, _get_resource_key(it.resource)): it for it in findings}


def _get_resource_key(resource: Resource) -> str:
    return (resource.id or "") if resource.type is ResourceType.DELETED_INDEX else resource.name


def evaluate_control(
    control: str,
    facts: IndexCase | Inventory,
    state: ProjectState = EMPTY_STATE,
    project: Mapping[str, Any] | None = None,
    **requirements: Any,
) -> Finding:
    """Evaluate one control on the only index or on the project; `project` holds requirements of the project."""
    policy = build_policy(**requirements)
    policy = replace(policy, project=replace(policy.project, **(project or {})))
    (finding,) = evaluate_resources(control, facts, policy, state).values()
    return finding


def evaluate_compliance(
    control: str, facts: IndexCase | Inventory, state: ProjectState = EMPTY_STATE, **requirements: Any
) -> Compliance:
    """Evaluate one control on the only index or on the project, and return the verdict."""
    return evaluate_control(control, facts, state, **requirements).compliance


def evaluate_verdicts(facts: IndexCase | Inventory, policy: Policy | None = None) -> dict[tuple[str, str], Compliance]:
    """Evaluate every control, and return the verdicts by control and name."""
    return {(it.control, it.resource.name): it.compliance for it in evaluate_facts(facts, policy).findings}


def build_known_backup(backup: Backup, expires_at: datetime | None = None, **facts: Any) -> KnownBackup:
    """Build the stored facts of a backup: manual, unless it has an expiry time."""
    defaults: dict[str, Any] = {
        "backup_id": backup.backup_id,
        "index_id": backup.index_id,
        "index_name": backup.index_name,
        "name": backup.name,
        "schedule_id": None,
        "captured_at": backup.scheduled_for or backup.created_at,
        "expires": expires_at is not None,
        "expires_at": expires_at,
        "known_since": ago(DAY),
    }
    return KnownBackup(**(defaults | facts))


def build_known_drill(age: timedelta = DAY, **facts: Any) -> KnownDrill:
    """Build the stored facts of a drill of the index `main` that passed this long ago, after an hour."""
    defaults: dict[str, Any] = {
        "drill_id": f"drill-{age // SECOND}",
        "index_id": "id-main",
        "index_name": "main",
        "backup_id": "run-1",
        "target_name": "drill-main-1a2b3c4d",
        "started_at": ago(age + HOUR),
        "ends_by": ago(age) + 6 * HOUR,
        "result": DrillResult.PASSED,
        "ended_at": ago(age),
        "restore_time": 10 * MINUTE,
        "is_target_deleted": True,
    }
    return KnownDrill(**(defaults | facts))


def build_running_drill(age: timedelta = HOUR, **facts: Any) -> KnownDrill:
    """Build the stored facts of a drill that started this long ago and may take 7 hours."""
    defaults = {"started_at": ago(age), "ends_by": ago(age) + 7 * HOUR, "is_target_deleted": False}
    unknown = dict.fromkeys(("result", "ended_at", "restore_time"))
    return build_known_drill(**{"drill_id": "running-drill", **defaults, **unknown, **facts})


def build_drill_state(*drills: KnownDrill, **facts: Any) -> ProjectState:
    """Build the state of an audit one day ago, with these drills."""
    return build_state(drills={it.drill_id: it for it in drills}, **facts)


def build_state(*backups: KnownBackup, **facts: Any) -> ProjectState:
    """Build the state of an audit one day ago that read these backups."""
    return ProjectState(
        **{
            "revision": 1,
            "observed_at": ago(DAY),
            "complete_at": ago(DAY),
            "backups": {it.backup_id: it for it in backups},
            **facts,
        }
    )


def build_watched_state(
    facts: IndexCase | Inventory, since: datetime | None = None, **state_facts: Any
) -> ProjectState:
    """Build the state of audits that read these schedules unchanged since their creation, or since a time."""
    inventory = facts if isinstance(facts, Inventory) else build_inventory(facts)
    schedules = {
        schedule.schedule_id: KnownSchedule(
            schedule_id=schedule.schedule_id,
            index_name=index_facts.index.name,
            name=schedule.name,
            frequency=schedule.frequency,
            retention=schedule.retention,
            enabled=schedule.enabled,
            since=since or schedule.created_at or ago(10 * DAY),
        )
        for index_facts in inventory.indexes
        for schedule in list_rows(index_facts.schedules)
    }
    return build_state(**{"schedules": schedules} | state_facts)
