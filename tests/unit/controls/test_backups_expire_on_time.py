"""Control `backups-expire-on-time`."""

from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Backup
from support.builders.facts import (
    DAY,
    NOW,
    SECOND,
    IndexCase,
    ago,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_run,
    build_schedule,
    build_state,
    build_unnamed_run,
    evaluate_compliance,
    evaluate_control,
)

ID = "backups-expire-on-time"
MAX_AGE = 9 * DAY


def build_index_with_run(age: timedelta, **facts: Any) -> IndexCase:
    """Build an index of which one run is so old; its schedule keeps backups for 7 days."""
    return build_index(runs=[build_run(DAY), build_run(age, **facts)])


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(MAX_AGE - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(MAX_AGE, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(MAX_AGE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_two_days_past_its_expiry_a_backup_is_gone(age: timedelta, expected: Compliance) -> None:
    """Capture and the present retention."""
    assert evaluate_compliance(ID, build_index_with_run(age)) is expected


@pytest.mark.parametrize(
    "case,expected",
    [
        pytest.param(build_index_with_run(20 * DAY, status="Failed"), Compliance.NON_COMPLIANT, id="failed"),
        pytest.param(build_index_with_run(20 * DAY, status="Scheduled"), Compliance.COMPLIANT, id="planned"),
        pytest.param(
            build_index(runs=[build_run(DAY), build_run(20 * DAY)], listed_backups=[build_run(DAY)]),
            Compliance.COMPLIANT,
            id="in-the-history-only",
        ),
        pytest.param(build_index(backups=[build_backup(300 * DAY)]), Compliance.COMPLIANT, id="manual"),
        pytest.param(
            build_index(runs=[], backups=[build_backup(300 * DAY)]), Compliance.NOT_APPLICABLE, id="manual-only"
        ),
        pytest.param(build_index(runs=[]), Compliance.NOT_APPLICABLE, id="none"),
        pytest.param(
            build_index(schedules=[build_schedule(enabled=False)], runs=[build_run(20 * DAY)]),
            Compliance.NON_COMPLIANT,
            id="paused",
        ),
        pytest.param(
            build_index(schedules=[build_schedule(retention=None)], runs=[build_run(DAY)]),
            Compliance.INSUFFICIENT_DATA,
            id="retention",
        ),
        pytest.param(
            build_index_with_run(DAY, backup_id="u", name=None, scheduled_for=None, created_at=None),
            Compliance.INSUFFICIENT_DATA,
            id="undated",
        ),
    ],
)
def test_what_a_schedule_made_is_evaluated(case: IndexCase, expected: Compliance) -> None:
    """A scheduled backup is evaluated in any state."""
    assert evaluate_compliance(ID, case) is expected


@pytest.mark.parametrize(
    "expires_at,expected",
    [
        pytest.param(None, Compliance.NOT_APPLICABLE, id="not-recorded"),
        pytest.param(ago(2 * DAY), Compliance.COMPLIANT, id="at-limit"),
        pytest.param(ago(2 * DAY + SECOND), Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_where_the_schedule_is_gone_the_state_decides(expires_at: Any, expected: Compliance) -> None:
    """A run's name says that there was one."""
    remaining_runs = [build_run(20 * DAY)]
    state = build_state(*(build_known_backup(it, expires_at) for it in remaining_runs if expires_at))
    assert (
        evaluate_compliance(
            ID,
            build_index(
                schedules=[], listed_backups=remaining_runs, own_backups=build_complete_listing(remaining_runs)
            ),
            state,
        )
        is expected
    )


@pytest.mark.parametrize(
    "rows,expected",
    [
        pytest.param([build_unnamed_run(MAX_AGE)], Compliance.INSUFFICIENT_DATA, id="none-is-certain"),
        pytest.param([build_unnamed_run(MAX_AGE), build_run(DAY)], Compliance.COMPLIANT, id="in-time-either-way"),
        pytest.param(
            [build_unnamed_run(MAX_AGE + SECOND), build_run(DAY)], Compliance.INSUFFICIENT_DATA, id="perhaps-too-late"
        ),
        pytest.param(
            [build_unnamed_run(MAX_AGE + SECOND), build_run(20 * DAY)],
            Compliance.NON_COMPLIANT,
            id="another-is-too-late",
        ),
    ],
)
def test_a_run_that_may_be_planned_counts_where_it_decides(rows: list[Backup], expected: Compliance) -> None:
    """The unknown frequency of its schedule decides whether the run is planned."""
    assert evaluate_compliance(ID, build_index(schedules=[build_schedule(frequency=None)], runs=rows)) is expected


@pytest.mark.parametrize("rows", [[build_run(20 * DAY)], [build_backup(20 * DAY)]])
def test_what_an_unread_history_may_list_is_not_evaluated(rows: list[Backup]) -> None:
    """A backup that an unread history may list can belong to a schedule of any retention."""
    inventory = build_inventory(build_index(runs=build_failed_listing(), listed_backups=rows))
    assert evaluate_compliance(ID, inventory) is Compliance.INSUFFICIENT_DATA


def test_the_evidence_names_each_and_when_it_expired() -> None:
    """The evidence has the id and the expiry of each late backup."""
    finding = evaluate_control(ID, build_index_with_run(10 * DAY))
    assert finding.evidence["late"] == [{"backup_id": "run-20261112T120000", "expired_at": "2026-11-19T12:00:00Z"}]
    assert finding.reason == "Pinecone still lists 1 scheduled backup up to 3d after expiry (limit: 2d)."


def test_whose_they_are_has_to_be_known() -> None:
    """Backups under the name may be an earlier index's."""
    assert (
        evaluate_compliance(ID, build_index(schedules=[], listed_backups=[build_run(NOW - ago(DAY))]))
        is Compliance.INSUFFICIENT_DATA
    )
