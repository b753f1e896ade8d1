"""Build a project by playing events in order; the common lives of indexes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backup_auditor_simulator.model import RunOutcome
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject

type Action = Callable[[SimulatedProject], object]


class Script:
    """What happened to a project, each thing so long before a moment called now."""

    def __init__(self, now: datetime, *, seed: int = 0, conduct: SimulatorOptions | None = None) -> None:
        """Begin with nothing."""
        self._now = now
        self._seed = seed
        self._conduct = conduct
        self._actions: list[tuple[datetime, Action]] = []

    def ago(self, length: timedelta, action: Action) -> None:
        """Let something happen so long before now."""
        self._actions.append((self._now - length, action))

    def play(self) -> SimulatedProject:
        """Let it all happen, and return the world as it is now."""
        actions = sorted(self._actions, key=lambda it: it[0])
        world = SimulatedProject(actions[0][0] if actions else self._now, seed=self._seed, conduct=self._conduct)
        for moment, action in actions:
            world.advance_to(moment)
            action(world)
        world.advance_to(self._now)
        return world


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
    fates: Mapping[int, RunOutcome] = field(default_factory=dict)
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

    def _create(self, world: SimulatedProject) -> None:
        world.create_index(self.name, **self.traits)
        schedule = world.create_schedule(self.name, self.schedule, self.frequency, self.retention_days)
        last = self.days - 1
        world.script_runs(schedule, [self.fates.get(last - number, RunOutcome.SUCCEEDS) for number in range(self.days)])


def create(script: Script, name: str, ago: timedelta, **traits: Any) -> None:  # noqa: ANN401  whatever an index has
    """Let an index be created, without a schedule."""
    script.ago(ago, lambda world: world.create_index(name, **traits))


def back_up(script: Script, name: str, ago: timedelta) -> None:
    """Let a manual backup be taken."""
    script.ago(ago, lambda world: world.create_backup(name, f"by-hand-{world.now:%Y%m%d}"))


def pause(script: Script, name: str, ago: timedelta) -> None:
    """Let every schedule of an index be paused."""

    def action(world: SimulatedProject) -> None:
        for schedule in world.index(name).schedules.values():
            world.update_schedule(schedule.id, enabled=False)

    script.ago(ago, action)
