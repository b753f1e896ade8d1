"""Measure the memory and the time of each built function with its largest supported load and its share of a CPU.

The memory sizes in the template are based on these figures. Run as a script, the module also measures other sizes.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from backup_auditor.bootstrap.runtime import now
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.server import Server
from benchmarks.built_functions import EVENT, Variables, build_function, serve_audited_project
from benchmarks.figures import Figure, format_table
from support.aws.single_project import put_secret
from support.aws.template import find_properties, name_function
from support.aws_local.cgroup import CpuShare
from support.aws_local.sandbox import Sandbox
from support.slack_server import serve_slack

FULL_CPU_MIB = 1769
"""The memory size with which a function has a whole CPU."""
PROJECT_COUNT, NEGLECTED_INDEX_COUNT, CREATION_COUNT = 1000, 1667, 200
DRILLED_INDEX_COUNT, DIMENSION, NAMESPACE_COUNT = 190, 1536, 100
FINDING_COUNT = 3 * NEGLECTED_INDEX_COUNT
MAX_SHARE = 0.5
"""The maximum used share of memory and time: the other half is a reserve for larger loads."""
MAX_AUDIT_MIB = 128
MEMORY_SIZES = (256, 512, 1024)
POLICY = f"""version: 1
project: {{backup_quota: 5000}}
remediation: {{create_schedules: apply, max_creations: {CREATION_COUNT}}}
"""
DRILL_POLICY = """version: 1
project: {plan: enterprise}
restore_drills: {mode: apply}
"""
EDITOR_PREFIX, DRILL_PREFIX = "backup-auditor-editor/", "backup-auditor-drill/"
SLACK_SECRET, EDITOR_SECRET = "backup-auditor/webhooks/slack", f"{EDITOR_PREFIX}search"
DRILL_SECRET = f"{DRILL_PREFIX}search"


@dataclass(frozen=True, slots=True)
class Load:
    """The event and the variables of a function, with a description."""

    description: str
    variables: Variables
    event: bytes = EVENT


def measure() -> list[Figure]:
    """Measure each function with its memory size in the template."""
    return [_measure_figure(verb, find_properties(name_function(verb))["MemorySize"]) for verb in LOADS]


def _measure_figure(verb: str, size: int) -> Figure:
    timeout = float(find_properties(name_function(verb))["Timeout"])
    with LOADS[verb](f"{verb} {size}") as load, TemporaryDirectory() as folder, CpuShare(size / FULL_CPU_MIB) as share:
        peak_mib, init_seconds, seconds = _measure_run(verb, size, load, Path(folder), share)
    max_mib = MAX_AUDIT_MIB if verb == "audit" else size * MAX_SHARE
    target = f"< {max_mib:.0f} MB, < {timeout * MAX_SHARE:.0f} s"
    value = f"{peak_mib:.0f} MB, {seconds:.1f} s, of which {init_seconds:.2f} s to start"
    is_met = peak_mib < max_mib and seconds < timeout * MAX_SHARE
    return Figure(f"`{verb}` with {size} MB: {load.description}", target, value, is_met)


def _measure_run(
    verb: str, size: int, load: Load, folder: Path, share: CpuShare | None = None
) -> tuple[float, float, float]:
    """Return the peak memory in MiB, the seconds until the function is ready, and until its first event ends."""
    sized_function = replace(build_function(folder / verb, verb, load.variables), memory=size)
    with closing(Sandbox(sized_function, folder)) as sandbox:
        if share is not None:
            share.add_process(sandbox._process.pid)
        invocation = sandbox.invoke(load.event)
        if not invocation.succeeded:
            raise RuntimeError(f"{verb} with {size} MB: {invocation.content[:500]!r}\n{invocation.log[-2000:]}")
        return invocation.peak_memory / 2**20, sandbox.init_seconds, time.perf_counter() - sandbox.started_at


@contextmanager
def _prepare_registry(application: str) -> Iterator[Load]:
    entries = [
        {"name": f"team-{number:04d}", "secret": f"backup-auditor/keys/{number}"} for number in range(PROJECT_COUNT)
    ]
    with serve_audited_project(build_scenario("empty", now=now()), application) as variables:
        registry = _store_document(variables, json.dumps({"version": 1, "projects": entries}))
        yield Load(f"{PROJECT_COUNT:,} projects", {**variables, "REGISTRY": registry}, b"{}")


@contextmanager
def _prepare_healthy_project(application: str) -> Iterator[Load]:
    with serve_audited_project(build_scenario("fleet:200x5", now=now()), application) as variables:
        yield Load("200 indexes and 1,000 backups", variables)


@contextmanager
def _prepare_alerts(application: str) -> Iterator[Load]:
    """Audit a neglected project with the built `audit`, so that `notify` has messages to send."""
    project = build_scenario(f"bare:{NEGLECTED_INDEX_COUNT}", now=now())
    with ExitStack() as stack:
        slack = stack.enter_context(serve_slack())
        variables = stack.enter_context(serve_audited_project(project, application))
        put_secret(slack.make_webhook("T0/B0/x"), SLACK_SECRET)
        topic = boto3.client("sns").create_topic(Name="alerts")["TopicArn"]
        load = Load(f"{FINDING_COUNT:,} findings", {**variables, "ALERT_TOPIC": topic, "SLACK_SECRET": SLACK_SECRET})
        size = find_properties(name_function("audit"))["MemorySize"]
        _measure_run("audit", size, load, Path(stack.enter_context(TemporaryDirectory())))
        yield load
        if len(slack.posted_messages) != 1:
            raise RuntimeError(f"Slack received {len(slack.posted_messages)} messages instead of 1")


@contextmanager
def _prepare_unprotected_project(application: str) -> Iterator[Load]:
    project = build_scenario(f"bare:{CREATION_COUNT}", now=now())
    with serve_audited_project(project, application) as variables:
        put_secret(Server.editor_key, EDITOR_SECRET)
        remediation_variables = {
            "POLICY": _store_document(variables, POLICY),
            "EDITOR_KEY_SECRET": EDITOR_SECRET,
            "EDITOR_NAME_PREFIX": EDITOR_PREFIX,
        }
        yield Load(f"{CREATION_COUNT} schedules to be made", {**variables, **remediation_variables})
        schedule_count = sum(bool(it.schedules) for it in project.indexes.values())
        if schedule_count != CREATION_COUNT:
            raise RuntimeError(f"{schedule_count} schedules were created instead of {CREATION_COUNT}")


@contextmanager
def _prepare_restored_index(application: str) -> Iterator[Load]:
    """Restore an index, so that the next run audits the project, and verifies and deletes that index."""
    project = build_scenario(f"fleet:{DRILLED_INDEX_COUNT}x5", now=now())
    vectors = {"_values": {"type": "dense_vector", "dimension": DIMENSION, "metric": "cosine"}}
    project.create_index("vectors", fields=vectors, records=100 * NAMESPACE_COUNT, namespaces=NAMESPACE_COUNT)
    backup = project.create_backup("vectors")
    project.advance(timedelta(hours=1))
    with serve_audited_project(project, application) as variables:
        put_secret(Server.drill_key, DRILL_SECRET)
        drill_variables = {
            **variables,
            "POLICY": _store_document(variables, DRILL_POLICY),
            "DRILL_KEY_SECRET": DRILL_SECRET,
            "DRILL_NAME_PREFIX": DRILL_PREFIX,
        }
        event = json.dumps({"project": "search", "backup": backup.id}).encode()
        load = Load(
            f"{DRILLED_INDEX_COUNT} indexes, and 100 records of {NAMESPACE_COUNT} namespaces", drill_variables, event
        )
        with TemporaryDirectory() as folder:
            _measure_run("drill", find_properties(name_function("drill"))["MemorySize"], load, Path(folder))
        project.advance(timedelta(hours=1))
        yield load
        if len(project.indexes) > DRILLED_INDEX_COUNT + 1:
            raise RuntimeError("the restored index was not deleted")


def _store_document(variables: Variables, text: str) -> str:
    bucket = variables["EVIDENCE_BUCKET"]
    boto3.client("s3").put_object(Bucket=bucket, Key="document.yaml", Body=text.encode())
    return f"s3://{bucket}/document.yaml"


LOADS = {
    "dispatch": _prepare_registry,
    "audit": _prepare_healthy_project,
    "notify": _prepare_alerts,
    "watch": _prepare_registry,
    "remediate": _prepare_unprotected_project,
    "drill": _prepare_restored_index,
}


if __name__ == "__main__":
    print(format_table([_measure_figure(verb, size) for verb in LOADS for size in MEMORY_SIZES]))
