"""Exemptions cover controls of indexes, backups or the project until they expire."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.policy_validation import find_distant_exemptions
from backup_auditor.errors import PolicyError
from support.builders.policies import parse_policy

_POLICY = parse_policy("""\
exemptions:
  - {names: ["scratch-*", tmp], controls: ["schedule-*", no-run-is-stuck], owner: a, reason: first, expires: 2027-03-31}
  - {names: ["t*"], controls: ["*"], owner: b, reason: second, expires: 2027-02-28}
""")
_BEFORE_BOTH_EXPIRIES = datetime(2027, 2, 1, tzinfo=UTC)
_BETWEEN_EXPIRIES = datetime(2027, 3, 1, tzinfo=UTC)


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
    """An exemption covers a control on an index if one pattern of each matches."""
    exemption = _POLICY.find_exemption(control, name, {}, _BETWEEN_EXPIRIES)
    assert (exemption.owner if exemption else None) == owner


def test_the_first_exemption_that_covers_is_shown() -> None:
    """If two exemptions cover a finding, the finding has the first one."""
    exemption = _POLICY.find_exemption("schedule-is-unique", "tmp", {}, _BEFORE_BOTH_EXPIRIES)
    assert exemption is not None
    assert exemption.reason == "first"


@pytest.mark.parametrize(
    "moment, is_covered",
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
def test_an_exemption_lasts_to_the_end_of_its_day_in_utc(moment: datetime, is_covered: bool) -> None:
    """An exemption lasts to the end of its day in UTC, whatever the offset of the time."""
    assert (_POLICY.find_exemption("schedule-is-unique", "tmp", {}, moment) is not None) is is_covered


_POLICY_OF_KINDS = parse_policy("""\
exemptions:
  - {names: ["a*"], tags: {env: [dev, no]}, controls: ["*"], owner: both, reason: r, expires: 2027-03-31}
  - {tags: {team: [search], env: [dev]}, controls: ["schedule-*"], owner: tags, reason: r, expires: 2027-03-31}
  - {backups: [id-1, id-2], controls: ["backup-*"], owner: backups, reason: r, expires: 2027-03-31}
  - {project: true, controls: [plan-allows-schedules, "*-quota"], owner: project, reason: r, expires: 2027-03-31}
