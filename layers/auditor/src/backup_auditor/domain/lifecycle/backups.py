"""Which backups are remembered, and until when each should exist by the retention known since."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from backup_auditor.domain.facts import Backup, Schedule
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Listing, known_rows
from backup_auditor.domain.memory import KnownBackup
from backup_auditor.domain.moments import moment_in_run_name
from backup_auditor.domain.phase import Phase, phase_of_status, run_moment


def remembered_backups(known: Mapping[str, KnownBackup], inventory: Inventory) -> dict[str, KnownBackup]:
    """Return the backups to remember after an audit; one that is incomplete adds what it saw and forgets nothing."""
    expiries = _Expiries(inventory)
    found: dict[str, KnownBackup] = {}
    listed: set[str] = set()
    for row in _listed(inventory):
        before = found.get(row.backup_id) or known.get(row.backup_id)
        listed.add(row.backup_id)
        if before is not None or phase_of_status(row.status) is Phase.READY:
            found[row.backup_id] = expiries.listed(row, before)
    is_complete = not inventory.unread
    for backup_id, before in known.items():
        if backup_id not in listed:
            after = expiries.missed(before)
            if not (is_complete and _is_over(after, inventory.observed_at)):
                found[backup_id] = after
    return found


def _listed(inventory: Inventory) -> Iterator[Backup]:
    yield from inventory.backups.rows
    for facts in inventory.indexes:
        yield from known_rows(facts.own_backups)


def _is_over(backup: KnownBackup, observed_at: datetime) -> bool:
    """Tell whether a backup that is not listed need not be: it has expired, or nothing tells that it has not."""
    if backup.expires is False:
        return False
    return backup.expires_at is None or backup.expires_at <= observed_at


class _Expiries:
    """The retentions and the runs of one inventory, as the expiry of a backup needs them."""

    def __init__(self, inventory: Inventory) -> None:
        self._observed_at = inventory.observed_at
        self._schedules: dict[str, Schedule] = {}
        self._runs: dict[str, tuple[Schedule, Backup]] = {}
        self._doubtful = set[str]()
        self._is_all_doubtful = inventory.indexes_unread is not None
        for facts in inventory.indexes:
            for schedule in known_rows(facts.schedules):
                self._schedules[schedule.schedule_id] = schedule
                for row in known_rows(inventory.histories.get(schedule.schedule_id)):
                    self._runs[row.backup_id] = schedule, row
            if _may_hide_runs(facts, inventory.histories):
                self._doubtful.add(facts.index.name)

    def listed(self, row: Backup, before: KnownBackup | None) -> KnownBackup:
        """Return what is known of a backup that is listed: its schedule's present retention decides."""
        schedule, run = self._runs.get(row.backup_id, (None, None))
        captured_at = before.captured_at if before else None
        if captured_at is None:
            captured_at = run_moment(row) or (run_moment(run) if run else None) or row.created_at
        schedule_id = schedule.schedule_id if schedule else before.schedule_id if before else None
        expires = before.expires if before else None
        expires_at = before.expires_at if before else None
        if schedule_id is not None:
            expires = True
            expires_at = self._by_schedule(schedule_id, captured_at) or expires_at
        elif moment_in_run_name(row.name) is None and not self._is_doubtful(row.index_name):
            expires, expires_at = False, None
        if before is None:
            return KnownBackup(
                backup_id=row.backup_id,
                index_id=row.index_id,
                index_name=row.index_name,
                name=row.name,
                schedule_id=schedule_id,
                captured_at=captured_at,
                expires=expires,
                expires_at=expires_at,
                known_since=self._observed_at,
            )
        told = captured_at, schedule_id, expires, expires_at
        if told == (before.captured_at, before.schedule_id, before.expires, before.expires_at):
            return before
        return replace(before, captured_at=captured_at, schedule_id=schedule_id, expires=expires, expires_at=expires_at)

    def missed(self, before: KnownBackup) -> KnownBackup:
        """Return what is known of one that is not listed; a shorter retention explains that, a longer one does not."""
        expires_at = self._by_schedule(before.schedule_id, before.captured_at) if before.schedule_id else None
        if expires_at is None or (before.expires_at is not None and before.expires_at <= expires_at):
            return before
        return replace(before, expires_at=expires_at)

    def _by_schedule(self, schedule_id: str, captured_at: datetime | None) -> datetime | None:
        schedule = self._schedules.get(schedule_id)
        retention: timedelta | None = schedule.retention if schedule else None
        if captured_at is None or retention is None:
            return None
        try:
            return captured_at + retention
        except OverflowError:  # longer than time itself
            return None

    def _is_doubtful(self, index_name: str) -> bool:
        return self._is_all_doubtful or index_name in self._doubtful


def _may_hide_runs(facts: IndexFacts, histories: Mapping[str, Listing[Backup]]) -> bool:
    """Tell whether a run of an index may be unknown, so that nothing can be called manual."""
    if isinstance(facts.schedules, Listing) and facts.schedules.broken is not None:
        return True
    told = (histories.get(it.schedule_id) for it in known_rows(facts.schedules))
    return any(it is None or it.broken is not None for it in told)
