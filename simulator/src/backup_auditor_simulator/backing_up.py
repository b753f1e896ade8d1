"""How backups are made, finish, expire and are deleted."""

from datetime import datetime, timedelta

from backup_auditor_simulator.conduct import CustomerKeys
from backup_auditor_simulator.errors import denied, forbidden, invalid, precondition_failed
from backup_auditor_simulator.model import Backup, Index, Kind, Schedule, State
from backup_auditor_simulator.state import ProjectState, need_name

_CUSTOMER_KEY = "Backups are not supported for indexes that are encrypted with a customer-managed key."
_BYTES_PER_DIMENSION = 4
_BYTES_PER_RECORD = 240


class BackingUp(ProjectState):
    """The rules of backups."""

    def create_backup(self, index_name: str, name: str | None = None, description: str | None = None) -> Backup:
        """Begin a manual backup. It never expires."""
        if not self.conduct.has_backups:
            raise denied("Your organization's plan does not include backups. Upgrade your plan to create backups.")
        index = self.creatable_index(index_name)
        if name is not None:
            need_name(name, "Backup")
        if self.quota_is_used_up:
            raise forbidden("Increase your quota or upgrade to create more backups.")
        backup = self.enter_backup(index, name=name, description=description)
        self.begin_backup(backup)
        self.agenda.add(self.now + self.conduct.run_takes, self.finish_backup, backup)
        return backup

    def backed_up_index(self, name: str) -> Index:
        """Return a live index whose backups can be listed; refuse others with 400."""
        index = self.index(name)
        if index.kind is Kind.POD:
            raise invalid("Backups are not supported for pod-based indexes.")
        if index.cmek_id is not None and self.conduct.customer_keys is CustomerKeys.REFUSED:
            raise invalid(_CUSTOMER_KEY)
        return index

    def creatable_index(self, name: str) -> Index:
        """Return a live index of which a backup or a schedule can be created; refuse others with 400 or 412."""
        index = self.backed_up_index(name)
        if index.cmek_id is not None and self.conduct.customer_keys is CustomerKeys.LISTED:
            raise invalid(_CUSTOMER_KEY)
        if index.is_terminating:
            raise precondition_failed(f"Index {name} is being deleted.")
        return index

    @property
    def quota_is_used_up(self) -> bool:
        """Whether the project has no room for another backup. Planned runs take none."""
        quota = self.conduct.backup_quota
        if quota is None or len(self.backups) < quota:
            return False
        return sum(it.state is not State.PLANNED for it in self.backups.values()) >= quota

    def enter_backup(
        self,
        index: Index,
        *,
        name: str | None = None,
        description: str | None = None,
        schedule: Schedule | None = None,
        planned_for: datetime | None = None,
    ) -> Backup:
        """Write a backup down, as planned."""
        backup = Backup(
            id=self.new_id(),
            index=index,
            state=State.PLANNED,
            created_at=self.now,
            name=name,
            description=description,
            schedule=schedule,
            planned_for=planned_for,
            fields=index.fields,
            tags=dict(index.tags),
        )
        self.backups[backup.id] = index.backups[backup.id] = backup
        self.changed()
        return backup

    def begin_backup(self, backup: Backup) -> None:
        """Let a backup take its data now."""
        backup.state = State.UNDER_WAY
        backup.captured_at = self.now
        self.changed(backup)

    def finish_backup(self, backup: Backup) -> None:
        """Let a backup become ready, with what its index holds."""
        if backup.is_gone:
            return
        index = backup.index
        index.records += index.records // 1000
        backup.state = State.READY
        backup.record_count = index.records
        backup.namespace_count = index.namespaces
        dimension = index.vector.get("dimension", 0)
        backup.size_bytes = index.records * (dimension * _BYTES_PER_DIMENSION + _BYTES_PER_RECORD)
        self.changed(backup)

    def fail_backup(self, backup: Backup) -> None:
        """Let a backup end without being ready."""
        if not backup.is_gone:
            backup.state = State.FAILED
            self.changed(backup)

    def delete_backup(self, backup_id: str) -> None:
        """Accept that a backup be deleted; it is gone a little later."""
        backup = self.backup(backup_id)
        if backup.state is State.PLANNED:
            raise precondition_failed("Unable to delete backup. It is waiting to run.")
        pending = [it.id for it in self.restore_jobs.values() if it.backup is backup and it.completed_at is None]
        if pending:
            raise precondition_failed(
                f"Unable to delete backup. There are pending restore jobs for this backup: {pending}"
            )
        self.agenda.add(self.now + self.conduct.deletion_takes, self.remove_backup, backup)
        self.advance(timedelta())

    def remove_backup(self, backup: Backup) -> None:
        """Take a backup out of the project at once, in whatever state it is."""
        if backup.is_gone:
            return
        backup.is_gone = True
        del self.backups[backup.id]
        del backup.index.backups[backup.id]
        if backup.schedule is not None and not (self.conduct.history_keeps_expired and backup.captured_at):
            del backup.schedule.runs[backup.id]
        self.changed(backup)

    def expire_backup(self, backup: Backup) -> None:
        """Remove a scheduled backup if its schedule's present retention has passed since its capture."""
        expires_at = expiry_of(backup)
        if backup.is_gone or expires_at is None:
            return
        if expires_at <= self.now:
            self.remove_backup(backup)
        else:
            self.agenda.add(expires_at, self.expire_backup, backup)


def expiry_of(backup: Backup) -> datetime | None:
    """Return when a backup expires: capture and its schedule's present retention. Manual ones never do."""
    if backup.schedule is None or backup.captured_at is None:
        return None
    return backup.captured_at + backup.schedule.retention
