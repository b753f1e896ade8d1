"""How much of the quota of backups is left for a plan.

Enabled schedules and manual backups count as `schedules-fit-quota` has it, and so does whatever else is listed: runs of
schedules that are paused, deleted or slowed down stay until they expire, and by then what is made now has filled up.
"""

from collections import Counter
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
    """Return what fills the quota: what each schedule may hold, or holds already, and what perhaps never expires."""
    held = project.quota
    enabled = Counter({it.schedule.schedule_id: it.least for it in held.holdings})
    filled = (enabled | held.scheduled).total() + held.manual.total() + held.perhaps_manual
    unknown = [f"what schedule {it.schedule.schedule_id} holds" for it in held.holdings if it.slots is None]
    unknown += held.unread()
    broken = project.inventory.backups.broken
    if broken is not None:
        unknown.append(f"what else there is ({broken.what}: {broken.error})")
    return Room(filled, project.policy.project.quota, unknown[0] if unknown else None)
