"""Organizations: a few projects with different states, or many healthy ones of one size."""

from collections.abc import Callable
from datetime import datetime

from backup_auditor_simulator.organization import SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.builder import DAY, HOUR, ScheduledIndex, Script, add_index
from backup_auditor_simulator.scenarios.healthy import build_bare, build_fleet, build_healthy


def build_organization(now: datetime, *, seed: int = 0) -> SimulatedOrganization:
    """Build an organization of five projects, one of which has no backups."""
    organization = SimulatedOrganization(now, seed=seed)
    builders: dict[str, Callable[..., SimulatedProject]] = {
        "search": build_healthy,
        "support": _build_support,
        "catalog": _build_catalog,
        "playground": SimulatedProject,
        "payments": _build_payments,
    }
    for number, (name, build_project) in enumerate(builders.items()):
        project = build_project(now, seed=_make_project_seed(seed, number))
        organization.add_project(name, project, age=(40 - 7 * number) * DAY)
    return organization


def build_uniform_organization(now: datetime, *, projects: int, indexes: int, seed: int = 0) -> SimulatedOrganization:
    """Build an organization of healthy projects with the same number of indexes."""
    organization = SimulatedOrganization(now, seed=seed)
    for number in range(projects):
        project = build_fleet(now, indexes=indexes, seed=_make_project_seed(seed, number))
        organization.add_project(f"project-{number:04d}", project, age=40 * DAY)
    return organization


def _make_project_seed(seed: int, number: int) -> int:
    """Return a seed of its own for each project: the id of a project is made from it."""
    return seed * 1_000_000 + number + 1


def _build_support(now: datetime, *, seed: int) -> SimulatedProject:
    script = Script(now, seed=seed)
    ScheduledIndex(name="tickets", retention_days=30).add_to(script)
    ScheduledIndex(name="answers", retention_days=3, since_run=9 * HOUR).add_to(script)
    add_index(script, "chat-memory", 20 * DAY)
    return script.build_project()


def _build_catalog(now: datetime, *, seed: int) -> SimulatedProject:
    script = Script(now, seed=seed)
    for name in ("products", "images"):
        ScheduledIndex(name=name, retention_days=14).add_to(script)
    return script.build_project()


def _build_payments(now: datetime, *, seed: int) -> SimulatedProject:
    return build_bare(now, indexes=3, seed=seed)
