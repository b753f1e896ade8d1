"""Measure the evaluation of 2,000 indexes with 50 backups each by the whole catalog, without reading."""

import gc
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import evaluate_controls
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Listing
from backup_auditor.domain.model import Backup, Index, Schedule
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import KnownBackup, ProjectState
from benchmarks.figures import Figure, format_table

MAX_SECONDS = 3.0
ROUNDS = 5
INDEXES = 2_000
BACKUPS_PER_INDEX = 50
_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_DAY = timedelta(days=1)


def measure() -> list[Figure]:
    """Measure the median CPU time of an evaluation, without and with a state of every backup."""
    inventory, policy = build_inventory(INDEXES, BACKUPS_PER_INDEX), build_demanding_policy()
    state = build_state(inventory)
    first_seconds = median(_measure_cpu_seconds(inventory, policy, ProjectState()) for _ in range(ROUNDS))
    second_seconds = median(_measure_cpu_seconds(inventory, policy, state) for _ in range(ROUNDS))
    size = f"{INDEXES:,} indexes, {INDEXES * BACKUPS_PER_INDEX:,} backups"
    return [
        Figure(
            f"evaluation of {size}",
            f"< {MAX_SECONDS:g} s of CPU",
            f"{first_seconds:.2f} s",
            first_seconds < MAX_SECONDS,
        ),
        Figure(
            "the same, every backup in the state",
            f"< {MAX_SECONDS:g} s of CPU",
            f"{second_seconds:.2f} s",
            second_seconds < MAX_SECONDS,
        ),
    ]


def build_demanding_policy() -> Policy:
    """Return a policy with a requirement for every control."""
    policy = load_built_in_policy()
    protection = replace(
        policy.defaults.protection,
        deletion_protection=True,
        locations=("aws/*",),
        required_tags=("env",),
        max_backup_age=400 * _DAY,
    )
    project = replace(policy.project, backup_quota=1_000_000, expected_id="project")
    return replace(policy, defaults=replace(policy.defaults, protection=protection), project=project)


def build_inventory(indexes: int, backups_per_index: int) -> Inventory:
    """Build a healthy project: each index has a daily schedule whose history has every backup."""
    facts, rows, histories = [], [], {}
    for number in range(indexes):
        name = f"index-{number:05}"
        schedule = Schedule(
            schedule_id=f"schedule-{name}",
            name="nightly",
            index_id=f"id-{name}",
            project_id="project",
            frequency="daily",
            retention=backups_per_index * _DAY,
            enabled=True,
            next_run=_NOW + _DAY / 2,
            created_at=_NOW - 400 * _DAY,
        )
        index = Index(name, deletion_protection=True, tags={"env": "prod"})
        facts.append(IndexFacts(index, Listing((schedule,))))
        runs = tuple(_build_run(name, _NOW - _DAY / 4 - age * _DAY) for age in range(backups_per_index))
        histories[schedule.schedule_id] = Listing(runs)
        rows += [replace(it) for it in runs]
    return Inventory(_NOW, "bench", tuple(facts), Listing(tuple(rows)), histories)


def _build_run(index: str, moment: datetime) -> Backup:
    return Backup(
        backup_id=f"{index}-{moment:%Y%m%d}",
        index_id=f"id-{index}",
        index_name=index,
        status="Ready",
        name=f"nightly-{moment:%Y%m%dT%H%M%SZ}",
        created_at=moment - _DAY,
        scheduled_for=moment,
        cloud="aws",
        region="us-east-1",
        record_count=100_000,
        namespace_count=10,
        size_bytes=1_000_000_000,
    )


def build_state(inventory: Inventory) -> ProjectState:
    """Build the state of an earlier audit, with every backup except those of the newest day."""
    known_backups = {
        backup.backup_id: KnownBackup(
            backup_id=backup.backup_id,
            index_id=backup.index_id,
            index_name=backup.index_name,
            name=backup.name,
            schedule_id=f"schedule-{backup.index_name}",
            captured_at=backup.scheduled_for,
            expires=True,
            expires_at=backup.scheduled_for + BACKUPS_PER_INDEX * _DAY,
            known_since=_NOW - _DAY,
        )
        for backup in inventory.backups.rows
        if backup.scheduled_for is not None and backup.scheduled_for < _NOW - _DAY
    }
    return ProjectState(revision=1, backups=known_backups)


def _measure_cpu_seconds(inventory: Inventory, policy: Policy, state: ProjectState) -> float:
    gc.collect()
    started_at = time.process_time()
    evaluation = evaluate_controls(inventory, policy, CATALOG, state)
    seconds = time.process_time() - started_at
    expected_count = len(CATALOG.index_controls) * len(inventory.indexes) + len(CATALOG.project_controls)
    if len(evaluation.findings) != expected_count or any(it.is_open for it in evaluation.findings):
        raise RuntimeError(f"{len(evaluation.findings)} findings for {expected_count}, some open, of a healthy project")
    return seconds


if __name__ == "__main__":
    print(format_table(measure()))
