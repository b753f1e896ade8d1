"""Scenarios with restore drills that passed too long ago, failed, or took too long."""

from datetime import timedelta
from typing import Any

from backup_auditor.domain.drills.drill import DeletionState, DrillRecord, RestoreState, ValidationState
from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import (
    DAY,
    HOUR,
    INDEX,
    MINUTE,
    PROJECT,
    BuildDrills,
    Case,
    create_scheduled_index,
    make_limit_cases,
    on,
)
from support.builders.drills import build_drill

NOT_PROVEN = "restore-is-proven"
TOO_SLOW = "restore-time-meets-objective"
REQUIRED = "defaults: {recovery: {restore_drill_within: 30d}}"
LIMITED = "defaults: {recovery: {max_restore_time: 1h}}"


def record_drill(age: timedelta, restore_time: timedelta = 10 * MINUTE, **facts: Any) -> BuildDrills:
    """Return what records a drill of the index that ended so long before `now`."""

    def build_records(project: SimulatedProject) -> list[DrillRecord]:
        ended_at = project.now - age
        defaults: dict[str, Any] = {
            "project": PROJECT,
            "index_name": INDEX,
            "index_id": project.get_index(INDEX).id,
            "chosen_at": ended_at - restore_time,
            "requested_at": ended_at - restore_time,
            "restored_at": ended_at,
            "verified_at": ended_at,
            "restore": RestoreState.COMPLETED,
            "validation": ValidationState.PASSED,
            "deletion": DeletionState.CONFIRMED,
        }
        return [build_drill(**(defaults | facts))]

    return build_records


CASES: tuple[Case, ...] = (
    *make_limit_cases(
        "last proof at the limit",
        create_scheduled_index(),
        policy=REQUIRED,
        build_drills=record_drill(30 * DAY),
        violations_after=on(NOT_PROVEN),
    ),
    Case(
        label="restore took exactly the limit",
        steps=(create_scheduled_index(),),
        policy=LIMITED,
        build_drills=record_drill(DAY, HOUR),
    ),
    Case(
        label="restore took longer than the limit",
        steps=(create_scheduled_index(),),
        policy=LIMITED,
        build_drills=record_drill(DAY, HOUR + MINUTE),
        violations=on(TOO_SLOW),
    ),
)
