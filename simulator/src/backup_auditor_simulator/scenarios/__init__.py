"""Projects to audit, by name."""

import re
from datetime import datetime
from typing import Protocol

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.fleet import bare, fleet
from backup_auditor_simulator.scenarios.healthy import healthy
from backup_auditor_simulator.scenarios.neglected import neglected

SCENARIOS = {
    "healthy": "twelve indexes in which everything is as it should be",
    "neglected": "some thirty indexes that nobody has looked after, with more than twenty different faults",
    "empty": "a project without an index",
    "bare": "indexes that nobody ever backed up, as many as are asked for: bare:INDEXES, 200 unless said otherwise",
    "fleet": "a healthy project of any size: fleet:INDEXESxBACKUPS, 200x5 unless said otherwise",
}
"""What each scenario is, in one line."""

_BARE = re.compile(r"bare(?::([1-9]\d{0,4}))?")
_FLEET = re.compile(r"fleet(?::([1-9]\d{0,4})x(\d{1,3}))?")


class _Builder(Protocol):
    def __call__(self, now: datetime, *, seed: int) -> SimulatedProject: ...


_BUILDERS: dict[str, _Builder] = {"healthy": healthy, "neglected": neglected, "empty": SimulatedProject}


def scenario(name: str, *, now: datetime, seed: int = 0) -> SimulatedProject:
    """Build a scenario as it stands at a moment. Raises `ValueError` where there is none of that name."""
    count = _BARE.fullmatch(name)
    if count is not None:
        return bare(now, indexes=int(count[1] or "200"), seed=seed)
    size = _FLEET.fullmatch(name)
    if size is not None:
        indexes, backups = size.groups(default="") if size[1] else ("200", "5")
        return fleet(now, indexes=int(indexes), backups_per_index=int(backups), seed=seed)
    builder = _BUILDERS.get(name)
    if builder is not None:
        return builder(now, seed=seed)
    raise ValueError(f"There is no scenario {name!r}; there are: {', '.join(SCENARIOS)}.")
