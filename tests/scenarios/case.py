"""The cases of the corpus: what happened to a project, and the exact findings that an audit makes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.domain.finding import ResourceType
from backup_auditor_simulator.model import Backup, Schedule, State
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import builder
from backup_auditor_simulator.scenarios.builder import Life, Script
from support.simulator import NOW

type Happening = Callable[[Script], object]
type Failed = tuple[str, str, str]
"""Control, type and name of a resource."""

INDEX = "orders"
PROJECT = "shop"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
SILENT: frozenset[Failed] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A project, an audit of it, and everything that the audit finds non-compliant."""

    label: str
    happen: tuple[Happening, ...]
    """What happened to the project before `now`, in any order."""
    fails: frozenset[Failed] = SILENT
    fails_old: frozenset[Failed] | None = None
    """What is found instead in the older family, where that tells less."""
    policy: str = ""
    """The policy file, without its version."""
    now: datetime = NOW
    later: timedelta = timedelta()
    """How long after `now` the audit is; where there is a `change`, an audit at `now` goes before it."""
    change: Callable[[SimulatedProject], object] | None = None
    """What is done to the project between the two audits, right before the second."""
    known: frozenset[Failed] = SILENT
    """What the first of two audits finds."""
    clock_behind: timedelta = timedelta()
    """How far the clock of the auditor is behind that of the service."""
    conduct: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Mapping[str, Any], ...] = ()
    severities: Mapping[str, str] = field(default_factory=dict)
    """The severities that are not the control's own."""
    exempted: frozenset[Failed] = SILENT
    insufficient: frozenset[Failed] = SILENT
    """What could not be judged because something could not be read; then the audit is not complete."""

    def world(self) -> SimulatedProject:
        """Build the project as it stands at `now`."""
        script = Script(self.now, conduct=SimulatorOptions(**self.conduct))
        for happening in self.happen:
            happening(script)
        return script.play()


def on(*controls: str, index: str = INDEX) -> frozenset[Failed]:
    """Name findings on a live index."""
    return frozenset((it, ResourceType.INDEX.value, index) for it in controls)


def on_deleted(*controls: str, index: str = INDEX) -> frozenset[Failed]:
    """Name findings on a deleted index."""
    return frozenset((it, ResourceType.DELETED_INDEX.value, index) for it in controls)


def on_project(*controls: str) -> frozenset[Failed]:
    """Name findings on the project."""
    return frozenset((it, ResourceType.PROJECT.value, PROJECT) for it in controls)


def edge(
    label: str,
    *happen: Happening,
    first: frozenset[Failed] = SILENT,
    then: frozenset[Failed] = SILENT,
    apart: timedelta = SECOND,
    **facts: Any,
) -> tuple[Case, Case]:
    """Make the two cases on either side of a limit: the audit at `now`, and so little later."""
    case = Case(label=f"{label}, before", happen=happen, fails=first, **facts)
    return case, replace(case, label=f"{label}, after", fails=then, later=case.later + apart)


def life(**facts: Any) -> Happening:
    """Let an index be created with a schedule: a daily one, which ran 20 times, the last 5 hours ago."""
    usual: dict[str, Any] = {"name": INDEX, "days": 20}
    return Life(**usual | facts).begin


def weekly(**facts: Any) -> Happening:
    """Let an index be created with a weekly schedule, kept 60 days, which ran 10 times."""
    return life(**{"days": 70, "frequency": "weekly", "retention_days": 60, "schedule": "weekly"} | facts)


def created(ago: timedelta, name: str = INDEX, **traits: Any) -> Happening:
    """Let an index be created, without a schedule."""
    return lambda script: builder.create(script, name, ago, **traits)


def by_hand(*agos: timedelta, name: str = INDEX) -> Happening:
    """Let manual backups be taken."""

    def happening(script: Script) -> None:
        for ago in agos:
            builder.back_up(script, name, ago)

    return happening


def paused(ago: timedelta, name: str = INDEX) -> Happening:
    """Let every schedule of an index be paused."""
    return lambda script: builder.pause(script, name, ago)


def deleted(ago: timedelta, name: str = INDEX) -> Happening:
    """Let an index be deleted."""
    return done(ago, lambda world: world.delete_index(name))


def done(ago: timedelta, action: Callable[[SimulatedProject], object]) -> Happening:
    """Let anything be done to the project."""
    return lambda script: script.ago(ago, action)


def schedule_of(world: SimulatedProject, name: str = INDEX) -> Schedule:
    """Return the schedule of an index that was made last."""
    return list(world.index(name).schedules.values())[-1]


def ready(world: SimulatedProject, name: str = INDEX) -> list[Backup]:
    """Return the backups of an index that are ready, oldest first."""
    found = [it for it in world.index(name).backups.values() if it.state is State.READY]
    return sorted(found, key=lambda it: it.captured_at or world.now)


BY_HAND = (created(30 * DAY), by_hand(3 * HOUR, 4 * HOUR))
"""An index without a schedule, with two fresh manual backups."""
