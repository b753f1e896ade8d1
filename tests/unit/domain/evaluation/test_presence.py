"""Whether a recorded backup whose schedule is unknown should still exist."""

from dataclasses import replace

import pytest

from backup_auditor.domain.evaluation.index import is_expected
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from support.builders.facts import (
    DAY,
    NOW,
    READ_FAILURE,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_policy,
    build_run,
)

KNOWN_RUN = build_known_backup(build_run(DAY), NOW + DAY, schedule_id="gone", index_name="main")


@pytest.mark.parametrize(
    "inventory,expected",
    [
        pytest.param(build_inventory(build_index()), True, id="another-schedule-has-its-place"),
        pytest.param(
            build_inventory(build_index(schedules=build_failed_listing())),
            None,
            id="schedules-unread",
        ),
        pytest.param(build_inventory(), True, id="the-index-is-gone-too"),
        pytest.param(replace(build_inventory(), indexes_failure=READ_FAILURE), None, id="indexes-unread"),
        pytest.param(
            replace(build_inventory(build_index()), indexes_failure=READ_FAILURE),
            True,
            id="but-its-own",
        ),
    ],
)
def test_what_a_schedule_had_last_counts_where_it_is_gone(inventory: Inventory, expected: bool | None) -> None:
    """If the schedule may exist, an unread shorter retention may have deleted the backup."""
    assert is_expected(KNOWN_RUN, ProjectContext(inventory, build_policy())) is expected
