"""Test that each of 30 or 1,000 registered projects is audited exactly once."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup_auditor.domain.outbox import FLEET
from backup_auditor_simulator.project import SimulatedProject
from support.aws_local.application import CONFIG_BUCKET, Application

FIRST_NIGHT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
PARAMETERS = {
    "Registry": f"s3://{CONFIG_BUCKET}/backup-auditor/registry.yaml",
    "ConfigBucket": CONFIG_BUCKET,
    "EnableRemediation": "true",
    "AuditConcurrency": "2",
}
"""The parameters of the stack: a registry of 1,000 projects is too large for an SSM parameter."""


CONCURRENCY = int(PARAMETERS["AuditConcurrency"])


def build_protected_project(number: int) -> SimulatedProject:
    """Build a project with one index, one schedule and a few backups."""
    project = SimulatedProject(FIRST_NIGHT - timedelta(days=2, hours=number % 20))
    project.create_index(f"index-{number}")
    project.create_schedule(f"index-{number}", "nightly")
    return project


def audit_fleet_once(folder: Path, count: int) -> None:
    """Audit `count` projects for one night with some duplicate events. Each has one audit, and a row on the page."""
    projects = {f"project-{number:04d}": build_protected_project(number) for number in range(count)}
    with Application(
        folder, projects, FIRST_NIGHT - timedelta(hours=1), parameters=PARAMETERS, repeat_probability=0.05
    ) as app:
        invocations = app.run_night(FIRST_NIGHT)
        assert app.flow.peaks["AuditQueue"] <= CONCURRENCY < app.flow.max_concurrency
        assert not [it.content for it in invocations if not it.succeeded]
        assert Counter(it["PK"]["S"].partition("#")[2] for it in app.list_items() if "complete" in it) == dict.fromkeys(
            projects, 1
        )
        assert Counter(key.partition("/")[0] for key in app.load_reports()) == dict.fromkeys(projects, 1)
        completed_counts = Counter(it["project"] for it in app.flow.list_details("Backup Audit Completed"))
        assert completed_counts == dict.fromkeys(projects, 1)
        assert app.flow.dead_letters == []
        assert app.aws.denied_permissions == []
        (page,) = [json.loads(it) for it in app.load_reports(FLEET).values()]
        assert {it["project"]["name"] for it in page["fleet"]["projects"]} == set(projects)
        responses = {it.content for it in app.watch()}
        expected = {"registered": count, "overdue": 0, "projects": [], "failing": [], "incomplete": []}
        assert [json.loads(it) for it in responses] == [expected]


def test_thirty_projects_are_each_audited_once(tmp_path: Path) -> None:
    """The built functions audit each of 30 projects once."""
    audit_fleet_once(tmp_path, 30)


@pytest.mark.soak
def test_a_thousand_projects_are_each_audited_once(tmp_path: Path) -> None:
    """The built functions audit each of 1,000 projects once."""
    audit_fleet_once(tmp_path, 1000)
