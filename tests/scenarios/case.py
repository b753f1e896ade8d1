"""The cases of the scenarios: the history of a project, and the exact findings of its audit."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.finding import ResourceType
from backup_auditor_simulator.model import Backup, BackupState, Schedule
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import builder
from backup_auditor_simulator.scenarios.builder import ScheduledIndex, Script
from support.simulator import SIMULATED_NOW

type ScenarioStep = Callable[[Script], object]
type BuildDrills = Callable[[SimulatedProject], Iterable[DrillRecord]]
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
    """A project, an audit of it, and every violation that the audit must report."""

    label: str
    steps: tuple[ScenarioStep, ...]
    """The history of the project before `now`, in any order."""
    violations: frozenset[Violation] = NO_VIOLATIONS
    old_family_violations: frozenset[Violation] | None = None
    """The violations with the older API version, if it returns fewer facts."""
    build_drills: BuildDrills | None = None
    """The restore drills that the state has at `now`."""
    policy: str = ""
    """The policy file, without its version."""
    now: datetime = SIMULATED_NOW
    audit_delay: timedelta = timedelta()
    """The time from `now` to the audit; a case with a `change` has a first audit at `now`."""
    change: Callable[[SimulatedProject], object] | None = None
    """The change of the project between the two audits, right before the second."""
    first_audit_violations: frozenset[Violation] = NO_VIOLATIONS
    """The violations that the first of two audits reports."""
    clock_lag: timedelta = timedelta()
    """How far the auditor's clock is behind the service's."""
    options: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Mapping[str, Any], ...] = ()
    severities: Mapping[str, str] = field(default_factory=dict)
    """The severities that differ from the control's own."""
    exempted_violations: frozenset[Violation] = NO_VIOLATIONS
    unknown_checks: frozenset[Violation] = NO_VIOLATIONS
    """The checks that are unknown because of a failed read; the audit is then incomplete."""

    def build_project(self) -> SimulatedProject:
        """Build the project at `now`."""
        script = Script(self.now, options=SimulatorOptions(**self.options))
        for step in self.steps:
            step(script)
        return script.build_project()


def on(*controls: str, index: str = INDEX) -> frozenset[Violation]:
    """Return violations on a live index."""
    return frozenset((it, ResourceType.INDEX.value, index) for it in controls)


def on_deleted_index(*controls: str, index: str = INDEX) -> frozenset[Violation]:
    """Return violations on a deleted index."""
    return frozenset((it, ResourceType.DELETED_INDEX.value, index) for it in controls)


def on_project(*controls: str) -> frozenset[Violation]:
    """Return violations on the project."""
    return frozenset((it, ResourceType.PROJECT.value, PROJECT) for it in controls)


def make_limit_cases(
    label: str,
    *steps: ScenarioStep,
    violations_before: frozenset[Violation] = NO_VIOLATIONS,
    violations_after: frozenset[Violation] = NO_VIOLATIONS,
    offset: timedelta = SECOND,
    **fields: Any,
) -> tuple[Case, Case]:
    """Return the two cases on either side of a limit: with the audit at `now`, and `offset` later."""
    case = Case(label=f"{label}, before", steps=steps, violations=violations_before, **fields)
    return case, replace(
        case, label=f"{label}, after", violations=violations_after, audit_delay=case.audit_delay + offset
    )


def create_scheduled_index(**fields: Any) -> ScenarioStep:
    """Create an index with a schedule: by default daily, with 20 runs, the last one 5 hours ago."""
    defaults: dict[str, Any] = {"name": INDEX, "days": 20}
    return ScheduledIndex(**defaults | fields).add_to


def create_weekly_index(**fields: Any) -> ScenarioStep:
    """Create an index with a weekly schedule, 60 days of retention and 10 runs."""
    return create_scheduled_index(
        **{"days": 70, "frequency": "weekly", "retention_days": 60, "schedule_name": "weekly"} | fields
    )


def create_index(age: timedelta, name: str = INDEX, **traits: Any) -> ScenarioStep:
    """Create an index without a schedule."""
    return lambda script: builder.add_index(script, name, age, **traits)


def back_up(*ages: timedelta, name: str = INDEX) -> ScenarioStep:
    """Create manual backups."""

    def add_backups(script: Script) -> None:
        for age in ages:
            builder.add_backup(script, name, age)

    return add_backups


def pause_schedules(age: timedelta, name: str = INDEX) -> ScenarioStep:
    """Pause every schedule of an index."""
    return lambda script: builder.add_pause(script, name, age)


def delete_index(age: timedelta, name: str = INDEX) -> ScenarioStep:
    """Delete an index."""
    return change_project(age, lambda project: project.delete_index(name))


def change_project(age: timedelta, change: Callable[[SimulatedProject], object]) -> ScenarioStep:
    """Change the project at a time."""
    return lambda script: script.add_change(age, change)


def find_schedule(project: SimulatedProject, name: str = INDEX) -> Schedule:
    """Return the newest schedule of an index."""
    return list(project.get_index(name).schedules.values())[-1]


def list_ready_backups(project: SimulatedProject, name: str = INDEX) -> list[Backup]:
    """Return the ready backups of an index, oldest first."""
    backups = [it for it in project.get_index(name).backups.values() if it.state is BackupState.READY]
    return sorted(backups, key=lambda it: it.captured_at or project.now)


MANUAL_BACKUPS_ONLY = (create_index(30 * DAY), back_up(3 * HOUR, 4 * HOUR))
"""An index without a schedule, with two recent manual backups."""
