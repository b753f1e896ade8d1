"""Which nights were audited: days of UTC, from the first audit to yesterday, unless others are asked for."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest

from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.nights import NightStanding, nights_of, within
from builders import DAY, HOUR, NOW

AUDIT = AuditRecord("audit", NOW, is_complete=True, compliance=Compliance.COMPLIANT, report=None)
TODAY = NOW.date()
AUDITED, INCOMPLETE, MISSING = NightStanding


def at(moment: datetime, *, is_complete: bool = True) -> AuditRecord:
    """Build the record of an audit."""
    return replace(AUDIT, observed_at=moment, is_complete=is_complete)


def told(*audits: AuditRecord, since: date | None = None, until: date | None = None) -> list[tuple[int, NightStanding]]:
    """Return each night as its distance from today, and how well it was audited."""
    return [((it.day - TODAY).days, it.standing) for it in nights_of(audits, since, until, TODAY)]


def test_nights_run_from_the_first_audit_to_yesterday() -> None:
    """A day between them without an audit is missing."""
    audits = at(NOW - 4 * DAY), at(NOW - 2 * DAY, is_complete=False)
    assert told(*audits) == [(-4, AUDITED), (-3, MISSING), (-2, INCOMPLETE), (-1, MISSING)]


def test_today_is_told_once_it_was_audited() -> None:
    """Before, its audit may still come; who asks for it hears that it is missing."""
    assert told(at(NOW - DAY)) == [(-1, AUDITED)]
    assert told(at(NOW - DAY), at(NOW)) == [(-1, AUDITED), (0, AUDITED)]
    assert told(at(NOW - DAY), until=TODAY) == [(-1, AUDITED), (0, MISSING)]


def test_no_day_to_come_is_missing() -> None:
    """Not even when it is asked for."""
    assert told(at(NOW), until=TODAY + 9 * DAY) == [(0, AUDITED)]


def test_the_nights_that_are_asked_for_are_told() -> None:
    """Also those before the first audit."""
    assert told(at(NOW - DAY), since=TODAY - 3 * DAY, until=TODAY - 2 * DAY) == [(-3, MISSING), (-2, MISSING)]
    assert told(since=TODAY - DAY) == [(-1, MISSING)]


@pytest.mark.parametrize(
    "since,until",
    [
        pytest.param(None, None, id="no-audit"),
        pytest.param(TODAY, TODAY - DAY, id="the-wrong-way-round"),
        pytest.param(TODAY + DAY, None, id="still-to-come"),
    ],
)
def test_there_may_be_no_night_at_all(since: date | None, until: date | None) -> None:
    """Then there is nothing to look at."""
    assert told(since=since, until=until) == []


def test_a_night_is_audited_as_well_as_its_best_audit() -> None:
    """The last of the complete ones; where there is none, the last."""
    first, second, broken = at(NOW - 2 * HOUR), at(NOW - HOUR), at(NOW, is_complete=False)
    (night,) = nights_of((first, second, broken), None, None, TODAY)
    assert (night.standing, night.best) == (AUDITED, second)
    (night,) = nights_of((broken,), None, None, TODAY)
    assert (night.standing, night.best) == (INCOMPLETE, broken)


def test_days_are_those_of_utc() -> None:
    """Whatever the zone that a moment was given in."""
    late = datetime(2026, 11, 22, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert told(at(late)) == [(1, AUDITED)]


def test_audits_are_chosen_by_their_days() -> None:
    """The first and the last included."""
    audits = [at(NOW + number * DAY) for number in range(4)]
    assert within(audits, TODAY + DAY, TODAY + 2 * DAY) == audits[1:3]
    assert within(audits, None, None) == audits
