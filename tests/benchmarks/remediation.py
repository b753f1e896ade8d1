"""Measure how fast a plan is applied: each index is read, gets a schedule, is verified, and is recorded."""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.adapters.pinecone.writer import open_writer
from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.adapters.sqlite.remediation_log import open_remediation_log
from backup_auditor.application.audit import run_audit
from backup_auditor.application.remediation.executor import PlanExecutor
from backup_auditor.application.remediation.service import create_plan
from backup_auditor.domain.policy import Mode, Policy, RemediationPolicy
from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor_simulator.web.server import Server
from benchmarks.figures import Figure, format_table, measure_seconds
from benchmarks.growth import SilentProgress
from simulator_process import run_simulator

INDEXES, LATENCY_SECONDS = 200, 0.05
ROUNDS = 3
MAX_SECONDS = 3.0


def measure() -> list[Figure]:
    """Apply the plan to a new project in each round, and compare the median with the limit."""
    seconds = [_measure_plan() for _ in range(ROUNDS)]
    median_seconds = median(seconds)
    label = f"remediation: {INDEXES} schedules created at {LATENCY_SECONDS * 1000:.0f} ms per response"
    return [Figure(label, f"< {MAX_SECONDS:g} s", f"{median_seconds:.2f} s", median_seconds < MAX_SECONDS)]


def _measure_plan() -> float:
    with (
        tempfile.TemporaryDirectory() as folder,
        run_simulator(f"bare:{INDEXES}", latency=LATENCY_SECONDS, allows_writes=True) as environment,
        open_remediation_log(Path(folder) / "state") as log,
    ):
        connection = Connection(Server.editor_key, environment["PINECONE_CONTROLLER_HOST"])
        with open_reader(connection) as reader:
            audit_result = run_audit(reader, _policy(), project="bench", observed_at=_now(), progress=SilentProgress())
        plan = create_plan(audit_result, _policy(), log)
        states: list[ActionState] = []

        def apply_plan() -> None:
            with open_writer(connection) as writer:
                executor = PlanExecutor(plan=plan, policy=_policy(), writer=writer, log=log, actor="bench", now=_now)
                execution_result = executor.execute(audit_result.inventory)
            states.extend(it.state for it in execution_result.results)

        seconds = measure_seconds(apply_plan)
    if states != [ActionState.DONE] * INDEXES:
        raise RuntimeError(f"not every action was done: {states}")
    return seconds


def _policy() -> Policy:
    policy = load_built_in_policy()
    return replace(
        policy,
        project=replace(policy.project, backup_quota=5000),
        remediation=RemediationPolicy(create_schedules=Mode.APPLY, max_creations=INDEXES),
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


if __name__ == "__main__":
    print(format_table(measure()))
