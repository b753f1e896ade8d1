"""Projects to audit, and organizations of projects, by name."""

import re
from collections.abc import Callable
from datetime import datetime

from backup_auditor_simulator.organization import SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.healthy import build_bare, build_drill, build_fleet, build_healthy
from backup_auditor_simulator.scenarios.neglected import build_neglected
from backup_auditor_simulator.scenarios.organization import build_organization, build_uniform_organization

SCENARIOS = {
    "healthy": "twelve indexes without open findings",
    "neglected": "about 30 neglected indexes with more than 20 different faults",
    "empty": "a project without an index",
    "bare": "indexes without any backup: bare:INDEXES (default: 200)",
    "fleet": "a healthy project of any size: fleet:INDEXESxBACKUPS (default: 200x5)",
    "drill": "four small indexes, one of each kind, whose backups are restored within two seconds",
}
"""The content of each scenario in one line."""
ORGANIZATIONS = {
    "organization": "five projects and a service account; organization:PROJECTSxINDEXES: many healthy projects",
}
"""The content of each scenario that is an organization in one line."""

_ORGANIZATION = re.compile(r"organization(?::([1-9]\d{0,3})x(\d{1,4}))?")
_BARE = re.compile(r"bare(?::([1-9]\d{0,4}))?")
_FLEET = re.compile(r"fleet(?::([1-9]\d{0,4})x(\d{1,3}))?")


_BUILDERS: dict[str, Callable[..., SimulatedProject]] = {
    "healthy": build_healthy,
    "neglected": build_neglected,
    "empty": SimulatedProject,
    "drill": build_drill,
}


def build_scenario(name: str, *, now: datetime, seed: int = 0) -> SimulatedProject:
    """Build a scenario as of a time. Raises `ValueError` if the name is unknown."""
    bare_match = _BARE.fullmatch(name)
    if bare_match is not None:
        return build_bare(now, indexes=int(bare_match[1] or "200"), seed=seed)
    fleet_match = _FLEET.fullmatch(name)
    if fleet_match is not None:
        indexes, backups = fleet_match.groups(default="") if fleet_match[1] else ("200", "5")
        return build_fleet(now, indexes=int(indexes), backups_per_index=int(backups), seed=seed)
    builder = _BUILDERS.get(name)
    if builder is not None:
        return builder(now, seed=seed)
    raise ValueError(f"There is no scenario {name!r}; there are: {', '.join([*SCENARIOS, *ORGANIZATIONS])}.")


def build_organization_scenario(name: str, *, now: datetime, seed: int = 0) -> SimulatedOrganization | None:
    """Build an organization as of a time; return `None` if the name is not that of one."""
    match = _ORGANIZATION.fullmatch(name)
    if match is None:
        return None
    if match[1] is None:
        return build_organization(now, seed=seed)
    return build_uniform_organization(now, projects=int(match[1]), indexes=int(match[2]), seed=seed)
