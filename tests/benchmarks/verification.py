"""Measure how fast a restored index is verified: sampled records are listed, fetched and queried."""

from datetime import UTC, datetime, timedelta
from statistics import median

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.restores import open_drill_project
from backup_auditor.domain.drills.drill import DrillRecord, RestorePoint
from backup_auditor.domain.drills.state_machine import (
    IndexFound,
    IndexVerified,
    ReadIndex,
    RequestRestore,
    VerifyIndex,
)
from backup_auditor.domain.drills.verification import CheckState
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server
from benchmarks.figures import Figure, format_table, measure_seconds

RECORDS, NAMESPACES, DIMENSION, SAMPLE_SIZE, LATENCY_SECONDS = 10_000, 100, 1536, 100, 0.05
ROUNDS = 3
MAX_SECONDS = 5.0
_NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def measure() -> list[Figure]:
    """Verify a new restore in each round, and compare the median with the limit."""
    median_seconds = median(_measure_verification() for _ in range(ROUNDS))
    sample = f"{SAMPLE_SIZE} records of {NAMESPACES} namespaces"
    label = f"restore drill: {sample} verified at {LATENCY_SECONDS * 1000:.0f} ms per response"
    return [Figure(label, f"< {MAX_SECONDS:g} s", f"{median_seconds:.2f} s", median_seconds < MAX_SECONDS)]


def _measure_verification() -> float:
    """Restore an index, and return how long its verification takes. The simulator runs in this process."""
    project = SimulatedProject(_NOW)
    fields = {"_values": {"type": "dense_vector", "dimension": DIMENSION, "metric": "cosine"}}
    project.create_index("orders", records=RECORDS, namespaces=NAMESPACES, fields=fields)
    backup = project.create_backup("orders")
    project.advance(timedelta(hours=1))
    with Server(project) as server, open_drill_project(Connection(server.drill_key, server.url)) as drill_project:
        point = RestorePoint(backup.id, project.now, 1, drill_project.load_expected_content(backup.id))
        record = DrillRecord(
            drill_id="bench",
            project="bench",
            number=1,
            index_name="orders",
            index_id=backup.index.id,
            point=point,
            target_name="drill-orders-bench",
            plan_id="bench",
            actor="bench",
            max_duration=timedelta(hours=6),
            sample_size=SAMPLE_SIZE,
            chosen_at=project.now,
        )
        drill_project.make_call(record, RequestRestore(record.restore_call))
        project.advance(timedelta(hours=1))
        found = drill_project.make_call(record, ReadIndex(record.target_name))
        if not isinstance(found, IndexFound):
            raise TypeError(f"the index was not restored: {found}")
        server.latency = LATENCY_SECONDS
        results: list[object] = []
        seconds = measure_seconds(lambda: results.append(drill_project.make_call(record, VerifyIndex(found.index))))
    (result,) = results
    if not isinstance(result, IndexVerified) or result.verification.state is not CheckState.PASSED:
        raise TypeError(f"the index was not verified: {result}")
    return seconds


if __name__ == "__main__":
    print(format_table(measure()))
