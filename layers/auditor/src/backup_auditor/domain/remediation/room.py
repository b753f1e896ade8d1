"""How much of the quota of backups is left for a plan, counted as `schedules-fit-quota` does."""

from dataclasses import dataclass

from backup_auditor.domain.project_subject import ProjectSubject


@dataclass(slots=True)
class Room:
    """What fills the quota; whatever is put into it stays."""

    filled: int
    quota: int | None
    unknown: str | None
    """What is not known of what fills it, if anything."""

    def why_none_for(self, slots: int) -> str | None:
        """Return why so many more do not fit; `None` where they do."""
        if self.quota is None or not slots:
            return None
        if self.unknown is not None:
            return f"what fills the quota of {self.quota:,} backups is not known: {self.unknown}"
        left = max(0, self.quota - self.filled)
        if slots > left:
            return f"it takes {slots:,} of the quota of {self.quota:,} backups, and {left:,} are left"
        return None

    def put(self, slots: int) -> None:
        """Take so many more."""
        self.filled += slots


def room_of(project: ProjectSubject) -> Room:
    """Return what fills the quota: what enabled schedules hold at most, and what was taken by hand, or perhaps was."""
    held = project.quota
    filled = sum(it.least for it in held.holdings) + held.manual.total() + held.perhaps_manual
    unknown = [f"what schedule {it.schedule.schedule_id} holds" for it in held.holdings if it.slots is None]
    unknown += held.unread()
    broken = project.inventory.backups.broken
    if broken is not None:
        unknown.append(f"what else there is ({broken.what}: {broken.error})")
    return Room(filled, project.policy.project.quota, unknown[0] if unknown else None)
