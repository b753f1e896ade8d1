"""A neglected project: more than twenty different faults in some thirty indexes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from backup_auditor_simulator.model import Backup, BackupState, IndexKind, RunOutcome, Schedule
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.builder import (
    BYOC,
    DAY,
    HOUR,
    ScheduledIndex,
    Script,
    add_backup,
    add_index,
    add_pause,
)

type Step = Callable[[Script, str], None]
"""A part of the life of the index of a name."""
type Change = Callable[[SimulatedProject, str], object]

_PRODUCTION = {"tags": {"env": "prod"}}


def create_scheduled(**options: Any) -> Step:  # noqa: ANN401  whatever a scheduled index has
    """Create the index with a schedule."""
    return lambda script, name: ScheduledIndex(name=name, **options).add_to(script)


def create_unscheduled(age: timedelta, **traits: Any) -> Step:  # noqa: ANN401  whatever an index has
    """Create the index without a schedule."""
    return lambda script, name: add_index(script, name, age, **traits)


def back_up(age: timedelta) -> Step:
    """Take a manual backup."""
    return lambda script, name: add_backup(script, name, age)


def pause(age: timedelta) -> Step:
    """Pause every schedule of the index."""
    return lambda script, name: add_pause(script, name, age)


def apply_change(age: timedelta, change: Change) -> Step:
    """Change something about the index."""
    return lambda script, name: script.add_change(age, lambda project: change(project, name))


def _list_schedules(project: SimulatedProject, name: str) -> list[Schedule]:
    return list(project.get_index(name).schedules.values())


def _list_ready_backups(project: SimulatedProject, name: str) -> list[Backup]:
    return [it for it in project.get_index(name).backups.values() if it.state is BackupState.READY]


def _set_counts(records: int, namespaces: int) -> Change:
    def set_counts(project: SimulatedProject, name: str) -> None:
        index = project.get_index(name)
        index.records, index.namespaces = records, namespaces

    return set_counts


def _resume_schedules(project: SimulatedProject, name: str) -> None:
    for schedule in _list_schedules(project, name):
        project.update_schedule(schedule.id, enabled=True)


def _shorten_retention(project: SimulatedProject, name: str) -> None:
    for schedule in _list_schedules(project, name):
        project.force_retention(schedule, timedelta(days=9))


def _remove_next_run(project: SimulatedProject, name: str) -> None:
    for schedule in _list_schedules(project, name):
        project.force_next_run(schedule, None)


def _show_scheduled_status(project: SimulatedProject, name: str) -> None:
    for schedule in _list_schedules(project, name):
        if schedule.scheduled_run is not None:
            project.force_status(schedule.scheduled_run, "Scheduled")


def _show_unknown_status(project: SimulatedProject, name: str) -> None:
    project.force_status(_list_ready_backups(project, name)[-4], "Quarantined")


def _delete_older_backups(project: SimulatedProject, name: str) -> None:
    for backup in _list_ready_backups(project, name)[:-1]:
        project.delete_backup(backup.id)


def _recreate_index(project: SimulatedProject, name: str) -> None:
    project.delete_index(name)
    project.create_index(name)
    project.create_schedule(name, "nightly", retention_days=14)


def _create_second_schedule(project: SimulatedProject, name: str) -> None:
    project.create_schedule(name, "nightly-2", retention_days=14, is_second_allowed=True)


def _create_bad_paused_and_good_schedule(project: SimulatedProject, name: str) -> None:
    bad_schedule = project.create_schedule(name, "an-experiment-nobody-cleaned-up", "monthly", 1)
    project.update_schedule(bad_schedule.id, enabled=False)
    project.create_schedule(name, "nightly", retention_days=14)


_BEFORE_NEWEST_RUN = 6 * HOUR
"""The newest run of a scheduled index was due an hour later."""
_WEEKLY = {"days": 56, "schedule_name": "weekly", "frequency": "weekly"}

_INDEXES: dict[str, tuple[Step, ...]] = {
    "orders": (create_unscheduled(12 * DAY, **_PRODUCTION),),
    "price-history": (create_unscheduled(90 * DAY), back_up(21 * DAY), back_up(20 * DAY)),
    "checkout-recs": (create_scheduled(traits=_PRODUCTION), pause(9 * DAY)),
    "support-tickets": (create_scheduled(days=30), apply_change(30 * DAY + 4 * HOUR, _create_second_schedule)),
    "invoices-archive": (create_scheduled(**_WEEKLY, retention_days=60, since_run=3 * DAY),),
    "ad-creatives": (create_scheduled(**_WEEKLY, retention_days=10, since_run=2 * DAY),),
    "newsletter-topics": (create_scheduled(**_WEEKLY, retention_days=7, since_run=3 * DAY),),
    "chat-memory": (create_scheduled(retention_days=3),),
    "legal-contracts": (create_scheduled(days=30, retention_days=730),),
    "knowledge-base": (create_scheduled(days=20, schedule_name="knowledge-base-nightly-protection"),),
    "reviews-sentiment": (create_scheduled(), apply_change(2 * HOUR, _remove_next_run)),
    "inventory-sync": (
        create_scheduled(outcomes={1: RunOutcome.NOT_STARTED}),
        apply_change(HOUR, _show_scheduled_status),
    ),
    "store-locator": (create_scheduled(days=10, outcomes=dict.fromkeys(range(10), RunOutcome.SKIPPED)),),
    "ad-targeting": (create_scheduled(outcomes=dict.fromkeys((0, 1), RunOutcome.FAILED)),),
    "image-captions": (create_scheduled(since_run=HOUR, outcomes={0: RunOutcome.FAILED}),),
    "geo-places": (create_scheduled(), apply_change(2 * HOUR, _delete_older_backups)),
    "voice-transcripts": (create_scheduled(outcomes=dict.fromkeys((4, 5), RunOutcome.SKIPPED)),),
    "email-dedupe": (create_scheduled(since_run=18 * HOUR, outcomes={0: RunOutcome.STUCK}),),
    "loyalty-members": (create_scheduled(), apply_change(3 * HOUR, _recreate_index)),
    "feature-store": (create_scheduled(), apply_change(2 * HOUR, _show_unknown_status)),
    # a clean-up deleted more than it should
    "user-profiles": (
        create_scheduled(traits={"records": 400_000, "namespaces": 8}),
        apply_change(_BEFORE_NEWEST_RUN, _set_counts(230_000, 8)),
    ),
    # the namespaces of some tenants are missing, small ones
    "tenant-memory": (
        create_scheduled(traits={"records": 300_000, "namespaces": 40}),
        apply_change(_BEFORE_NEWEST_RUN, _set_counts(296_000, 31)),
    ),
    # imported several times
    "clickstream-events": (
        create_scheduled(traits={"records": 90_000, "namespaces": 4}),
        apply_change(_BEFORE_NEWEST_RUN, _set_counts(420_000, 4)),
    ),
    # backed up every night, and never filled
    "recipe-ideas": (create_scheduled(traits={"records": 0, "namespaces": 1}),),
    "query-logs": (create_scheduled(), apply_change(DAY, _shorten_retention)),
    "catalog-search": (create_scheduled(traits=_PRODUCTION),),
    "product-images": (create_scheduled(retention_days=7, since_run=20 * HOUR, traits=BYOC),),
    "session-features": (create_unscheduled(400 * DAY, kind=IndexKind.POD, environment="us-east1-gcp"),),
    "returns-triage": (create_scheduled(days=0, since_run=4 * HOUR),),
    "payments-risk": (
        create_unscheduled(60 * DAY),
        apply_change(40 * DAY + 6 * HOUR, _create_bad_paused_and_good_schedule),
    ),
    # deleted and created again long ago
    "image-tags": (
        create_unscheduled(50 * DAY),
        back_up(28 * DAY),
        apply_change(27 * DAY, SimulatedProject.delete_index),
        create_scheduled(days=26),
    ),
    # paused for an hour
    "search-logs": (create_scheduled(), pause(3 * DAY + 2 * HOUR), apply_change(3 * DAY + HOUR, _resume_schedules)),
    "fraud-graph": (create_scheduled(outcomes={3: RunOutcome.FAILED}),),
    "spring-campaign": (
        create_unscheduled(25 * DAY),
        back_up(20 * DAY),
        apply_change(10 * DAY, SimulatedProject.delete_index),
    ),
    "winter-campaign": (
        create_unscheduled(120 * DAY),
        back_up(76 * DAY),
        back_up(75 * DAY),
        apply_change(70 * DAY, SimulatedProject.delete_index),
    ),
}
"""The life of each index; the last two are deleted, and have backups for a while, or longer than for any use."""


def build_neglected(now: datetime, *, seed: int = 0) -> SimulatedProject:
    """Build the neglected project as of a time."""
    # Its backup listing shows planned runs, and the service lets backups be kept for years.
    options = SimulatorOptions(lists_scheduled_runs=True, max_retention=timedelta(days=3650), index_quota=None)
    script = Script(now, seed=seed, options=options)
    for name, steps in _INDEXES.items():
        for step in steps:
            step(script, name)
    return script.build_project()
