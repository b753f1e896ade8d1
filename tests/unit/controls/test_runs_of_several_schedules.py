"""Control `scheduled-runs-are-continuous` where an index has several enabled schedules."""

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import ListingId, ListingKind
from backup_auditor.domain.model import Backup
from support.builders.facts import (
    DAY,
    HOUR,
    build_complete_listing,
    build_daily_runs,
    build_index,
    build_run,
    build_schedule,
    build_watched_state,
    evaluate_compliance,
    evaluate_control,
    evaluate_facts,
)

ID = "scheduled-runs-are-continuous"


def test_with_two_enabled_schedules_each_has_to_run() -> None:
    """The runs of one fill no gap of the other."""
    other_runs = {"schedule-2": build_daily_runs(7, 3 * HOUR)}
    index = build_index(schedules=[build_schedule(), build_schedule("schedule-2")], runs=[], other_runs=other_runs)
    finding = evaluate_control(ID, index)
    assert finding.compliance is Compliance.NON_COMPLIANT
    assert finding.evidence["schedule_id"] == "schedule-1"
    once_read_index = build_index(schedules=[build_schedule(), build_schedule("schedule-2")], runs=[], reads=1)
    assert {ListingId(ListingKind.HISTORY, it) for it in ("schedule-1", "schedule-2")} <= evaluate_facts(
        once_read_index
    ).unconfirmed_listings


def test_a_gap_of_one_schedule_takes_two_reads_of_its_own_history() -> None:
    """Only the histories of schedules with a gap are read again."""

    def evaluate_histories(second_runs: list[Backup], *, first_reads: int, second_reads: int) -> Compliance:
        index = build_index(
            schedules=[build_schedule(), build_schedule("schedule-2")],
            runs=build_complete_listing([build_run(5 * DAY)], first_reads),
            other_runs={"schedule-2": build_complete_listing(second_runs, second_reads)},
        )
        return evaluate_compliance(ID, index, build_watched_state(index))

    assert evaluate_histories(build_daily_runs(), first_reads=2, second_reads=1) is Compliance.NON_COMPLIANT
    assert evaluate_histories([build_run(6 * DAY)], first_reads=2, second_reads=1) is Compliance.INSUFFICIENT_DATA
    assert evaluate_histories([build_run(6 * DAY)], first_reads=1, second_reads=2) is Compliance.INSUFFICIENT_DATA
    assert evaluate_histories([build_run(6 * DAY)], first_reads=2, second_reads=2) is Compliance.NON_COMPLIANT


def test_a_run_that_two_histories_list_counts_for_both() -> None:
    """A run counts in whichever history it is listed."""
    index = build_index(
        schedules=[build_schedule(), build_schedule("schedule-2")], other_runs={"schedule-2": build_daily_runs()}
    )
    assert evaluate_compliance(ID, index) is Compliance.COMPLIANT
