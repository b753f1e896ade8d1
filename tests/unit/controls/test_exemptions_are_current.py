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
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_policy,
    build_state,
    evaluate_facts,
    evaluate_resources,
)

ID = "exemptions-are-current"
TODAY = NOW.date()


def build_name_exemption(expires: date = date(2027, 3, 31), *names: str) -> Exemption:
    """Build an exemption, of the index unless it is of others."""
    return Exemption(names or ("main",), ("*",), "team", "because", expires)


def evaluate_exemptions(exemptions: Sequence[Exemption], inventory: Inventory | None = None) -> Finding:
    """Evaluate a project with these exemptions."""
    policy = replace(build_policy(), exemptions=tuple(exemptions))
    (finding,) = evaluate_resources(ID, inventory or build_inventory(build_index()), policy).values()
    return finding


@pytest.mark.parametrize(
    "expires,expected,is_close_to_expiry",
    [
        pytest.param(TODAY - timedelta(days=1), Compliance.NON_COMPLIANT, False, id="yesterday"),
        pytest.param(TODAY, Compliance.COMPLIANT, True, id="on-its-last-day"),
        pytest.param(TODAY + timedelta(days=14), Compliance.COMPLIANT, True, id="in-fourteen-days"),
        pytest.param(TODAY + timedelta(days=15), Compliance.COMPLIANT, False, id="one-day-later"),
    ],
)
def test_none_has_expired(expires: date, expected: Compliance, is_close_to_expiry: bool) -> None:
    """The evidence lists exemptions that expire soon."""
    finding = evaluate_exemptions([build_name_exemption(expires)])
    assert finding.compliance is expected
    ending_exemptions = finding.evidence["ending"]
    assert isinstance(ending_exemptions, list)
    assert [it["expires"] for it in ending_exemptions] == ([expires.isoformat()] if is_close_to_expiry else [])


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
    inventory = build_inventory(build_index(), extra_backups=[build_backup(DAY, index_name="gone", index_id="id-gone")])
    assert evaluate_exemptions([build_name_exemption(date(2027, 1, 1), *names)], inventory).compliance is expected


def test_a_deleted_index_that_is_only_recorded_fits_too() -> None:
    """Its vanished backups may be what is exempted."""
    gone_backup = build_known_backup(build_backup(DAY, index_name="gone", index_id="id-gone"))
    policy = replace(build_policy(), exemptions=(build_name_exemption(date(2027, 1, 1), "gone"),))
    (finding,) = evaluate_resources(ID, build_index(), policy, build_state(gone_backup)).values()
    assert finding.compliance is Compliance.COMPLIANT


@pytest.mark.parametrize(
    "inventory",
    [
        pytest.param(build_inventory(build_index(), backups=build_failed_listing()), id="backups"),
        pytest.param(build_inventory(build_index(), indexes_failure=ReadFailure("GET /indexes", "503")), id="indexes"),
        pytest.param(build_inventory(build_index(), reads=1), id="one-read"),
    ],
)
def test_what_was_not_read_may_be_what_it_fits(inventory: Inventory) -> None:
    """An expired exemption fails even if it is unknown whether others match."""
    unmatched_exemption = build_name_exemption(date(2027, 1, 1), "nothing")
    assert evaluate_exemptions([unmatched_exemption], inventory).compliance is Compliance.INSUFFICIENT_DATA
    assert evaluate_exemptions([build_name_exemption()], inventory).compliance is Compliance.COMPLIANT
    finding = evaluate_exemptions([unmatched_exemption, build_name_exemption(date(2026, 1, 1))], inventory)
    assert (finding.compliance, finding.evidence["unmatched"]) == (Compliance.NON_COMPLIANT, [])


def test_it_takes_two_reads() -> None:
    """A deleted index of that name could be listed."""
    policy = replace(build_policy(), exemptions=(build_name_exemption(date(2027, 1, 1), "nothing"),))
    assert BACKUP_LISTING in evaluate_facts(build_inventory(build_index(reads=1), reads=1), policy).unconfirmed_listings


def test_the_evidence_names_each() -> None:
    """The evidence names the owner of each exemption."""
    exemptions = [build_name_exemption(date(2026, 1, 1)), build_name_exemption(date(2027, 1, 1), "nothing")]
    finding = evaluate_exemptions(exemptions, build_inventory(build_index(), backups=build_complete_listing([])))
    assert finding.reason == "1 exemption of the policy expired."
    shown_fields = {"controls": ["*"], "owner": "team", "reason": "because"}
    assert finding.evidence["expired"] == [{"names": ["main"], **shown_fields, "expires": "2026-01-01"}]
    assert finding.evidence["unmatched"] == [{"names": ["nothing"], **shown_fields, "expires": "2027-01-01"}]


