"""Control `exemptions-are-current`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance, Exemption, Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import BACKUP_LISTING, ReadFailure
from support.builders.facts import (
    DAY,
    NOW,
    backup,
    broken,
    findings,
    index,
    inventory,
    judged,
    known,
    policy,
    remembering,
    whole,
)

ID = "exemptions-are-current"
TODAY = NOW.date()


def exemption(expires: date = date(2027, 3, 31), *names: str) -> Exemption:
    """Build an exemption, of the index unless it is of others."""
    return Exemption(names or ("main",), ("*",), "team", "because", expires)


def judge(exemptions: Sequence[Exemption], told: Inventory | None = None) -> Finding:
    """Judge a project under these exemptions."""
    required = replace(policy(), exemptions=tuple(exemptions))
    (found,) = findings(ID, told or inventory(index()), required).values()
    return found


@pytest.mark.parametrize(
    "expires,expected,is_ending",
    [
        pytest.param(TODAY - timedelta(days=1), Compliance.NON_COMPLIANT, False, id="yesterday"),
        pytest.param(TODAY, Compliance.COMPLIANT, True, id="on-its-last-day"),
        pytest.param(TODAY + timedelta(days=14), Compliance.COMPLIANT, True, id="in-fourteen-days"),
        pytest.param(TODAY + timedelta(days=15), Compliance.COMPLIANT, False, id="one-day-later"),
    ],
)
def test_none_has_expired(expires: date, expected: Compliance, is_ending: bool) -> None:
    """Those that end soon are in the evidence."""
    found = judge([exemption(expires)])
    assert found.compliance is expected
    ending = found.evidence["ending"]
    assert isinstance(ending, list)
    assert [it["expires"] for it in ending] == ([expires.isoformat()] if is_ending else [])


@pytest.mark.parametrize(
    "names,expected",
    [
        pytest.param(("main",), Compliance.COMPLIANT, id="a-live-index"),
        pytest.param(("nothing", "ma*"), Compliance.COMPLIANT, id="one-of-its-patterns"),
        pytest.param(("gone",), Compliance.COMPLIANT, id="a-deleted-index"),
        pytest.param(("nothing",), Compliance.NON_COMPLIANT, id="nothing"),
        pytest.param(("default",), Compliance.NON_COMPLIANT, id="the-project"),
    ],
)
def test_its_names_fit_something(names: tuple[str, ...], expected: Compliance) -> None:
    """An index, live or deleted."""
    told = inventory(index(), more=[backup(DAY, index_name="gone", index_id="id-gone")])
    assert judge([exemption(date(2027, 1, 1), *names)], told).compliance is expected


def test_a_deleted_index_that_is_only_remembered_fits_too() -> None:
    """Its vanished backups may be what is exempted."""
    gone = known(backup(DAY, index_name="gone", index_id="id-gone"))
    required = replace(policy(), exemptions=(exemption(date(2027, 1, 1), "gone"),))
    (found,) = findings(ID, index(), required, remembering(gone)).values()
    assert found.compliance is Compliance.COMPLIANT


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(inventory(index(), backups=broken()), id="backups"),
        pytest.param(inventory(index(), indexes_failure=ReadFailure("GET /indexes", "503")), id="indexes"),
        pytest.param(inventory(index(), walks=1), id="one-walk"),
    ],
)
def test_what_was_not_read_may_be_what_it_fits(told: Inventory) -> None:
    """That one expired is known all the same."""
    stray = exemption(date(2027, 1, 1), "nothing")
    assert judge([stray], told).compliance is Compliance.INSUFFICIENT_DATA
    assert judge([exemption()], told).compliance is Compliance.COMPLIANT
    both = judge([stray, exemption(date(2026, 1, 1))], told)
    assert (both.compliance, both.evidence["fitting_nothing"]) == (Compliance.NON_COMPLIANT, [])


def test_it_takes_two_walks() -> None:
    """A deleted index of that name could be listed."""
    required = replace(policy(), exemptions=(exemption(date(2027, 1, 1), "nothing"),))
    assert BACKUP_LISTING in judged(inventory(index(walks=1), walks=1), required).unconfirmed_listings


def test_the_evidence_names_each() -> None:
    """With its owner, to be asked."""
    both = [exemption(date(2026, 1, 1)), exemption(date(2027, 1, 1), "nothing")]
    found = judge(both, inventory(index(), backups=whole([])))
    assert found.reason == "1 exemption expired: what it covered is open again."
    shown = {"controls": ["*"], "owner": "team", "reason": "because"}
    assert found.evidence["expired"] == [{"names": ["main"], **shown, "expires": "2026-01-01"}]
    assert found.evidence["fitting_nothing"] == [{"names": ["nothing"], **shown, "expires": "2027-01-01"}]


def test_without_exemptions_there_is_nothing_to_judge() -> None:
    """None can be out of date."""
    assert judge([]).compliance is Compliance.NOT_APPLICABLE


def of(expires: date = date(2027, 3, 31), **facts: Any) -> Exemption:
    """Build an exemption of something else than names alone."""
    return replace(exemption(expires), **({"names": ()} | facts))


DEV = (("env", ("dev", "test")),)
TAGGED = inventory(index(tags={"env": "dev"}), more=[backup(DAY, index_name="gone", index_id="id-gone")])


@pytest.mark.parametrize(
    "stated,expected",
    [
        pytest.param(of(tags=DEV), Compliance.COMPLIANT, id="tag"),
        pytest.param(of(tags=DEV, names=("m*",)), Compliance.COMPLIANT, id="names-and-tag"),
        pytest.param(of(tags=DEV, names=("x*",)), Compliance.NON_COMPLIANT, id="names-do-not-fit"),
        pytest.param(of(tags=(*DEV, ("team", ("a",)))), Compliance.NON_COMPLIANT, id="one-of-two-tags"),
        pytest.param(of(tags=(("env", ("prod",)),)), Compliance.NON_COMPLIANT, id="another-value"),
        pytest.param(of(tags=(("env", ("d*",)),)), Compliance.NON_COMPLIANT, id="a-pattern-of-a-value"),
        pytest.param(of(tags=DEV, names=("gone",)), Compliance.NON_COMPLIANT, id="a-deleted-index-has-no-tags"),
        pytest.param(of(backups=("any",)), Compliance.COMPLIANT, id="backup"),
        pytest.param(of(is_for_project=True), Compliance.COMPLIANT, id="project"),
        pytest.param(of(date(2026, 1, 1), backups=("any",)), Compliance.NON_COMPLIANT, id="backup-expired"),
        pytest.param(of(date(2026, 1, 1), is_for_project=True), Compliance.NON_COMPLIANT, id="project-expired"),
    ],
)
def test_tags_fit_live_indexes_and_backups_and_project_fit_by_themselves(
    stated: Exemption, expected: Compliance
) -> None:
    """What single backups, or the project, are exempted from ends only by expiry."""
    assert judge([stated], TAGGED).compliance is expected


def test_tags_need_no_listing_of_backups() -> None:
    """Only a live index has tags: what is listed of deleted ones decides nothing."""
    stray = of(tags=(("env", ("prod",)),))
    assert judge([stray], inventory(index(), walks=1)).compliance is Compliance.NON_COMPLIANT
    assert judge([stray], inventory(index(), backups=broken())).compliance is Compliance.NON_COMPLIANT
    unread = inventory(index(), indexes_failure=ReadFailure("GET /indexes", "503"))
    assert judge([stray], unread).compliance is Compliance.INSUFFICIENT_DATA


def test_the_evidence_says_what_each_is_about() -> None:
    """By the keys that the policy says it with."""
    day = date(2026, 1, 1)
    found = judge([of(day, tags=DEV), of(day, backups=("x",)), of(day, is_for_project=True)])
    shown = found.evidence["expired"]
    assert isinstance(shown, list)
    told = [{key: it[key] for key in ("names", "tags", "backups", "project") if key in it} for it in shown]
    assert told == [{"tags": {"env": ["dev", "test"]}}, {"backups": ["x"]}, {"project": True}]
