"""Snapshots of backups, indexes and schedules that the state keeps for the next audit."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from backup_auditor.domain.backup_status import BackupPhase, capture_time, phase_of_status, run_moment
from backup_auditor.domain.evaluation.expiry import BackupExpiries
from backup_auditor.domain.evaluation.presence import ExpectedPresence, expected_presence, is_replaced
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Finding, ResourceType
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Listing, ListingId, ListingKind, known_rows
from backup_auditor.domain.model import Backup, Index
from backup_auditor.domain.project_state import KnownBackup, KnownIndex, KnownSchedule, ProjectState
from backup_auditor.domain.settings_history import observed, pruned


def snapshot_backups(project: ProjectContext) -> dict[str, KnownBackup]:
    """Return the backups to remember after an audit; one that is incomplete adds what it saw and forgets nothing."""
    known, inventory, expiries = project.memory.backups, project.inventory, project.expiries
    found: dict[str, KnownBackup] = {}
    listed: set[str] = set()
    runs = {row.backup_id: row for history in inventory.histories.values() for row in history.rows}
    for row in inventory.listed_backups():
        before = known.get(row.backup_id)
        listed.add(row.backup_id)
        if before is not None or phase_of_status(row.status) is BackupPhase.READY:
            captured_at = (before and before.captured_at) or _captured_at(
                row, runs.get(row.backup_id), inventory.observed_at
            )
            found[row.backup_id] = _listed_backup(row, captured_at, before, expiries, inventory.observed_at)
    is_complete = not inventory.unread
    for backup_id, before in known.items():
        if backup_id not in listed:
            after = _missed(expiries.shortened(before), project)  # a shorter retention explains that it is not listed
            if not (is_complete and (after.is_over(inventory.observed_at) or is_replaced(after, project))):
                found[backup_id] = after
    return found


def _missed(known: KnownBackup, project: ProjectContext) -> KnownBackup:
    """Return a backup that is not listed, with when it was first missed, if two whole walks agree that it is gone."""
    backups = project.inventory.backups
    is_confirmed = backups.broken is None and backups.walks > 1 and known.index_name not in project.disputed_names
    if (
        known.missed_at is not None
        or not is_confirmed
        or expected_presence(known, project) is not ExpectedPresence.EXPECTED
    ):
        return known
    return replace(known, missed_at=project.observed_at)


def _captured_at(row: Backup, run: Backup | None, observed_at: datetime) -> datetime | None:
    """Return when the data was taken: the moment of the run, which its history alone may tell, else the row's own."""
    moment = run_moment(row) or (run_moment(run) if run else None) or row.created_at
    return capture_time(BackupPhase.READY, moment, observed_at)


def _listed_backup(
    row: Backup,
    captured_at: datetime | None,
    before: KnownBackup | None,
    expiries: BackupExpiries,
    observed_at: datetime,
) -> KnownBackup:
    """Return what is known of a backup that is listed: the present retention of its schedule decides."""
    maker = expiries.maker(row.backup_id)
    expiry = expiries.of(row, captured_at)
    if before is None:
        return KnownBackup(
            backup_id=row.backup_id,
            index_id=row.index_id,
            index_name=row.index_name,
            name=row.name,
            schedule_id=maker.schedule_id if maker else None,
            captured_at=captured_at,
            expires=expiry.expires,
            expires_at=expiry.at,
            known_since=observed_at,
        )
    after = (
        maker.schedule_id if maker else before.schedule_id,
        captured_at,
        before.expires if expiry.expires is None else expiry.expires,
        None if expiry.expires is False else expiry.at or before.expires_at,
    )
    if before.missed_at is None and after == (
        before.schedule_id,
        before.captured_at,
        before.expires,
        before.expires_at,
    ):
        return before
    schedule_id, captured_at, expires, expires_at = after
    return replace(
        before,
        schedule_id=schedule_id,
        captured_at=captured_at,
        expires=expires,
        expires_at=expires_at,
        missed_at=None,
    )


