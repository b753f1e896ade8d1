"""A thousand registered projects, or thirty where there is less time: each is audited, and each exactly once."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup_auditor_simulator.project import SimulatedProject
from support.aws_local.application import CONFIG, Application

FIRST = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
PARAMETERS = {
    "Registry": f"s3://{CONFIG}/backup-auditor/registry.yaml",
    "ConfigBucket": CONFIG,
    "EnableRemediation": "true",
}
"""A registry of a thousand projects is too large for a parameter."""


def protected(number: int) -> SimulatedProject:
    """Build a project with one index, and a schedule that made a few backups."""
    world = SimulatedProject(FIRST - timedelta(days=2, hours=number % 20))
    world.create_index(f"index-{number}")
    world.create_schedule(f"index-{number}", "nightly")
    return world


def audited_once(folder: Path, count: int) -> None:
    """Let a night come over so many projects, in which events are delivered twice now and then."""
    worlds = {f"project-{number:04d}": protected(number) for number in range(count)}
    with Application(folder, worlds, FIRST - timedelta(hours=1), parameters=PARAMETERS, repeats=0.05) as app:
        done = app.night(FIRST)
        assert not [it.content for it in done if not it.succeeded]
        assert Counter(it["PK"]["S"].partition("#")[2] for it in app.items() if "complete" in it) == dict.fromkeys(
            worlds, 1
        )
        assert Counter(key.partition("/")[0] for key in app.reports()) == dict.fromkeys(worlds, 1)
        completed = Counter(it["project"] for it in app.flow.told("Backup Audit Completed"))
        assert completed == dict.fromkeys(worlds, 1)
        assert app.flow.dead == []
        assert app.aws.denied == []
        seen = {it.content for it in app.watch()}
        well = {"registered": count, "overdue": 0, "projects": [], "incomplete": []}
        assert [json.loads(it) for it in seen] == [well]


def test_thirty_projects_are_each_audited_once(tmp_path: Path) -> None:
    """By the functions as they were built."""
    audited_once(tmp_path, 30)


@pytest.mark.soak
def test_a_thousand_projects_are_each_audited_once(tmp_path: Path) -> None:
    """By the functions as they were built."""
    audited_once(tmp_path, 1000)
