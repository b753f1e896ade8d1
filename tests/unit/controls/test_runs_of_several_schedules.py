"""Control `scheduled-runs-are-continuous` where an index has several enabled schedules."""

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import ListingId, ListingKind
from backup_auditor.domain.model import Backup
from support.builders.facts import (
    DAY,
    HOUR,
    compliance,
    daily_runs,
    finding,
    index,
    judged,
    run,
    schedule,
    watched,
    whole,
)

ID = "scheduled-runs-are-continuous"


def test_with_two_enabled_schedules_each_has_to_run() -> None:
    """The runs of one fill no gap of the other."""
    other = {"schedule-2": daily_runs(7, 3 * HOUR)}
    told = index(schedules=[schedule(), schedule("schedule-2")], runs=[], other_runs=other)
    found = finding(ID, told)
    assert found.compliance is Compliance.NON_COMPLIANT
    assert found.evidence["schedule_id"] == "schedule-1"
    once = index(schedules=[schedule(), schedule("schedule-2")], runs=[], walks=1)
    assert {ListingId(ListingKind.HISTORY, it) for it in ("schedule-1", "schedule-2")} <= judged(
        once
    ).unconfirmed_listings


def test_a_gap_of_one_schedule_takes_two_walks_over_its_own_history() -> None:
    """The history of another need not be walked again; where both have gaps, both need."""

    def judge(second: list[Backup], *, first_walks: int, second_walks: int) -> Compliance:
        told = index(
            schedules=[schedule(), schedule("schedule-2")],
            runs=whole([run(5 * DAY)], first_walks),
            other_runs={"schedule-2": whole(second, second_walks)},
        )
        return compliance(ID, told, watched(told))

    assert judge(daily_runs(), first_walks=2, second_walks=1) is Compliance.NON_COMPLIANT
    assert judge([run(6 * DAY)], first_walks=2, second_walks=1) is Compliance.INSUFFICIENT_DATA
    assert judge([run(6 * DAY)], first_walks=1, second_walks=2) is Compliance.INSUFFICIENT_DATA
    assert judge([run(6 * DAY)], first_walks=2, second_walks=2) is Compliance.NON_COMPLIANT


def test_a_run_that_two_histories_list_counts_for_both() -> None:
    """Whoever lists it."""
    told = index(schedules=[schedule(), schedule("schedule-2")], other_runs={"schedule-2": daily_runs()})
    assert compliance(ID, told) is Compliance.COMPLIANT
