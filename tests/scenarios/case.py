"""The cases of the corpus: what happened to a project, and the exact findings that an audit makes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.domain.finding import ResourceType
from backup_auditor_simulator.model import Backup, BackupState, Schedule
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import builder
from backup_auditor_simulator.scenarios.builder import ScheduledIndex, Script
from support.simulator import SIMULATED_NOW

type ScenarioStep = Callable[[Script], object]
type Violation = tuple[str, str, str]
"""Control, type and name of a resource."""

INDEX = "orders"
PROJECT = "shop"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
NO_VIOLATIONS: frozenset[Violation] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A project, an audit of it, and everything that the audit finds non-compliant."""

    label: str
    steps: tuple[ScenarioStep, ...]
    """What happened to the project before `now`, in any order."""
    violations: frozenset[Violation] = NO_VIOLATIONS
    old_family_violations: frozenset[Violation] | None = None
    """What is found instead in the older family, where that tells less."""
    policy: str = ""
    """The policy file, without its version."""
    now: datetime = SIMULATED_NOW
    audit_delay: timedelta = timedelta()
    """How long after `now` the audit is; where there is a `change`, an audit at `now` goes before it."""
    change: Callable[[SimulatedProject], object] | None = None
    """What is done to the project between the two audits, right before the second."""
    first_audit_violations: frozenset[Violation] = NO_VIOLATIONS
    """What the first of two audits finds."""
    clock_lag: timedelta = timedelta()
    """How far the clock of the auditor is behind that of the service."""
    options: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Mapping[str, Any], ...] = ()
    severities: Mapping[str, str] = field(default_factory=dict)
    """The severities that are not the control's own."""
    exempted_violations: frozenset[Violation] = NO_VIOLATIONS
    unknown_checks: frozenset[Violation] = NO_VIOLATIONS
    """What could not be judged because something could not be read; then the audit is not complete."""

    def build_project(self) -> SimulatedProject:
        """Build the project as it stands at `now`."""
        script = Script(self.now, options=SimulatorOptions(**self.options))
        for step in self.steps:
            step(script)
        return script.build_project()


def on(*controls: str, index: str = INDEX) -> frozenset[Violation]:
    """Name findings on a live index."""
    return frozenset((it, ResourceType.INDEX.value, index) for it in controls)


def on_deleted_index(*controls: str, index: str = INDEX) -> frozenset[Violation]:
    """Name findings on a deleted index."""
    return frozenset((it, ResourceType.DELETED_INDEX.value, index) for it in controls)


def on_project(*controls: str) -> frozenset[Violation]:
    """Name findings on the project."""
    return frozenset((it, ResourceType.PROJECT.value, PROJECT) for it in controls)


def make_limit_cases(
    label: str,
    *steps: ScenarioStep,
    violations_before: frozenset[Violation] = NO_VIOLATIONS,
    violations_after: frozenset[Violation] = NO_VIOLATIONS,
    offset: timedelta = SECOND,
    **fields: Any,
) -> tuple[Case, Case]:
    """Make the two cases on either side of a limit: the audit at `now`, and so little later."""
    case = Case(label=f"{label}, before", steps=steps, violations=violations_before, **fields)
    return case, replace(
        case, label=f"{label}, after", violations=violations_after, audit_delay=case.audit_delay + offset
    )


def create_scheduled_index(**fields: Any) -> ScenarioStep:
    """Let an index be created with a schedule: a daily one, which ran 20 times, the last 5 hours ago."""
    defaults: dict[str, Any] = {"name": INDEX, "days": 20}
    return ScheduledIndex(**defaults | fields).add_to


def create_weekly_index(**fields: Any) -> ScenarioStep:
    """Let an index be created with a weekly schedule, kept 60 days, which ran 10 times."""
    return create_scheduled_index(
        **{"days": 70, "frequency": "weekly", "retention_days": 60, "schedule_name": "weekly"} | fields
    )


def create_index(age: timedelta, name: str = INDEX, **traits: Any) -> ScenarioStep:
    """Let an index be created, without a schedule."""
    return lambda script: builder.add_index(script, name, age, **traits)


def back_up(*ages: timedelta, name: str = INDEX) -> ScenarioStep:
    """Let manual backups be taken."""

    def add_backups(script: Script) -> None:
        for age in ages:
            builder.add_backup(script, name, age)

    return add_backups


def pause_schedules(age: timedelta, name: str = INDEX) -> ScenarioStep:
    """Let every schedule of an index be paused."""
    return lambda script: builder.add_pause(script, name, age)


def delete_index(age: timedelta, name: str = INDEX) -> ScenarioStep:
    """Let an index be deleted."""
    return change_project(age, lambda project: project.delete_index(name))


def change_project(age: timedelta, change: Callable[[SimulatedProject], object]) -> ScenarioStep:
    """Let anything be done to the project."""
    return lambda script: script.add_change(age, change)


def find_schedule(project: SimulatedProject, name: str = INDEX) -> Schedule:
    """Return the schedule of an index that was made last."""
    return list(project.get_index(name).schedules.values())[-1]


def list_ready_backups(project: SimulatedProject, name: str = INDEX) -> list[Backup]:
    """Return the backups of an index that are ready, oldest first."""
    backups = [it for it in project.get_index(name).backups.values() if it.state is BackupState.READY]
    return sorted(backups, key=lambda it: it.captured_at or project.now)


MANUAL_BACKUPS_ONLY = (create_index(30 * DAY), back_up(3 * HOUR, 4 * HOUR))
"""An index without a schedule, with two fresh manual backups."""
