"""One simulated Pinecone project, and the `remediate` function that remediates it through moto."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.items import HEAD_SORT_KEY, build_key
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import get_sources
from backup_auditor_simulator.web.server import Server
from support.aws.moto import open_client
from support.aws.single_project import (
    ROOT,
    FakeLambdaContext,
    create_resources,
    load_handler,
    make_project_variables,
    put_secret,
    take_events,
)
from support.simulator import build_empty_project, serve

EDITOR_SECRET = "backup-auditor-editor/search"  # noqa: S105  the name of a secret
COMPLETED_EVENT = json.loads((ROOT / "events/remediate.completed.json").read_text(encoding="utf-8"))
PROPOSED_DETAIL_TYPE, CREATED_DETAIL_TYPE = "Backup Schedule Proposed", "Backup Schedule Created"


@dataclass
class RemediationHarness:
    """One project on Pinecone, and one application on AWS."""

    pinecone: Server
    capsys: pytest.CaptureFixture[str]
    context: FakeLambdaContext = field(default_factory=lambda: FakeLambdaContext(function_name="app-remediate"))

    def run(self, event: object) -> dict[str, Any]:
        """Invoke the function as Lambda does."""
        response: dict[str, Any] = json.loads(json.dumps(load_handler("remediate")(event, self.context)))
        return response

    def put_policy(self, create_mode: str, *, expected_id: str | None = None, **settings: object) -> None:
        """Write the policy of the project."""
        remediation = {"create_schedules": create_mode, **settings}
        text = json.dumps({"version": 1, "project": {"expected_id": expected_id}, "remediation": remediation})
        open_client("ssm").put_parameter(Name=self.policy_name, Value=text, Type="String", Overwrite=True)

    def record_project_id(self, project_id: str) -> None:
        """Store the project id that an audit recorded in the state."""
        open_client("dynamodb").update_item(
            TableName=os.environ["STATE_TABLE"],
            Key=build_key("search", HEAD_SORT_KEY),
            UpdateExpression="SET pinecone_project_id = :id",
            ExpressionAttributeValues={":id": {"S": project_id}},
        )

    @property
    def policy_name(self) -> str:
        """The name of the parameter that holds the policy."""
        return os.environ["POLICY"].removeprefix("ssm:")

    def take_events(self) -> list[dict[str, Any]]:
        """Remove and return the events on the bus."""
        return take_events()

    def take_metrics(self) -> dict[str, float]:
        """Return the metrics since the last call."""
        lines = [json.loads(it) for it in self.capsys.readouterr().out.splitlines() if '"_aws"' in it]
        assert all(it["project"] == "search" for it in lines)
        return {name: it[0] for line in lines for name, it in line.items() if isinstance(it, list)}

    @property
    def write_calls(self) -> list[str]:
        """Every call that would change the project."""
        return [f"{it.method} {it.path}" for it in self.pinecone.requests if it.is_write]

    def list_scheduled_indexes(self) -> list[str]:
        """Return the indexes that have an enabled schedule."""
        indexes = self.pinecone.project.indexes.items()
        return sorted(name for name, it in indexes for schedule in it.schedules.values() if schedule.enabled)


@contextmanager
def open_remediation_harness(
    names: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[RemediationHarness]:
    """Yield a project with two indexes without schedules, and an application with its own resource names."""
    project = build_empty_project()
    for name in ("carts", "orders"):
        project.create_index(name)
    variables = {
        "EDITOR_NAME_PREFIX": "backup-auditor-editor/",
        "EDITOR_KEY_SECRET": EDITOR_SECRET,
        "POLICY": f"ssm:/backup-auditor/{names['STATE_TABLE']}",
    }
    with serve(project) as server:
        for name, value in {**names, **make_project_variables(server), **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("API_KEY_SECRET")
        monkeypatch.setattr(runtime, "now", lambda: server.project.now)
        create_resources(names)
        put_secret(server.editor_key, EDITOR_SECRET)
        harness = RemediationHarness(server, capsys)
        harness.put_policy("apply")
        yield harness
        get_sources.cache_clear()
