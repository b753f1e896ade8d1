"""A project that nobody has looked after: more than twenty different faults in some thirty indexes."""

from datetime import datetime, timedelta

from backup_auditor_simulator.conduct import Conduct
from backup_auditor_simulator.scenarios.neglected import contents, runs, schedules, silent
from backup_auditor_simulator.scenarios.script import Script
from backup_auditor_simulator.world import World

_PLANTS = (*schedules.PLANTS, *runs.PLANTS, *contents.PLANTS, *silent.PLANTS)

PLANTED = {plant.name: plant.fails for plant in _PLANTS}
"""For every index the controls that it fails under the default policy; none for those that must stay silent."""
PLANTED_ON_PROJECT = frozenset({"schedules-fit-quota"})
"""What the project as a whole fails: what is kept for years would fill it alone."""
PLANTED_ON_DELETED = {plant.name: plant.fails for plant in silent.LOOSE_ENDS if plant.fails}
"""The same for deleted indexes."""


def neglected(now: datetime, *, seed: int = 0) -> World:
    """Build the neglected project as it stands at a moment."""
    # Planned runs stand in its backup listing, and the service lets backups be kept for years.
    conduct = Conduct(planned_in_listing=True, longest_retention=timedelta(days=3650))
    script = Script(now, seed=seed, conduct=conduct)
    for plant in (*_PLANTS, *silent.LOOSE_ENDS):
        plant.happen(script)
    return script.play()