def test_without_exemptions_there_is_nothing_to_evaluate() -> None:
    """The control is not applicable without exemptions."""
    assert evaluate_exemptions([]).compliance is Compliance.NOT_APPLICABLE


def build_exemption(expires: date = date(2027, 3, 31), **facts: Any) -> Exemption:
    """Build an exemption of something else than names alone."""
    return replace(build_name_exemption(expires), **({"names": ()} | facts))


DEV_TAGS = (("env", ("dev", "test")),)
TAGGED_INVENTORY = build_inventory(
    build_index(tags={"env": "dev"}), extra_backups=[build_backup(DAY, index_name="gone", index_id="id-gone")]
)


@pytest.mark.parametrize(
    "stated_fields,expected",
    [
        pytest.param(build_exemption(tags=DEV_TAGS), Compliance.COMPLIANT, id="tag"),
        pytest.param(build_exemption(tags=DEV_TAGS, names=("m*",)), Compliance.COMPLIANT, id="names-and-tag"),
        pytest.param(build_exemption(tags=DEV_TAGS, names=("x*",)), Compliance.NON_COMPLIANT, id="names-do-not-fit"),
        pytest.param(
            build_exemption(tags=(*DEV_TAGS, ("team", ("a",)))), Compliance.NON_COMPLIANT, id="one-of-two-tags"
        ),
        pytest.param(build_exemption(tags=(("env", ("prod",)),)), Compliance.NON_COMPLIANT, id="another-value"),
        pytest.param(build_exemption(tags=(("env", ("d*",)),)), Compliance.NON_COMPLIANT, id="a-pattern-of-a-value"),
        pytest.param(
            build_exemption(tags=DEV_TAGS, names=("gone",)), Compliance.NON_COMPLIANT, id="a-deleted-index-has-no-tags"
        ),
        pytest.param(build_exemption(backups=("any",)), Compliance.COMPLIANT, id="backup"),
        pytest.param(build_exemption(is_for_project=True), Compliance.COMPLIANT, id="project"),
        pytest.param(
            build_exemption(date(2026, 1, 1), backups=("any",)), Compliance.NON_COMPLIANT, id="backup-expired"
        ),
        pytest.param(
            build_exemption(date(2026, 1, 1), is_for_project=True), Compliance.NON_COMPLIANT, id="project-expired"
        ),
    ],
)
def test_tags_fit_live_indexes_and_backups_and_project_fit_by_themselves(
    stated_fields: Exemption, expected: Compliance
) -> None:
    """An exemption of single backups, or of the project, is current until it expires."""
    assert evaluate_exemptions([stated_fields], TAGGED_INVENTORY).compliance is expected


def test_tags_need_no_listing_of_backups() -> None:
    """Only a live index has tags: what is listed of deleted ones decides nothing."""
    unmatched_exemption = build_exemption(tags=(("env", ("prod",)),))
    assert (
        evaluate_exemptions([unmatched_exemption], build_inventory(build_index(), reads=1)).compliance
        is Compliance.NON_COMPLIANT
    )
    assert (
        evaluate_exemptions(
            [unmatched_exemption], build_inventory(build_index(), backups=build_failed_listing())
        ).compliance
        is Compliance.NON_COMPLIANT
    )
    failed_inventory = build_inventory(build_index(), indexes_failure=ReadFailure("GET /indexes", "503"))
    assert evaluate_exemptions([unmatched_exemption], failed_inventory).compliance is Compliance.INSUFFICIENT_DATA


def test_the_evidence_says_what_each_is_about() -> None:
    """The evidence uses the keys of the policy."""
    day = date(2026, 1, 1)
    finding = evaluate_exemptions(
        [
            build_exemption(day, tags=DEV_TAGS),
            build_exemption(day, backups=("x",)),
            build_exemption(day, is_for_project=True),
        ]
    )
    shown_exemptions = finding.evidence["expired"]
    assert isinstance(shown_exemptions, list)
    subjects = [
        {key: it[key] for key in ("names", "tags", "backups", "project") if key in it} for it in shown_exemptions
    ]
    assert subjects == [{"tags": {"env": ["dev", "test"]}}, {"backups": ["x"]}, {"project": True}]
