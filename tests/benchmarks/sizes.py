"""What each built function takes with the largest load it is made for: memory, and time at its share of a processor.

The memory of the functions in the template is chosen by this: by itself, the module shows them at other sizes too.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from backup_auditor.bootstrap.runtime import now
from backup_auditor_simulator.scenarios import scenario
from backup_auditor_simulator.web.server import Server
from benchmarks.built import EVENT, Variables, audited_by_functions, built
from benchmarks.figures import Figure, table
from support.aws.single_project import secret_is
from support.aws.template import function, properties
from support.aws_local.cgroup import CpuShare
from support.aws_local.sandbox import Sandbox
from support.slack_server import receiving

WHOLE = 1769
"""Mebibytes that bring a whole processor."""
PROJECTS, NEGLECTED, CREATIONS = 1000, 1667, 200
FINDINGS = 3 * NEGLECTED
MOST = 0.5
"""Of memory and time: the other half is for what nobody thought of."""
MOST_OF_AUDIT = 128
SIZES = (256, 512, 1024)
POLICY = f"""version: 1
project: {{backup_quota: 5000}}
remediation: {{create_schedules: apply, max_creations: {CREATIONS}}}
"""
SLACK, EDITOR = "backup-auditor/slack", "backup-auditor-editor/search"


@dataclass(frozen=True, slots=True)
class Load:
    """What a function is given to do."""

    what: str
    variables: Variables
    event: bytes = EVENT


def measure() -> list[Figure]:
    """Measure each function at the size that the template gives it."""
    return [_figure(verb, properties(function(verb))["MemorySize"]) for verb in LOADS]


def _figure(verb: str, size: int) -> Figure:
    longest = float(properties(function(verb))["Timeout"])
    with LOADS[verb](f"{verb} {size}") as load, TemporaryDirectory() as folder, CpuShare(size / WHOLE) as share:
        peak, init, seconds = _taken(verb, size, load, Path(folder), share)
    most = MOST_OF_AUDIT if verb == "audit" else size * MOST
    bar = f"< {most:.0f} MB, < {longest * MOST:.0f} s"
    measured = f"{peak:.0f} MB, {seconds:.1f} s, of which {init:.2f} s to start"
    holds = peak < most and seconds < longest * MOST
    return Figure(f"`{verb}` with {size} MB: {load.what}", bar, measured, holds)


def _taken(verb: str, size: int, load: Load, folder: Path, share: CpuShare | None = None) -> tuple[float, float, float]:
    """Return mebibytes at the peak, and the seconds from the start to readiness, and to the end of the first event."""
    it = replace(built(folder / verb, verb, load.variables), memory=size)
    with closing(Sandbox(it, folder)) as sandbox:
        if share is not None:
            share.take(sandbox._process.pid)
        done = sandbox.invoke(load.event)
        if not done.succeeded:
            raise RuntimeError(f"{verb} with {size} MB: {done.content[:500]!r}\n{done.log[-2000:]}")
        return done.peak / 2**20, sandbox.init_seconds, time.perf_counter() - sandbox.started_at


@contextmanager
def _registered(application: str) -> Iterator[Load]:
    entries = [{"name": f"team-{number:04d}", "secret": f"backup-auditor/{number}"} for number in range(PROJECTS)]
    with audited_by_functions(scenario("empty", now=now()), application) as variables:
        registry = _kept(variables, json.dumps({"version": 1, "projects": entries}))
        yield Load(f"{PROJECTS:,} projects", {**variables, "REGISTRY": registry}, b"{}")


@contextmanager
def _healthy(application: str) -> Iterator[Load]:
    with audited_by_functions(scenario("fleet:200x5", now=now()), application) as variables:
        yield Load("200 indexes and 1,000 backups", variables)


@contextmanager
def _told(application: str) -> Iterator[Load]:
    """Let the built `audit` find what is to be told."""
    world = scenario(f"bare:{NEGLECTED}", now=now())
    with ExitStack() as stack:
        slack = stack.enter_context(receiving())
        variables = stack.enter_context(audited_by_functions(world, application))
        secret_is(slack.webhook("T0/B0/x"), SLACK)
        topic = boto3.client("sns").create_topic(Name="alerts")["TopicArn"]
        load = Load(f"{FINDINGS:,} findings", {**variables, "ALERT_TOPIC": topic, "SLACK_SECRET": SLACK})
        size = properties(function("audit"))["MemorySize"]
        _taken("audit", size, load, Path(stack.enter_context(TemporaryDirectory())))
        yield load
        if len(slack.posted) != 1:
            raise RuntimeError(f"Slack was told {len(slack.posted)} times")


@contextmanager
def _unprotected(application: str) -> Iterator[Load]:
    world = scenario(f"bare:{CREATIONS}", now=now())
    with audited_by_functions(world, application) as variables:
        secret_is(Server.editor_key, EDITOR)
        more = {"POLICY": _kept(variables, POLICY), "EDITOR_KEY_SECRET": EDITOR}
        yield Load(f"{CREATIONS} schedules to be made", {**variables, **more})
        made = sum(bool(it.schedules) for it in world.indexes.values())
        if made != CREATIONS:
            raise RuntimeError(f"{made} schedules were made")


def _kept(variables: Variables, text: str) -> str:
    bucket = variables["EVIDENCE_BUCKET"]
    boto3.client("s3").put_object(Bucket=bucket, Key="document.yaml", Body=text.encode())
    return f"s3://{bucket}/document.yaml"


LOADS = {
    "dispatch": _registered,
    "audit": _healthy,
    "notify": _told,
    "watch": _registered,
    "remediate": _unprotected,
}


if __name__ == "__main__":
    print(table([_figure(verb, size) for verb in LOADS for size in SIZES]))
