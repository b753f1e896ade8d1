"""Projects of any size, every index like every other: healthy, or without any schedule. Their quota is off."""

from datetime import datetime, timedelta

from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.builder import Script

_DAY = timedelta(days=1)
_MIN_RETENTION_DAYS = 35
_SPREAD_HOURS = 20


def build_fleet(now: datetime, *, indexes: int = 200, backups_per_index: int = 5, seed: int = 0) -> SimulatedProject:
    """Build a project whose indexes all have a daily schedule, which made so many backups each."""
    script = Script(now, seed=seed, options=SimulatorOptions(backup_quota=None))
    retention_days = max(_MIN_RETENTION_DAYS, backups_per_index + 1)
    for number in range(indexes):
        name = f"fleet-{number:05d}"
        # The newest backup is between one and twenty-one hours old.
        since_run = timedelta(hours=1 + _SPREAD_HOURS * number / indexes)

        def create_scheduled_index(project: SimulatedProject, name: str = name) -> None:
            project.create_index(name)
            project.create_schedule(name, "daily", "daily", retention_days)

        script.add_change(backups_per_index * _DAY + since_run, create_scheduled_index)
    return script.build_project()


def build_bare(now: datetime, *, indexes: int = 200, seed: int = 0) -> SimulatedProject:
    """Build a project of indexes that have neither a schedule nor a backup."""
    project = SimulatedProject(now, seed=seed, options=SimulatorOptions(backup_quota=None))
    for number in range(indexes):
        project.create_index(f"bare-{number:05d}")
    return project
