"""Which backups are remembered, and until when each should exist by the retention known since."""

from dataclasses import replace
from datetime import datetime

from backup_auditor.domain.expiry import Expiries
from backup_auditor.domain.facts import Backup
from backup_auditor.domain.memory import KnownBackup
from backup_auditor.domain.phase import Phase, capture_time, phase_of_status, run_moment
from backup_auditor.domain.project_subject import ProjectSubject
from backup_auditor.domain.survival import Survival, is_replaced, survival_of


def remembered_backups(project: ProjectSubject) -> dict[str, KnownBackup]:
    """Return the backups to remember after an audit; one that is incomplete adds what it saw and forgets nothing."""
    known, inventory, expiries = project.memory.backups, project.inventory, project.expiries
    found: dict[str, KnownBackup] = {}
    listed: set[str] = set()
    runs = {row.backup_id: row for history in inventory.histories.values() for row in history.rows}
    for row in inventory.listed_backups():
        before = known.get(row.backup_id)
        listed.add(row.backup_id)
        if before is not None or phase_of_status(row.status) is Phase.READY:
            captured_at = (before and before.captured_at) or _captured_at(
                row, runs.get(row.backup_id), inventory.observed_at
            )
            found[row.backup_id] = _seen(row, captured_at, before, expiries, inventory.observed_at)
    is_complete = not inventory.unread
    for backup_id, before in known.items():
        if backup_id not in listed:
            after = _missed(expiries.shortened(before), project)  # a shorter retention explains that it is not listed
            if not (is_complete and (after.is_over(inventory.observed_at) or is_replaced(after, project))):
                found[backup_id] = after
    return found


def _missed(known: KnownBackup, project: ProjectSubject) -> KnownBackup:
    """Return a backup that is not listed, with when it was first missed, if two whole walks agree that it is gone."""
    backups = project.inventory.backups
    is_confirmed = backups.broken is None and backups.walks > 1 and known.index_name not in project.disputed_names
    if known.missed_at is not None or not is_confirmed or survival_of(known, project) is not Survival.EXPECTED:
        return known
    return replace(known, missed_at=project.observed_at)


def _captured_at(row: Backup, run: Backup | None, observed_at: datetime) -> datetime | None:
    """Return when the data was taken: the moment of the run, which its history alone may tell, else the row's own."""
    moment = run_moment(row) or (run_moment(run) if run else None) or row.created_at
    return capture_time(Phase.READY, moment, observed_at)


def _seen(
    row: Backup, captured_at: datetime | None, before: KnownBackup | None, expiries: Expiries, observed_at: datetime
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
