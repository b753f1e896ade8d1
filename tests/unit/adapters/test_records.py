"""Test the columns of stored records."""

from dataclasses import fields
from typing import Any

import pytest

from backup_auditor.adapters.records import ATTEMPTS, BACKUPS, DRILLS, INDEXES, SCHEDULES, RecordTable
from backup_auditor.domain.project_state import KnownBackup, KnownDrill, KnownIndex, KnownSchedule
from backup_auditor.domain.remediation.plan import ActionRecord


@pytest.mark.parametrize(
    "table, record_type",
    [
        pytest.param(BACKUPS, KnownBackup, id="backups"),
        pytest.param(SCHEDULES, KnownSchedule, id="schedules"),
        pytest.param(INDEXES, KnownIndex, id="indexes"),
        pytest.param(DRILLS, KnownDrill, id="drills"),
        pytest.param(ATTEMPTS, ActionRecord, id="attempts"),
    ],
)
def test_columns_are_in_the_order_of_the_fields(table: RecordTable[Any], record_type: type) -> None:
    """A stored value is read into the field of its own column."""
    assert list(table.fields) == [it.name for it in fields(record_type)][: len(table.fields)]
