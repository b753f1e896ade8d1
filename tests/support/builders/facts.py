"""Builds facts for tests: by default one healthy index with a daily schedule, kept for 7 days, at `NOW`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import ControlCatalog, Evaluation, evaluate_controls
from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory, merge_reads
from backup_auditor.domain.listing import Denial, Listing, ListingRead, ReadFailure, list_rows
from backup_auditor.domain.model import Backup, Deployment, Index, Schedule
from backup_auditor.domain.policy import Policy, Requirements
from backup_auditor.domain.project_state import EMPTY_STATE, KnownBackup, KnownSchedule, ProjectState

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""The moment of every audit in tests: 6 h after the newest run of the healthy index."""
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
GRACE = 6 * HOUR
"""The grace of the built-in policy."""
BROKEN = ReadFailure("GET /somewhere", "503 to the end")


def ago(length: timedelta) -> datetime:
    """Return the moment so long before `NOW`."""
    return NOW - length


def schedule(schedule_id: str = "schedule-1", **facts: Any) -> Schedule:
    """Build an enabled daily schedule, kept for 7 days, made 60 days ago."""
    usual: dict[str, Any] = {
        "name": "nightly",
        "index_id": "id-main",
        "project_id": "project-1",
        "frequency": "daily",
        "retention": 7 * DAY,
        "enabled": True,
        "next_run": NOW + 18 * HOUR,
        "created_at": ago(60 * DAY),
    }
    return Schedule(schedule_id, **(usual | facts))


def run(age: timedelta, **facts: Any) -> Backup:
    """Build a run that captured so long ago, planned a day before; negative ages are to come."""
    moment = ago(age)
    name = f"nightly-{moment:%Y%m%dT%H%M%SZ}"
    usual: dict[str, Any] = {"name": name, "scheduled_for": moment, "created_at": moment - DAY}
    return backup(age, **{"backup_id": f"run-{moment:%Y%m%dT%H%M%S}", **usual, **facts})


def unnamed_run(age: timedelta, **facts: Any) -> Backup:
    """Build a row of a history that tells no moment of its run, only that it was planned so long ago."""
    return run(age, **{"name": None, "scheduled_for": None, "created_at": ago(age), "status": "Initializing"} | facts)