def snapshot_indexes(
    known: Mapping[str, KnownIndex], inventory: Inventory, findings: tuple[Finding, ...]
) -> dict[str, KnownIndex]:
    """Return the live indexes; what this audit could not tell of one stays as it was, until it is gone."""
    ids = {it.resource.name: it.resource.id for it in findings if it.resource.type is ResourceType.INDEX}
    told = (facts.index for facts in inventory.indexes)
    found = {it.name: _index(it, ids.get(it.name), known.get(it.name), inventory.observed_at) for it in told}
    leaving = known.keys() & inventory.terminating_names - found.keys()
    return found | {name: known[name] for name in sorted(leaving)}


def _index(index: Index, index_id: str | None, before: KnownIndex | None, observed_at: datetime) -> KnownIndex:
    if before is None:
        return KnownIndex(index.name, index_id, observed_at, index.deletion_protection)
    is_other = index_id is not None and before.index_id is not None and index_id != before.index_id
    return KnownIndex(
        name=index.name,
        index_id=index_id or before.index_id,
        first_seen=observed_at if is_other else before.first_seen,
        deletion_protection=_first(index.deletion_protection, None if is_other else before.deletion_protection),
    )


def snapshot_schedules(memory: ProjectState, inventory: Inventory) -> dict[str, KnownSchedule]:
    """Return the schedules to remember after an audit.

    What an audit read of a schedule is a fact, whether or not it read everything: its settings are compared with those
    known before. Only a complete audit forgets one: that of an index that is gone, or one that two walks missed.
    """
    found: dict[str, KnownSchedule] = {}
    answers = {facts.index.name: facts for facts in inventory.indexes}
    for name, facts in answers.items():
        for schedule in known_rows(facts.schedules):
            before = memory.schedules.get(schedule.schedule_id)
            seen = observed(schedule, name, before, memory.seen_at(before), inventory.observed_at)
            found[schedule.schedule_id] = pruned(seen, inventory.observed_at)
    for schedule_id, before in memory.schedules.items():
        told = answers.get(before.index_name)
        is_leaving = told is None and before.index_name in inventory.terminating_names
        is_gone = not inventory.unread and not is_leaving and (told is None or _proves_absence(told))
        if schedule_id not in found and not is_gone:
            found[schedule_id] = _unread(before, memory)
    return found


def _unread(before: KnownSchedule, memory: ProjectState) -> KnownSchedule:
    """Return a schedule that an audit did not read, with the last audit that did."""
    seen_at = memory.seen_at(before)
    if before.seen_at == seen_at and before.since is not None:
        return before
    return replace(before, since=before.since or seen_at, seen_at=seen_at)


def _proves_absence(facts: IndexFacts) -> bool:
    """Tell whether a schedule that is not among an index's is gone; a refusal tells nothing of what is there."""
    if facts.schedules is None:
        return True
    return isinstance(facts.schedules, Listing) and facts.schedules.broken is None and facts.schedules.walks > 1


def unconfirmed_schedule_listings(known: Mapping[str, KnownSchedule], inventory: Inventory) -> frozenset[ListingId]:
    """Return the listings of schedules that a second walk should confirm: a schedule that was known is not there."""
    names = {it.index_name for it in known.values()}
    found = set[ListingId]()
    for facts in inventory.indexes:
        if facts.index.name not in names or not isinstance(facts.schedules, Listing):
            continue
        if facts.schedules.walks > 1 or facts.schedules.broken is not None:
            continue
        listed = {it.schedule_id for it in facts.schedules.rows}
        if any(it.index_name == facts.index.name and it.schedule_id not in listed for it in known.values()):
            found.add(ListingId(ListingKind.SCHEDULES, facts.index.name))
    return frozenset(found)


def _first[Fact](told: Fact | None, before: Fact | None) -> Fact | None:
    return before if told is None else told
