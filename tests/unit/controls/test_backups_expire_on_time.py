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
    backup,
    broken,
    compliance,
    finding,
    index,
    inventory,
    known,
    remembering,
    run,
    schedule,
    unnamed_run,
    whole,
)

ID = "backups-expire-on-time"
LATEST = 9 * DAY


def with_run(age: timedelta, **facts: Any) -> IndexCase:
    """Build an index of which one run is so old; its schedule keeps backups for 7 days."""
    return index(runs=[run(DAY), run(age, **facts)])


@pytest.mark.parametrize(
    "age,expected",
    [
        pytest.param(LATEST - SECOND, Compliance.COMPLIANT, id="one-second-before"),
        pytest.param(LATEST, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(LATEST + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_two_days_past_its_expiry_a_backup_is_gone(age: timedelta, expected: Compliance) -> None:
    """Capture and the present retention."""
    assert compliance(ID, with_run(age)) is expected


@pytest.mark.parametrize(
    "case,expected",
    [
        pytest.param(with_run(20 * DAY, status="Failed"), Compliance.NON_COMPLIANT, id="failed"),
        pytest.param(with_run(20 * DAY, status="Scheduled"), Compliance.COMPLIANT, id="planned"),
        pytest.param(
            index(runs=[run(DAY), run(20 * DAY)], listed=[run(DAY)]), Compliance.COMPLIANT, id="in-the-history-only"
        ),
        pytest.param(index(backups=[backup(300 * DAY)]), Compliance.COMPLIANT, id="manual"),
        pytest.param(index(runs=[], backups=[backup(300 * DAY)]), Compliance.NOT_APPLICABLE, id="manual-only"),
        pytest.param(index(runs=[]), Compliance.NOT_APPLICABLE, id="none"),
        pytest.param(
            index(schedules=[schedule(enabled=False)], runs=[run(20 * DAY)]), Compliance.NON_COMPLIANT, id="paused"
        ),
        pytest.param(
            index(schedules=[schedule(retention=None)], runs=[run(DAY)]), Compliance.INSUFFICIENT_DATA, id="retention"
        ),
        pytest.param(
            with_run(DAY, backup_id="u", name=None, scheduled_for=None, created_at=None),
            Compliance.INSUFFICIENT_DATA,
            id="undated",
        ),
    ],
)
def test_what_a_schedule_made_is_judged(case: IndexCase, expected: Compliance) -> None:
    """In whatever state it is listed."""
    assert compliance(ID, case) is expected


@pytest.mark.parametrize(
    "expires_at,expected",
    [
        pytest.param(None, Compliance.NOT_APPLICABLE, id="not-remembered"),
        pytest.param(ago(2 * DAY), Compliance.COMPLIANT, id="at-limit"),
        pytest.param(ago(2 * DAY + SECOND), Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_where_the_schedule_is_gone_memory_tells(expires_at: Any, expected: Compliance) -> None:
    """A run's name says that there was one."""
    left = [run(20 * DAY)]
    memory = remembering(*(known(it, expires_at) for it in left if expires_at))
    assert compliance(ID, index(schedules=[], listed=left, own=whole(left)), memory) is expected


@pytest.mark.parametrize(
    "rows,expected",
    [
        pytest.param([unnamed_run(LATEST)], Compliance.INSUFFICIENT_DATA, id="none-is-certain"),
        pytest.param([unnamed_run(LATEST), run(DAY)], Compliance.COMPLIANT, id="in-time-either-way"),
        pytest.param([unnamed_run(LATEST + SECOND), run(DAY)], Compliance.INSUFFICIENT_DATA, id="perhaps-too-late"),
        pytest.param([unnamed_run(LATEST + SECOND), run(20 * DAY)], Compliance.NON_COMPLIANT, id="another-is-too-late"),
    ],
)
def test_a_run_that_may_be_planned_counts_where_it_decides(rows: list[Backup], expected: Compliance) -> None:
    """How often its schedule runs would tell."""
    assert compliance(ID, index(schedules=[schedule(frequency=None)], runs=rows)) is expected


@pytest.mark.parametrize("rows", [[run(20 * DAY)], [backup(20 * DAY)]])
def test_what_an_unread_history_may_list_is_not_judged(rows: list[Backup]) -> None:
    """It may be scheduled, and by a schedule with any retention."""
    told = inventory(index(runs=broken(), listed=rows))
    assert compliance(ID, told) is Compliance.INSUFFICIENT_DATA


def test_the_evidence_names_each_and_when_it_expired() -> None:
    """So that it can be looked up."""
    found = finding(ID, with_run(10 * DAY))
    assert found.evidence["late"] == [{"backup_id": "run-20261112T120000", "expired_at": "2026-11-19T12:00:00Z"}]
    assert found.reason == "1 scheduled backup still listed up to 3d past the expiry, 2d are allowed."


def test_whose_they_are_has_to_be_known() -> None:
    """Backups under the name may be an earlier index's."""
    assert compliance(ID, index(schedules=[], listed=[run(NOW - ago(DAY))])) is Compliance.INSUFFICIENT_DATA