def backup(age: timedelta | None = DAY, **facts: Any) -> Backup:
    """Build a `Ready` backup taken by hand so long ago; without an age it tells no time."""
    moment = None if age is None else ago(age)
    usual: dict[str, Any] = {
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
    return Backup(**(usual | facts))


def daily_runs(count: int = 7, first: timedelta = 6 * HOUR, **facts: Any) -> list[Backup]:
    """Build daily runs, the newest so long ago."""
    return [run(first + number * DAY, **facts) for number in range(count)]


def planned_run(ahead: timedelta = 18 * HOUR, **facts: Any) -> Backup:
    """Build a run that is still to come, shown as `Scheduled`."""
    return run(-ahead, **{"status": "Scheduled", "record_count": None, "size_bytes": None, **facts})


def whole(rows: Iterable[Any], walks: int = 2) -> Listing[Any]:
    """Build a listing that so many walks came to the end of, and agree about."""
    return merge_reads([ListingRead(tuple(rows))] * walks)


def broken(rows: Iterable[Any] = ()) -> Listing[Any]:
    """Build a listing whose only walk broke off after these rows."""
    return merge_reads([ListingRead(tuple(rows), BROKEN)])


def disputed(first: Iterable[Any], second: Iterable[Any]) -> Listing[Any]:
    """Build a listing over which two walks showed these different rows."""
    return merge_reads([ListingRead(tuple(first)), ListingRead(tuple(second))])


@dataclass(frozen=True)
class IndexCase:
    """One index with all that belongs to it, before it is put into an inventory."""

    facts: IndexFacts
    listed: tuple[Backup, ...]
    histories: Mapping[str, Listing[Backup]] = field(default_factory=dict)


_NIGHTLY = (schedule(),)

type Schedules = Sequence[Schedule] | Listing[Schedule] | Denial | None


def index(  # noqa: PLR0913  an index has this many facts, all with a default
    name: str = "main",
    *,
    schedules: Schedules = _NIGHTLY,
    runs: Sequence[Backup] | Listing[Backup] | None = None,
    other_runs: Mapping[str, Sequence[Backup] | Listing[Backup]] | None = None,
    backups: Iterable[Backup] = (),
    listed: Iterable[Backup] | None = None,
    own: Listing[Backup] | Denial | None = None,
    deployment: Deployment = Deployment.SERVERLESS,
    walks: int = 2,
    **facts: Any,
) -> IndexCase:
    """Build an index. `runs` is the history of its first schedule, `other_runs` that of others by id.

    Listed are the runs that are not planned, and `backups`; `listed` replaces both. Without schedules there are no
    runs.
    """
    if isinstance(schedules, Sequence):
        schedules = whole(schedules, walks)
    known = schedules.rows if isinstance(schedules, Listing) else ()
    if runs is None:
        runs = [*daily_runs(), planned_run()] if known else []
    told = {it.schedule_id: () for it in known} | dict(other_runs or {})
    if known:
        told[known[0].schedule_id] = runs
    histories = {key: rows if isinstance(rows, Listing) else whole(rows, walks) for key, rows in told.items()}
    if listed is None:
        done = [row for history in histories.values() for row in history.rows if row.status != "Scheduled"]
        listed = [*done, *backups]
    rows = tuple(replace(row, index_name=name) for row in listed)
    return IndexCase(IndexFacts(Index(name, deployment, **facts), schedules, own), rows, histories)


def renamed(case: IndexCase, name: str) -> IndexCase:
    """Return the same index under another name, with ids of its own: a neighbour in the same project."""

    def moved(row: Backup) -> Backup:
        index_id = f"id-{name}" if row.index_id == "id-main" else f"{row.index_id}-{name}"
        return replace(row, backup_id=f"{name}-{row.backup_id}", index_id=index_id, index_name=name)

    told, own = case.facts.schedules, case.facts.own_backups
    if isinstance(own, Listing):
        own = replace(own, rows=tuple(moved(row) for row in own.rows))
    if isinstance(told, Listing):
        rows = [replace(it, schedule_id=f"{name}-{it.schedule_id}", index_id=f"id-{name}") for it in told.rows]
        told = replace(told, rows=tuple(rows))
    histories = {
        f"{name}-{key}": replace(history, rows=tuple(moved(row) for row in history.rows))
        for key, history in case.histories.items()
    }
    facts = replace(case.facts, index=replace(case.facts.index, name=name), schedules=told, own_backups=own)
    return IndexCase(facts, tuple(moved(row) for row in case.listed), histories)


def inventory(
    *cases: IndexCase, walks: int = 2, backups: Listing[Backup] | None = None, more: Iterable[Backup] = (), **facts: Any
) -> Inventory:
    """Build the inventory of some indexes; `backups` replaces the listing of their backups, `more` adds rows to it."""
    rows = [row for case in cases for row in case.listed]
    return Inventory(
        **{
            "observed_at": NOW,
            "project": "default",
            "indexes": tuple(sorted((case.facts for case in cases), key=lambda it: it.index.name)),
            "backups": whole([*rows, *more], walks) if backups is None else backups,
            "histories": {key: history for case in cases for key, history in case.histories.items()},
            "requests": 0,
            **facts,
        }
    )


def policy(*, under: Policy | None = None, **requirements: Any) -> Policy:
    """Build the built-in policy, with some requirements given by their own name (`min_copies=3`)."""
    defaults = Requirements()
    for part in fields(Requirements):
        section = getattr(defaults, part.name)
        mine = {it.name: requirements.pop(it.name) for it in fields(section) if it.name in requirements}
        defaults = replace(defaults, **{part.name: replace(section, **mine)})
    if requirements:
        raise TypeError(f"no such requirement: {', '.join(requirements)}")
    return replace(under or Policy("built-in", "0" * 64), defaults=defaults)


def judged(
    facts: IndexCase | Inventory, required: Policy | None = None, memory: ProjectState = EMPTY_STATE
) -> Evaluation:
    """Judge every control."""
    told = facts if isinstance(facts, Inventory) else inventory(facts)
    return evaluate_controls(told, required or policy(), CATALOG, memory)


def findings(
    control: str, facts: IndexCase | Inventory, required: Policy | None = None, memory: ProjectState = EMPTY_STATE
) -> dict[tuple[ResourceType, str], Finding]:
    """Judge one control on whatever it is judged for; by type, and by id for a deleted index, by name otherwise."""
    chosen = ControlCatalog(
        index_controls=tuple(it for it in CATALOG.index_controls if it.id == control),
        deleted_index_controls=tuple(it for it in CATALOG.deleted_index_controls if it.id == control),
        project_controls=tuple(it for it in CATALOG.project_controls if it.id == control),
    )
    told = facts if isinstance(facts, Inventory) else inventory(facts)
    found = evaluate_controls(told, required or policy(), chosen, memory).findings
    return {(it.resource.type, _key(it.resource)): it for it in found}


def _key(resource: Resource) -> str:
    return (resource.id or "") if resource.type is ResourceType.DELETED_INDEX else resource.name


def finding(
    control: str,
    facts: IndexCase | Inventory,
    memory: ProjectState = EMPTY_STATE,
    project: Mapping[str, Any] | None = None,
    **requirements: Any,
) -> Finding:
    """Judge one control on the only index, live or deleted, or on the project; `project` is required of the latter."""
    required = policy(**requirements)
    required = replace(required, project=replace(required.project, **(project or {})))
    (found,) = findings(control, facts, required, memory).values()
    return found


def compliance(
    control: str, facts: IndexCase | Inventory, memory: ProjectState = EMPTY_STATE, **requirements: Any
) -> Compliance:
    """Judge one control on the only index, or on the project, and return the bare verdict."""
    return finding(control, facts, memory, **requirements).compliance


def verdicts(facts: IndexCase | Inventory, required: Policy | None = None) -> dict[tuple[str, str], Compliance]:
    """Judge every control and return the bare verdicts by control and name."""
    return {(it.control, it.resource.name): it.compliance for it in judged(facts, required).findings}


def known(row: Backup, expires_at: datetime | None = None, **facts: Any) -> KnownBackup:
    """Build what is remembered of a backup: taken by hand, unless there is a moment at which it is to expire."""
    usual: dict[str, Any] = {
        "backup_id": row.backup_id,
        "index_id": row.index_id,
        "index_name": row.index_name,
        "name": row.name,
        "schedule_id": None,
        "captured_at": row.scheduled_for or row.created_at,
        "expires": expires_at is not None,
        "expires_at": expires_at,
        "known_since": ago(DAY),
    }
    return KnownBackup(**(usual | facts))


def remembering(*backups: KnownBackup, **facts: Any) -> ProjectState:
    """Build the memory of an audit a day ago that saw these backups."""
    return ProjectState(
        **{
            "revision": 1,
            "observed_at": ago(DAY),
            "complete_at": ago(DAY),
            "backups": {it.backup_id: it for it in backups},
            **facts,
        }
    )


def watched(facts: IndexCase | Inventory, since: datetime | None = None, **memory: Any) -> ProjectState:
    """Build the memory of audits that saw the schedules as they are since their creation, or since a moment."""
    told = facts if isinstance(facts, Inventory) else inventory(facts)
    schedules = {
        it.schedule_id: KnownSchedule(
            schedule_id=it.schedule_id,
            index_name=one.index.name,
            name=it.name,
            frequency=it.frequency,
            retention=it.retention,
            enabled=it.enabled,
            since=since or it.created_at or ago(10 * DAY),
        )
        for one in told.indexes
        for it in list_rows(one.schedules)
    }
    return remembering(**{"schedules": schedules} | memory)
