"""One project on Pinecone's simulator, and the function `remediate` that puts it right, over boto3 on moto."""

import importlib.util
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from backup_auditor.adapters.dynamodb.items import HEAD_SORT_KEY, build_key, build_project_key
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.remediate import get_remediator
from backup_auditor_simulator.web.server import Server
from support.aws.single_project import Context, deploy, project_at, secret_is, taken_events
from support.simulator import empty_world, serving

ROOT = Path(__file__).parents[3]
EDITOR_SECRET = "backup-auditor-editor/search"  # noqa: S105  a name
COMPLETED = json.loads((ROOT / "events/remediate.completed.json").read_text(encoding="utf-8"))
WRITES = {"POST", "PATCH", "DELETE"}
PROPOSED, CREATED = "Backup Schedule Proposed", "Backup Schedule Created"


@dataclass
class Stage:
    """One project on Pinecone, and one application on AWS."""

    pinecone: Server
    capsys: pytest.CaptureFixture[str]
    context: Context = field(default_factory=lambda: Context(function_name="app-remediate"))

    def run(self, event: object) -> dict[str, Any]:
        """Invoke the function as Lambda does."""
        spec = importlib.util.spec_from_file_location("app", ROOT / "functions/remediate/app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found: dict[str, Any] = json.loads(json.dumps(module.lambda_handler(event, self.context)))
        return found

    def policy(self, create: str, *, expected_id: str | None = None, **more: object) -> None:
        """Write the policy of the project."""
        remediation = {"create_schedules": create, **more}
        text = json.dumps({"version": 1, "project": {"expected_id": expected_id}, "remediation": remediation})
        boto3.client("ssm").put_parameter(Name=self.address, Value=text, Type="String", Overwrite=True)

    def record_project(self, project_id: str) -> None:
        """Let the state hold the id that an audit recorded."""
        boto3.client("dynamodb").update_item(
            TableName=os.environ["STATE_TABLE"],
            Key=build_key(build_project_key("search"), HEAD_SORT_KEY),
            UpdateExpression="SET pinecone_project_id = :id",
            ExpressionAttributeValues={":id": {"S": project_id}},
        )

    @property
    def address(self) -> str:
        """The name of the parameter that holds the policy."""
        return os.environ["POLICY"].removeprefix("ssm:")

    def events(self) -> list[dict[str, Any]]:
        """Take what was put on the bus."""
        return taken_events()

    def metrics(self) -> dict[str, float]:
        """Return the metrics that were emitted since this was asked last."""
        lines = [json.loads(it) for it in self.capsys.readouterr().out.splitlines() if '"_aws"' in it]
        assert all(it["project"] == "search" for it in lines)
        return {name: it[0] for line in lines for name, it in line.items() if isinstance(it, list)}

    @property
    def writes(self) -> list[str]:
        """Every call that would change something."""
        return [f"{it.method} {it.path}" for it in self.pinecone.requests if it.method in WRITES]

    def schedules(self) -> list[str]:
        """Return the indexes that have a schedule."""
        indexes = self.pinecone.project.indexes.items()
        return sorted(name for name, it in indexes for schedule in it.schedules.values() if schedule.enabled)


@contextmanager
def staged(
    own: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Stage]:
    """Build one with two indexes without a schedule, and an application with names of its own."""
    world = empty_world()
    for name in ("carts", "orders"):
        world.create_index(name)
    told = {"EDITOR_KEY_SECRET": EDITOR_SECRET, "POLICY": f"ssm:/backup-auditor/{own['STATE_TABLE']}"}
    with serving(world) as server:
        for name, value in {**own, **project_at(server), **told}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("API_KEY_SECRET")
        monkeypatch.setattr(runtime, "now", lambda: server.project.now)
        deploy(own)
        secret_is(server.editor_key, EDITOR_SECRET)
        found = Stage(server, capsys)
        found.policy("apply")
        yield found
        get_remediator.cache_clear()