""")


@pytest.mark.parametrize(
    "control, name, tags, owner",
    [
        pytest.param("no-run-is-stuck", "a1", {"env": "no"}, "both", id="names-and-tags"),
        pytest.param("no-run-is-stuck", "b1", {"env": "no"}, None, id="another-name"),
        pytest.param("no-run-is-stuck", "a1", {"env": "prod"}, None, id="another-value"),
        pytest.param("no-run-is-stuck", "a1", {"ENV": "no"}, None, id="another-tag"),
        pytest.param("no-run-is-stuck", "a1", {}, None, id="no-tags"),
        pytest.param("no-run-is-stuck", "a1", None, None, id="a-deleted-index"),
        pytest.param("schedule-is-unique", "b", {"env": "dev", "team": "search"}, "tags", id="tags-alone"),
        pytest.param("schedule-is-unique", "b", {"env": "dev"}, None, id="one-of-two-tags"),
        pytest.param("backup-did-not-vanish", "id-1", {}, None, id="a-backup-is-no-index"),
        pytest.param("plan-allows-schedules", "default", {}, None, id="the-project-is-no-index"),
    ],
)
def test_names_and_tags_must_both_match(
    control: str, name: str, tags: dict[str, str] | None, owner: str | None
) -> None:
    """An absent key matches every index; a tag matches one of its values exactly."""
    exemption = _POLICY_OF_KINDS.find_exemption(control, name, tags, _BETWEEN_EXPIRIES)
    assert (exemption.owner if exemption else None) == owner


def test_the_project_is_exempted_by_its_own_key_alone() -> None:
    """`project: true` exempts the project from controls of the project only."""
    exemption = _POLICY_OF_KINDS.find_project_exemption("plan-allows-schedules", _BETWEEN_EXPIRIES)
    assert exemption is not None
    assert exemption.owner == "project"
    assert _POLICY_OF_KINDS.find_project_exemption("inventory-is-complete", _BETWEEN_EXPIRIES) is None
    assert _POLICY_OF_KINDS.find_project_exemption("plan-allows-schedules", datetime(2027, 4, 1, tzinfo=UTC)) is None
    assert _POLICY.find_project_exemption("no-run-is-stuck", _BETWEEN_EXPIRIES) is None


def test_single_backups_are_exempted_by_their_ids() -> None:
    """`backups` exempts single backups from the controls of backups."""
    assert set(_POLICY_OF_KINDS.find_exempted_backups("backup-did-not-vanish", _BETWEEN_EXPIRIES)) == {"id-1", "id-2"}
    assert _POLICY_OF_KINDS.find_exempted_backups("no-run-is-stuck", _BETWEEN_EXPIRIES) == {}
    assert _POLICY_OF_KINDS.find_exempted_backups("backup-did-not-vanish", datetime(2027, 4, 1, tzinfo=UTC)) == {}


def test_an_exemption_that_has_expired_is_no_error() -> None:
    """A policy with an expired exemption loads: a control of the audit reports it."""
    text = "exemptions: [{names: [a], controls: ['*'], owner: o, reason: r, expires: 1999-12-31}]"
    assert parse_policy(text).find_exemption("index-has-schedule", "a", {}, _BETWEEN_EXPIRIES) is None


@pytest.mark.parametrize(
    "day, expires, is_refused",
    [
        pytest.param(date(2026, 11, 22), date(2031, 11, 22), False, id="at-limit"),
        pytest.param(date(2026, 11, 22), date(2031, 11, 23), True, id="one-day-past"),
        pytest.param(date(2028, 2, 29), date(2033, 3, 1), False, id="leap-day-at-limit"),
        pytest.param(date(2028, 2, 29), date(2033, 3, 2), True, id="leap-day-one-day-past"),
        pytest.param(date(9996, 1, 1), date(9999, 12, 31), False, id="at-the-end-of-time"),
        pytest.param(date(2026, 11, 22), date(1999, 1, 1), False, id="long-expired"),
    ],
)
def test_an_exemption_ends_within_five_years(day: date, expires: date, is_refused: bool) -> None:
    """An exemption that ends more than five years after the audit is refused."""
    text = f"exemptions: [{{names: [a], controls: ['*'], owner: o, reason: r, expires: {expires}}}]"
    distant_ones = find_distant_exemptions(parse_policy(text), day)
    assert bool(distant_ones) is is_refused
    assert all(
        it.startswith(f"exemptions[0] ends on {expires}, more than 5 years after {day}; ") for it in distant_ones
    )


@pytest.mark.parametrize(
    "names, controls, is_refused",
    [
        pytest.param(["*"], ["*"], True, id="stars"),
        pytest.param(["a", "?*"], ["*"], True, id="one-pattern-fits-every-name"),
        pytest.param(["**"], ["[!a-m]*", "[a-m]*"], True, id="several-patterns-fit-every-control"),
        pytest.param(["*"], [it.id for it in CATALOG.index_controls], True, id="every-control-of-indexes"),
        pytest.param(["*"], [it.id for it in CATALOG.index_controls[1:]], False, id="all-but-one"),
        pytest.param(["*"], ["schedule-*"], False, id="some-controls"),
        pytest.param(["[a-m]*", "[!a-m]*"], ["*"], True, id="several-patterns-fit-every-name"),
        pytest.param(["scratch-*"], ["*"], False, id="some-names"),
        pytest.param(["??*"], ["*"], False, id="all-but-the-shortest-names"),
    ],
)
def test_an_exemption_does_not_cover_every_control_of_every_index(
    names: list[str], controls: list[str], is_refused: bool
) -> None:
    """An exemption of every control on every index is refused: nothing would be audited."""
    text = f"exemptions: [{{names: {names}, controls: {controls}, owner: o, reason: r, expires: 2027-03-31}}]"
    if is_refused:
        with pytest.raises(PolicyError, match=r"exemptions\[0\]: it exempts every index from every control; name the"):
            parse_policy(text)
    else:
        assert parse_policy(text).exemptions[0].names == tuple(names)
