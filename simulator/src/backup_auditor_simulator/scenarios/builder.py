"""Build a project by playing events in order; the common lives of indexes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backup_auditor_simulator.model import IndexKind, RunOutcome
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject

type ProjectChange = Callable[[SimulatedProject], object]


class Script:
    """What happened to a project, each thing so long before a moment called now."""

    def __init__(self, now: datetime, *, seed: int = 0, options: SimulatorOptions | None = None) -> None:
        """Begin with nothing."""
        self._now = now
        self._seed = seed
        self._options = options
        self._changes: list[tuple[datetime, ProjectChange]] = []

    def add_change(self, age: timedelta, change: ProjectChange) -> None:
        """Let something happen so long before now."""
        self._changes.append((self._now - age, change))

    def build_project(self) -> SimulatedProject:
        """Let it all happen, and return the project as it is now."""
        changes = sorted(self._changes, key=lambda it: it[0])
        project = SimulatedProject(changes[0][0] if changes else self._now, seed=self._seed, options=self._options)
        for moment, change in changes:
            project.advance_to(moment)
            change(project)
        project.advance_to(self._now)
        return project


DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BYOC = {"kind": IndexKind.BYOC, "cloud": "gcp", "region": "us-central1", "environment": "gcp-us-central1-b921"}
"""The traits of an index in a cloud account of its owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledIndex:
    """An index that is created with a schedule and backed up ever since."""

    name: str
    days: int = 40
    """How many runs its daily schedule has had; a slower schedule has had as many as fit."""
    since_run: timedelta = 5 * HOUR
    """How long ago the newest of them was due."""
    schedule_name: str = "nightly"
    frequency: str = "daily"
    retention_days: int = 14
    outcomes: Mapping[int, RunOutcome] = field(default_factory=dict)
    """The outcome of the run so many runs ago, 0 being the newest; all others succeed."""
    traits: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of `create_index` that are not the defaults."""

    @property
    def age(self) -> timedelta:
        """How long ago it was created."""
        return self.days * DAY + self.since_run

    def add_to(self, script: Script) -> None:
        """Let the index and its schedule be created."""
        script.add_change(self.age, self._create_index)

    def _create_index(self, project: SimulatedProject) -> None:
        project.create_index(self.name, **self.traits)
        schedule = project.create_schedule(self.name, self.schedule_name, self.frequency, self.retention_days)
        last_number = self.days - 1
        project.script_runs(
            schedule, [self.outcomes.get(last_number - number, RunOutcome.SUCCEEDED) for number in range(self.days)]
        )


def add_index(script: Script, name: str, age: timedelta, **traits: Any) -> None:  # noqa: ANN401  whatever an index has
    """Let an index be created, without a schedule."""
    script.add_change(age, lambda project: project.create_index(name, **traits))


def add_backup(script: Script, name: str, age: timedelta) -> None:
    """Let a manual backup be taken."""
    script.add_change(age, lambda project: project.create_backup(name, f"by-hand-{project.now:%Y%m%d}"))


def add_pause(script: Script, name: str, age: timedelta) -> None:
    """Let every schedule of an index be paused."""

    def pause_schedules(project: SimulatedProject) -> None:
        for schedule in project.get_index(name).schedules.values():
            project.update_schedule(schedule.id, enabled=False)

    script.add_change(age, pause_schedules)
