"""Projects of any size, every index like every other: healthy, or without any schedule. Their quota is off."""

from datetime import datetime, timedelta

from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.builder import Script

_DAY = timedelta(days=1)
_SHORTEST_RETENTION = 35
_SPREAD_HOURS = 20


def fleet(now: datetime, *, indexes: int = 200, backups_per_index: int = 5, seed: int = 0) -> SimulatedProject:
    """Build a project whose indexes all have a daily schedule, which made so many backups each."""
    script = Script(now, seed=seed, conduct=SimulatorOptions(backup_quota=None))
    retention = max(_SHORTEST_RETENTION, backups_per_index + 1)
    for number in range(indexes):
        name = f"fleet-{number:05d}"
        # The newest backup is between one and twenty-one hours old.
        since_run = timedelta(hours=1 + _SPREAD_HOURS * number / indexes)

        def begin(world: SimulatedProject, name: str = name) -> None:
            world.create_index(name)
            world.create_schedule(name, "daily", "daily", retention)

        script.ago(backups_per_index * _DAY + since_run, begin)
    return script.play()


def bare(now: datetime, *, indexes: int = 200, seed: int = 0) -> SimulatedProject:
    """Build a project of indexes that have neither a schedule nor a backup."""
    world = SimulatedProject(now, seed=seed, conduct=SimulatorOptions(backup_quota=None))
    for number in range(indexes):
        world.create_index(f"bare-{number:05d}")
    return world
