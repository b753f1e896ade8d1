"""How much of the quota of backups is left for a plan.

It is counted more carefully than by `schedules-fit-quota`: runs of schedules that are paused, deleted or slowed down
stay until they expire, and by then what is made now has filled up.
"""

from dataclasses import dataclass

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.project_subject import ProjectSubject
from backup_auditor.domain.quota import Holding, Quota


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
    """Return what fills the quota: what enabled schedules come to hold, and every other backup that is listed."""
    held = project.quota
    enabled = {it.schedule.schedule_id for it in held.holdings}
    filled = sum(_most(it, held) for it in held.holdings) + held.manual.total() + held.perhaps_manual
    filled += sum(len(runs) for schedule_id, runs in held.runs.items() if schedule_id not in enabled)
    unknown = [f"what schedule {it.schedule.schedule_id} holds" for it in held.holdings if it.slots is None]
    unknown += held.unread()
    broken = project.inventory.backups.broken
    if broken is not None:
        unknown.append(f"what else there is ({broken.what}: {broken.error})")
    return Room(filled, project.policy.project.quota, unknown[0] if unknown else None)


def _most(holding: Holding, held: Quota) -> int:
    schedule, frequency = holding.schedule, Frequency.of(holding.schedule.frequency)
    if frequency is None or schedule.retention is None:
        return holding.least
    return held.comes_to_hold(schedule.schedule_id, schedule.retention, frequency.interval)
