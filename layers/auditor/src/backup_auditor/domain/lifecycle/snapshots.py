"""Take the snapshots that the state stores for the next audit, and compare the settings of two complete audits."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from backup_auditor.domain.backup_status import BackupPhase, compute_capture_time, find_run_moment, parse_phase
from backup_auditor.domain.evaluation.index import is_expected, is_replaced
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Finding, Resource, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Denial, Listing, list_rows
from backup_auditor.domain.model import Backup, Frequency, Index, Schedule
from backup_auditor.domain.project_state import (
    Drift,
    KnownBackup,
    KnownIndex,
    KnownSchedule,
    ProjectState,
)
from backup_auditor.domain.settings_history import find_settings_at, observe_schedule, prune_settings
from backup_auditor.domain.timefmt import EARLIEST_MOMENT, to_days


def snapshot_backups(project: ProjectContext) -> dict[str, KnownBackup]:
    """Return the backups for the state. An incomplete audit adds what it read and removes nothing."""
    known_backups, inventory, expiries = project.state.backups, project.inventory, project.expiries
    backups: dict[str, KnownBackup] = {}
    listed_ids: set[str] = set()
    runs_by_id = {row.backup_id: row for history in inventory.histories.values() for row in history.rows}
    for row in inventory.iter_listed_backups():
        known_backup = known_backups.get(row.backup_id)
        listed_ids.add(row.backup_id)
        if known_backup is not None or parse_phase(row.status) is BackupPhase.READY:
            captured_at = (known_backup and known_backup.captured_at) or _find_capture_time(
                row, runs_by_id.get(row.backup_id), inventory.observed_at
            )
            backups[row.backup_id] = _update_listed_backup(row, captured_at, known_backup, project)
    is_complete = not inventory.read_failures
    for backup_id, known_backup in known_backups.items():
        if backup_id not in listed_ids:
            # a shorter retention can explain why it is not listed
            missing_backup = _mark_missed(expiries.with_current_retention(known_backup), project)
            is_done = missing_backup.is_no_longer_expected(inventory.observed_at)
            if not (is_complete and (is_done or is_replaced(missing_backup, project))):
                backups[backup_id] = missing_backup
    return backups


def _mark_missed(backup: KnownBackup, project: ProjectContext) -> KnownBackup:
    """Return an unlisted backup, with the time when it was first missed if two complete reads confirm its absence."""
    listing = project.inventory.backups
    is_absence_confirmed = (
        listing.failure is None and listing.read_count > 1 and backup.index_name not in project.names_with_changed_rows
    )
    if backup.missed_at is not None or not is_absence_confirmed or not is_expected(backup, project):
        return backup
    return replace(backup, missed_at=project.observed_at)


def _find_capture_time(row: Backup, run: Backup | None, observed_at: datetime) -> datetime | None:
    """Return the capture time: of the run, which only its history may have, else of the row."""
    moment = find_run_moment(row) or (find_run_moment(run) if run else None) or row.created_at
    return compute_capture_time(BackupPhase.READY, moment, observed_at)


def _update_listed_backup(
    row: Backup, captured_at: datetime | None, known_backup: KnownBackup | None, project: ProjectContext
) -> KnownBackup:
    """Return the record of a listed backup. The current retention of its schedule gives its expiry."""
    schedule = project.expiries.find_schedule(row.backup_id)
    expiry = project.expiries.find_expiry(row, captured_at)
    if known_backup is None:
        return KnownBackup(
            backup_id=row.backup_id,
            index_id=row.index_id,
            index_name=row.index_name,
            name=row.name,
            schedule_id=schedule.schedule_id if schedule else None,
            captured_at=captured_at,
            expires=expiry.expires,
            expires_at=expiry.expires_at,
            known_since=project.observed_at,
        )
    changes: dict[str, Any] = {
        "schedule_id": schedule.schedule_id if schedule else known_backup.schedule_id,
        "captured_at": captured_at,
        "expires": known_backup.expires if expiry.expires is None else expiry.expires,
        "expires_at": None if expiry.expires is False else expiry.expires_at or known_backup.expires_at,
        "missed_at": None,
    }
    is_changed = any(getattr(known_backup, name) != value for name, value in changes.items())
    return replace(known_backup, **changes) if is_changed else known_backup


def snapshot_indexes(
    known_indexes: Mapping[str, KnownIndex], inventory: Inventory, findings: tuple[Finding, ...]
) -> dict[str, KnownIndex]:
    """Return the live indexes. A fact that this audit could not read keeps its earlier value."""
    ids_by_name = {it.resource.name: it.resource.id for it in findings if it.resource.type is ResourceType.INDEX}
    live_indexes = (facts.index for facts in inventory.indexes)
    indexes = {
        it.name: _snapshot_index(it, ids_by_name.get(it.name), known_indexes.get(it.name), inventory.observed_at)
        for it in live_indexes
    }
    unaudited_names = known_indexes.keys() & inventory.unaudited_names - indexes.keys()
    return indexes | {name: known_indexes[name] for name in sorted(unaudited_names)}


def _snapshot_index(
    index: Index, index_id: str | None, known_index: KnownIndex | None, observed_at: datetime
) -> KnownIndex:
    if known_index is None:
        return KnownIndex(index.name, index_id, observed_at, index.deletion_protection)
    is_other_index = index_id is not None and known_index.index_id is not None and index_id != known_index.index_id
    return KnownIndex(
        name=index.name,
        index_id=index_id or known_index.index_id,
        first_seen=observed_at if is_other_index else known_index.first_seen,
        deletion_protection=known_index.deletion_protection
        if index.deletion_protection is None and not is_other_index
        else index.deletion_protection,
    )


def snapshot_schedules(state: ProjectState, inventory: Inventory) -> dict[str, KnownSchedule]:
    """Return the schedules for the state.

    Settings that an audit read are facts even if the audit is incomplete. Only a complete audit removes a schedule:
    if its index no longer exists, or if two reads did not list it.
    """
    schedules: dict[str, KnownSchedule] = {}
    facts_by_name = {facts.index.name: facts for facts in inventory.indexes}
    for name, facts in facts_by_name.items():
        for schedule in list_rows(facts.schedules):
            known_schedule = state.schedules.get(schedule.schedule_id)
            observed_schedule = observe_schedule(
                schedule, name, known_schedule, state.find_seen_at(known_schedule), inventory.observed_at
            )
            schedules[schedule.schedule_id] = prune_settings(observed_schedule, inventory.observed_at)
    for schedule_id, known_schedule in state.schedules.items():
        index_facts = facts_by_name.get(known_schedule.index_name)
        is_unaudited = index_facts is None and known_schedule.index_name in inventory.unaudited_names
        is_gone = (
            not inventory.read_failures
            and not is_unaudited
            and (index_facts is None or _proves_absence(index_facts.schedules))
        )
        if schedule_id not in schedules and not is_gone:
            seen_at = state.find_seen_at(known_schedule)  # the last audit that read it
            schedules[schedule_id] = replace(known_schedule, since=known_schedule.since or seen_at, seen_at=seen_at)
    return schedules


def _proves_absence(answer: Listing[Schedule] | Denial | None) -> bool:
    """Return whether a schedule that is not listed no longer exists. A refused call proves nothing."""
    return answer is None or (isinstance(answer, Listing) and answer.failure is None and answer.read_count > 1)


def find_drift(before: ProjectState, after: ProjectState, project: Resource) -> tuple[Drift, ...]:
    """Return the changes since the last complete audit; none if there was no complete audit before."""
    if before.complete_at is None:
        return ()
    drift = [*_find_index_drift(before, after, project.project), *_find_schedule_drift(before, after, project.project)]
    drift.sort(key=lambda it: (it.resource.name, it.change, repr(it.before), repr(it.after)))
    if before.policy_sha256 != after.policy_sha256:
        drift.append(Drift("policy changed", project, before.policy_sha256, after.policy_sha256))
    return tuple(drift)


def _find_index_drift(before: ProjectState, after: ProjectState, project: str) -> Iterator[Drift]:
    for name in before.indexes.keys() | after.indexes.keys():
        old, new = before.indexes.get(name), after.indexes.get(name)
        resource = _create_resource(new or old, project, name)
        if old is None or new is None:
            yield Drift(
                "index disappeared" if old else "index appeared", resource, _describe_index(old), _describe_index(new)
            )
            continue
        if old.index_id is not None and old.index_id != new.index_id:
            yield Drift("index re-created", resource, _describe_index(old), _describe_index(new))
        old_protection, new_protection = old.deletion_protection, new.deletion_protection
        if None not in (old_protection, new_protection) and old_protection != new_protection:
            change = f"deletion protection turned {'on' if new_protection else 'off'}"
            yield Drift(change, resource, old_protection, new_protection)


def _create_resource(index: KnownIndex | None, project: str, name: str) -> Resource:
    return Resource(ResourceType.INDEX, project, name, index.index_id if index else None)


def _describe_index(index: KnownIndex | None) -> dict[str, object] | None:
    return None if index is None else {"id": index.index_id, "deletion_protection": index.deletion_protection}


def _find_schedule_drift(before: ProjectState, after: ProjectState, project: str) -> Iterator[Drift]:
    """Compare the schedules of indexes that both audits saw. Other schedules came or went with their index."""
    old_schedules, new_schedules = _find_previous_schedules(before), after.schedules
    for schedule_id in old_schedules.keys() | new_schedules.keys():
        old, new = old_schedules.get(schedule_id), new_schedules.get(schedule_id)
        name = (new or old_schedules[schedule_id]).index_name
        if name not in before.indexes or name not in after.indexes:
            continue
        resource = _create_resource(after.indexes[name], project, name)
        if old is None or new is None:
            change = "schedule deleted" if old else "schedule created"
            yield Drift(change, resource, _describe_settings(old), _describe_settings(new))
            continue
        for change, setting in _find_changes(old, new):
            yield Drift(change, resource, _describe_settings(old, setting), _describe_settings(new, setting))


def _find_previous_schedules(before: ProjectState) -> dict[str, KnownSchedule]:
    """Return the schedules as the last complete audit saw them. An incomplete one may have seen changes since."""
    complete_at = before.complete_at or EARLIEST_MOMENT
    schedules = ((key, find_settings_at(it, complete_at)) for key, it in before.schedules.items())
    return {key: it for key, it in schedules if it is not None}


def _find_changes(old: KnownSchedule, new: KnownSchedule) -> Iterator[tuple[str, str]]:
    if old.enabled is not None and old.enabled != new.enabled:
        yield "schedule resumed" if new.enabled else "schedule paused", "enabled"
    if old.frequency is not None and old.frequency != new.frequency:
        yield _describe_frequency_change(old.frequency, new.frequency), "frequency"
    if old.retention is not None and new.retention is not None and old.retention != new.retention:
        if new.retention < old.retention:
            yield "schedule retention lowered: existing backups now expire earlier", "retention_days"
        else:
            yield "schedule retention raised: existing backups now expire later", "retention_days"


def _describe_frequency_change(old_text: str, new_text: str | None) -> str:
    old_frequency, new_frequency = Frequency.parse(old_text), Frequency.parse(new_text)
    if old_frequency is None or new_frequency is None or old_frequency is new_frequency:
        return "schedule frequency changed"
    return "schedule frequency lowered" if new_frequency.is_slower_than(old_frequency) else "schedule frequency raised"


def _describe_settings(schedule: KnownSchedule | None, setting: str | None = None) -> Mapping[str, object] | None:
    if schedule is None:
        return None
    values = {
        "enabled": schedule.enabled,
        "frequency": schedule.frequency,
        "retention_days": None if schedule.retention is None else to_days(schedule.retention),
    }
    selected_values = {name: value for name, value in values.items() if setting in (None, name)}
    return {"schedule": schedule.name, "schedule_id": schedule.schedule_id, **selected_values}
