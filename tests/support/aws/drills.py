"""One simulated Pinecone project, and the `drill` function that drills it through moto."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from backup_auditor.adapters.dynamodb.drill_ledger import DynamoDrillLedger
from backup_auditor.bootstrap import runtime
from backup_auditor.bootstrap.aws import get_sources
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server
from support.aws.moto import open_client
from support.aws.single_project import (
    FakeLambdaContext,
    create_resources,
    load_handler,
    make_project_variables,
    make_resource_names,
    put_secret,
    take_events,
)
from support.drills import build_backed_up_project
from support.simulator import serve

DRILL_SECRET = "backup-auditor-drill/search"  # noqa: S105  the name of a secret
REQUESTED = "Backup Restore Drill Requested"
COMPLETED, FAILED = "Backup Restore Drill Completed", "Backup Restore Drill Failed"
SWEEP_INTERVAL = timedelta(minutes=5)
LATE_SWEEP_FACTOR = 4
"""How much further apart the sweeps of the end are: a damaged restore is verified for hours, at each sweep."""
_QUICK_SWEEPS, MAX_SWEEPS = 15, 60


@dataclass
class DrillFunction:
    """One project on Pinecone, and the function with its bus, queue, table and bucket on AWS."""

    pinecone: Server
    capsys: pytest.CaptureFixture[str]
    events: list[dict[str, Any]] = field(default_factory=list)
    """The events on the bus about results."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Every request that the function has put on the bus."""
    context: FakeLambdaContext = field(default_factory=lambda: FakeLambdaContext(function_name="app-drill"))

    @property
    def project(self) -> SimulatedProject:
        """The project."""
        return self.pinecone.project

    @property
    def records(self) -> Sequence[DrillRecord]:
        """The recorded drills."""
        return DynamoDrillLedger(open_client("dynamodb"), os.environ["STATE_TABLE"]).list_drills("search")

    @property
    def writes(self) -> list[str]:
        """Every call that would change the project."""
        return [f"{it.method} {it.path}" for it in self.pinecone.requests if it.is_write]

    def invoke(self, payload: object) -> dict[str, Any]:
        """Invoke the function as Lambda does."""
        context = replace(self.context, aws_request_id=uuid4().hex)
        response: dict[str, Any] = json.loads(json.dumps(load_handler("drill")(payload, context)))
        return response

    def process(self, request: Mapping[str, Any], attempt: int = 1) -> list[str]:
        """Pass a request to the function as its queue does, and return the ids of failed messages."""
        record = {
            "messageId": "message",
            "body": json.dumps(request),
            "attributes": {"ApproximateReceiveCount": str(attempt)},
        }
        response = self.invoke({"Records": [record]})
        return [it["itemIdentifier"] for it in response["batchItemFailures"]]

    def take_requests(self) -> list[dict[str, Any]]:
        """Return the requests on the bus, and keep the other events."""
        events = take_events()
        requests = [it for it in events if it["detail-type"] == REQUESTED]
        self.events += [it for it in events if it["detail-type"] != REQUESTED]
        self.requests += requests
        return requests

    def run(self, request_id: str = "2026-11-23T09:15:00Z") -> list[str]:
        """Fire the weekly schedule, and pass what it requests to the function. Return the ids of failed messages."""
        failed_ids = self.process({"request_id": request_id})
        return failed_ids + [it for request in self.take_requests() for it in self.process(request)]

    def sweep(self, interval: timedelta = SWEEP_INTERVAL) -> None:
        """Advance the clock, fire the schedule of the sweep, and pass what it requests to the function."""
        self.project.advance(interval)
        self.invoke({"sweep": True})
        for request in self.take_requests():
            assert self.process(request) == []
        self.take_requests()

    def finish(self) -> DrillRecord:
        """Sweep until no drill is in progress, and return the last one."""
        for number in range(MAX_SWEEPS):
            self.sweep(SWEEP_INTERVAL if number < _QUICK_SWEEPS else LATE_SWEEP_FACTOR * SWEEP_INTERVAL)
            if not any(it.is_in_progress for it in self.records):
                return self.records[-1]
        raise AssertionError(f"a drill does not end: {self.records}")

    def put_policy(self, mode: str = "apply", **settings: object) -> None:
        """Write the policy of the project."""
        policy = {
            "version": 1,
            "defaults": {"recovery": {"restore_drill_within": "30d"}},
            "restore_drills": {"mode": mode, **settings},
        }
        name = os.environ["POLICY"].removeprefix("ssm:")
        open_client("ssm").put_parameter(Name=name, Value=json.dumps(policy), Type="String", Overwrite=True)

    def take_metrics(self) -> list[dict[str, float]]:
        """Return the metrics of each line since the last call."""
        lines = [json.loads(it) for it in self.capsys.readouterr().out.splitlines() if '"_aws"' in it]
        assert all(it["project"] == "search" for it in lines)
        return [{name: it[0] for name, it in line.items() if isinstance(it, list)} for line in lines]


@contextmanager
def open_drill_function(
    test: str,
    aws_variables: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    project: SimulatedProject | None = None,
) -> Iterator[DrillFunction]:
    """Yield the function for a project with one index that has one backup, with resources of its own."""
    names = make_resource_names(test)
    variables = {
        "DRILL_NAME_PREFIX": "backup-auditor-drill/",
        "DRILL_KEY_SECRET": DRILL_SECRET,
        "POLICY": f"ssm:/backup-auditor/{names['STATE_TABLE']}",
    }
    with serve(project or build_backed_up_project()) as server:
        for name, value in {**aws_variables, **names, **make_project_variables(server), **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("API_KEY_SECRET")
        monkeypatch.setattr(runtime, "now", lambda: server.project.now)
        get_sources.cache_clear()
        create_resources(names)
        put_secret(server.drill_key, DRILL_SECRET)
        function = DrillFunction(server, capsys)
        function.put_policy()
        yield function
        get_sources.cache_clear()
