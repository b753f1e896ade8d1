"""One project that the deployed application remediates: its policy, its requests and its records."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backup_auditor_simulator.api.messages import ParsedRequest
from backup_auditor_simulator.project import SimulatedProject
from support.aws_local.application import Application

PROPOSED_DETAIL_TYPE, CREATED_DETAIL_TYPE = "Backup Schedule Proposed", "Backup Schedule Created"
COMPLETED_DETAIL_TYPE = "Backup Audit Completed"


def format_policy(create_mode: str, **settings: object) -> str:
    """Return a policy with a mode of remediation, and defaults otherwise."""
    return json.dumps({"version": 1, "remediation": {"create_schedules": create_mode, **settings}})


def build_partly_scheduled_project(moment: datetime, *names: str) -> SimulatedProject:
    """Build a project with a compliant index, one with a disabled schedule, and some without a schedule."""
    project = SimulatedProject(moment - timedelta(days=9))
    for name in ("catalog", "paused"):
        project.create_index(name)
        project.create_schedule(name, "theirs", retention_days=30)
    project.advance_to(moment - timedelta(days=1))
    (schedule,) = project.get_index("paused").schedules
    project.update_schedule(schedule, enabled=False)
    for name in names:
        project.create_index(name)
    project.advance_to(moment - timedelta(hours=1))
    return project


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project as Pinecone, the table and the bus see it."""

    app: Application
    name: str

    @property
    def requests(self) -> list[ParsedRequest]:
        """All requests of the project to Pinecone."""
        return self.app.pinecone.recorders[self.name].requests

    @property
    def write_calls(self) -> list[tuple[str, str]]:
        """The method and path of all requests that would change the project, in order of arrival."""
        return [(it.method, it.path) for it in self.requests if it.method != "GET"]

    @property
    def schedules(self) -> dict[str, list[tuple[str, bool]]]:
        """The schedules of each index: name, and whether it is enabled."""
        indexes = self.app.simulated_projects[self.name].indexes.items()
        return {name: [(it.name, it.enabled) for it in index.schedules.values()] for name, index in indexes}

    def count_first_backups(self, index: str) -> int:
        """Count the backups of an index that the product created."""
        backups = self.app.simulated_projects[self.name].get_index(index).backups.values()
        return sum((it.name or "").startswith("auditor-first-") for it in backups)

    @property
    def attempts_by_action(self) -> dict[str, list[Mapping[str, Any]]]:
        """Every recorded attempt, by action."""
        attempts: dict[str, list[Mapping[str, Any]]] = {}
        for item in self.app.list_items(f"remediation#{self.name}"):
            if item["SK"]["S"].startswith("action#"):
                attempts.setdefault(item["action"]["S"], []).append(item)
        return attempts

    def list_event_details(self, detail_type: str) -> list[Mapping[str, Any]]:
        """Return the details of the events of a type about the project."""
        return [it for it in self.app.flow.list_details(detail_type) if it["project"] == self.name]
