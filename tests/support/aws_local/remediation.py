"""One project that the deployed application puts right: what its policy wants, and what became of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.recorder import RecordedRequest
from support.aws_local.application import Application

PROPOSED, CREATED = "Backup Schedule Proposed", "Backup Schedule Created"
COMPLETED = "Backup Audit Completed"


def policy(create: str, **more: object) -> str:
    """Write a policy that wants remediation so far, and the defaults otherwise."""
    return json.dumps({"version": 1, "remediation": {"create_schedules": create, **more}})


def bare(moment: datetime, *names: str) -> SimulatedProject:
    """Build a project with an index that is well, one that somebody paused, and some without a schedule."""
    world = SimulatedProject(moment - timedelta(days=9))
    for name in ("catalog", "paused"):
        world.create_index(name)
        world.create_schedule(name, "theirs", retention_days=30)
    world.advance_to(moment - timedelta(days=1))
    (schedule,) = world.get_index("paused").schedules
    world.update_schedule(schedule, enabled=False)
    for name in names:
        world.create_index(name)
    world.advance_to(moment - timedelta(hours=1))
    return world


@dataclass(frozen=True, slots=True)
class Righted:
    """A project, as Pinecone, the table and the bus have it."""

    app: Application
    name: str

    @property
    def requests(self) -> list[RecordedRequest]:
        """Everything that Pinecone was asked for."""
        return self.app.projects.desks[self.name].requests

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Everything that would have changed it, in the order of arrival: method and path."""
        return [(it.method, it.path) for it in self.requests if it.method != "GET"]

    @property
    def schedules(self) -> dict[str, list[tuple[str, bool]]]:
        """The schedules of each index: name, and whether it is enabled."""
        indexes = self.app.worlds[self.name].indexes.items()
        return {name: [(it.name, it.enabled) for it in index.schedules.values()] for name, index in indexes}

    def first_backups(self, index: str) -> int:
        """Count the backups of an index that are ours."""
        backups = self.app.worlds[self.name].get_index(index).backups.values()
        return sum((it.name or "").startswith("auditor-first-") for it in backups)

    @property
    def records(self) -> dict[str, list[Mapping[str, Any]]]:
        """Every recorded attempt, by action."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for it in self.app.items(f"project#{self.name}"):
            if it["SK"]["S"].startswith("action#"):
                found.setdefault(it["action"]["S"], []).append(it)
        return found

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        """Return what events of a type said of it."""
        return [it for it in self.app.flow.told(kind) if it["project"] == self.name]
