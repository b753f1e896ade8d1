"""What indexes commonly live through: creation with a daily schedule, and what becomes of single runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from backup_auditor_simulator.model import Fate
from backup_auditor_simulator.scenarios.script import Script
from backup_auditor_simulator.world import World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """An index that is created with a schedule and backed up ever since."""

    name: str
    days: int = 40
    """How many runs its daily schedule has had; a slower schedule has had as many as fit."""
    since_run: timedelta = 5 * HOUR
    """How long ago the newest of them was due."""
    schedule: str = "nightly"
    frequency: str = "daily"
    retention_days: int = 14
    fates: Mapping[int, Fate] = field(default_factory=dict)
    """What becomes of the run so many runs ago, 0 being the newest; all others succeed."""
    traits: Mapping[str, Any] = field(default_factory=dict)
    """How the index itself differs from any other."""

    @property
    def age(self) -> timedelta:
        """How long ago it was created."""
        return self.days * DAY + self.since_run

    def begin(self, script: Script) -> None:
        """Let the index and its schedule be created."""
        script.ago(self.age, self._create)

    def _create(self, world: World) -> None:
        world.create_index(self.name, **self.traits)
        schedule = world.create_schedule(self.name, self.schedule, self.frequency, self.retention_days)
        last = self.days - 1
        world.foretell(schedule, [self.fates.get(last - number, Fate.SUCCEEDS) for number in range(self.days)])


def create(script: Script, name: str, ago: timedelta, **traits: Any) -> None:  # noqa: ANN401  whatever an index has
    """Let an index be created, without a schedule."""
    script.ago(ago, lambda world: world.create_index(name, **traits))


def back_up(script: Script, name: str, ago: timedelta) -> None:
    """Let a manual backup be taken."""
    script.ago(ago, lambda world: world.create_backup(name, f"by-hand-{world.now:%Y%m%d}"))


def pause(script: Script, name: str, ago: timedelta) -> None:
    """Let every schedule of an index be paused."""

    def action(world: World) -> None:
        for schedule in world.index(name).schedules.values():
            world.update_schedule(schedule.id, enabled=False)

    script.ago(ago, action)
