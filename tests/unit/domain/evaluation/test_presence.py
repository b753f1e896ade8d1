"""Whether a remembered backup whose schedule is not known should still exist."""

from dataclasses import replace

import pytest

from backup_auditor.domain.evaluation.presence import ExpectedPresence, find_expected_presence
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.inventory import Inventory
from support.builders.facts import BROKEN, DAY, NOW, broken, index, inventory, known, policy, run

MADE = known(run(DAY), NOW + DAY, schedule_id="gone", index_name="main")


@pytest.mark.parametrize(
    "told,expected",
    [
        pytest.param(inventory(index()), ExpectedPresence.EXPECTED, id="another-schedule-has-its-place"),
        pytest.param(inventory(index(schedules=broken())), ExpectedPresence.UNKNOWN, id="schedules-unread"),
        pytest.param(inventory(), ExpectedPresence.EXPECTED, id="the-index-is-gone-too"),
        pytest.param(replace(inventory(), indexes_failure=BROKEN), ExpectedPresence.UNKNOWN, id="indexes-unread"),
        pytest.param(replace(inventory(index()), indexes_failure=BROKEN), ExpectedPresence.EXPECTED, id="but-its-own"),
    ],
)
def test_what_a_schedule_had_last_counts_where_it_is_gone(told: Inventory, expected: ExpectedPresence) -> None:
    """Where it may be there, a shorter retention that was not read may have ended what it made."""
    assert find_expected_presence(MADE, ProjectContext(told, policy())) is expected
