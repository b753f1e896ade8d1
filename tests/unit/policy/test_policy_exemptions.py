"""Which exemption covers what, and until when."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from policies import policy

_POLICY = policy("""\
exemptions:
  - {names: ["scratch-*", tmp], controls: ["schedule-*", no-run-is-stuck], owner: a, reason: first, expires: 2027-03-31}
  - {names: ["*"], controls: ["*"], owner: b, reason: second, expires: 2027-02-28}
""")
_BEFORE_BOTH = datetime(2027, 2, 1, tzinfo=UTC)
_BETWEEN = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "control, name, owner",
    [
        pytest.param("schedule-is-unique", "scratch-1", "a", id="both-patterns-fit"),
        pytest.param("no-run-is-stuck", "tmp", "a", id="any-of-each"),
        pytest.param("schedule-is-unique", "other", None, id="another-name"),
        pytest.param("index-has-schedule", "scratch-1", None, id="another-control"),
        pytest.param("schedule-is-unique", "SCRATCH-1", None, id="another-case"),
    ],
)
def test_an_exemption_covers_its_controls_on_its_names(control: str, name: str, owner: str | None) -> None:
    """An exemption covers a control on an index when a pattern of each fits."""
    found = _POLICY.exemption_for(control, name, _BETWEEN)
    assert (found.owner if found else None) == owner


def test_the_first_exemption_that_covers_is_shown() -> None:
    """Of two exemptions that cover a finding the first is carried."""
    found = _POLICY.exemption_for("schedule-is-unique", "tmp", _BEFORE_BOTH)
    assert found is not None
    assert found.reason == "first"


@pytest.mark.parametrize(
    "moment, covered",
    [
        pytest.param(datetime(2027, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC), True, id="last-instant-of-the-day"),
        pytest.param(datetime(2027, 4, 1, tzinfo=UTC), False, id="first-instant-of-the-next"),
        pytest.param(
            datetime(2027, 4, 1, 5, 29, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            True,
            id="day-elsewhere-is-ahead",
        ),
        pytest.param(
            datetime(2027, 3, 31, 20, 0, tzinfo=timezone(-timedelta(hours=4))), False, id="day-elsewhere-is-behind"
        ),
    ],
)
def test_an_exemption_lasts_to_the_end_of_its_day_in_utc(moment: datetime, covered: bool) -> None:
    """An exemption lasts to the end of its day, UTC, whatever the offset of the moment."""
    assert (_POLICY.exemption_for("schedule-is-unique", "tmp", moment) is not None) is covered


def test_an_exemption_that_has_expired_is_no_error() -> None:
    """A file with an expired exemption loads: that it expired is for an audit to say."""
    text = "exemptions: [{names: [a], controls: ['*'], owner: o, reason: r, expires: 1999-12-31}]"
    assert policy(text).exemption_for("index-has-schedule", "a", _BETWEEN) is None
