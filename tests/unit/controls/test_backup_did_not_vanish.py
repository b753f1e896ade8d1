"""Control `backup-did-not-vanish`."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, cast

import pytest

from backup_auditor.domain.finding import Compliance, Exemption, ResourceType, Severity
from backup_auditor.domain.listing import BACKUP_LISTING, ReadFailure
from backup_auditor.domain.model import Backup, Schedule
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import KnownBackup, KnownIndex
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE, format_moment
from support.builders.facts import (
    DAY,
    HOUR,
    NOW,
    SECOND,
    IndexCase,
    build_backup,
    build_complete_listing,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_known_backup,
    build_policy,
    build_run,
    build_schedule,
    build_state,
    evaluate_compliance,
    evaluate_control,
    evaluate_facts,
    evaluate_resources,
)

ID = "backup-did-not-vanish"
MANUAL_BACKUP = build_backup(20 * DAY, backup_id="manual", name="by hand")
MISSED_RUN = build_run(5 * DAY, backup_id="missed")
LIVE_KEY, DELETED_KEY = (ResourceType.INDEX, "main"), (ResourceType.DELETED_INDEX, "id-gone")


def evaluate_known(*known_backups: KnownBackup, case: IndexCase | None = None, **facts: Any) -> Compliance:
    """Evaluate the index against recorded backups and its newest run, which is listed."""
    newest_run = build_known_backup(build_run(6 * HOUR), NOW + DAY)
    return evaluate_compliance(
        ID, build_inventory(case or build_index(), **facts), build_state(newest_run, *known_backups)
    )


def build_known_run(expires_at: datetime | None = NOW + 5 * DAY, run: Backup = MISSED_RUN, **facts: Any) -> KnownBackup:
    """Build the record of a backup that the schedule made."""
    return build_known_backup(run, expires_at, **{"schedule_id": "schedule-1", "expires": True} | facts)


def test_what_is_still_listed_did_not_vanish() -> None:
    """A listed backup did not vanish, in any state."""
    assert (
        evaluate_known(build_known_backup(MANUAL_BACKUP), case=build_index(backups=[MANUAL_BACKUP]))
        is Compliance.COMPLIANT
    )
    odd_index = build_index(backups=[build_backup(20 * DAY, backup_id="manual", status="Odd")])
    assert evaluate_known(build_known_backup(MANUAL_BACKUP), case=odd_index) is Compliance.COMPLIANT


def test_a_manual_backup_should_always_exist() -> None:
    """A manual backup never expires, so it is reported if it is missing."""
    finding = evaluate_control(ID, build_index(), build_state(build_known_backup(MANUAL_BACKUP)))
    assert (finding.compliance, finding.severity) == (Compliance.NON_COMPLIANT, Severity.CRITICAL)
    assert finding.evidence["vanished"] == [
        {
            "backup_id": "manual",
            "name": "by hand",
            "captured_at": "2026-11-02T12:00:00Z",
            "expires_at": None,
            "expires": False,
            "missing_since": "2026-11-22T12:00:00Z",
        }
    ]


@pytest.mark.parametrize(
    "listed_rest,expected",
    [
        pytest.param(-DAY, Compliance.COMPLIANT, id="expired"),
        pytest.param(CLOCK_TOLERANCE, Compliance.COMPLIANT, id="at-margin"),
        pytest.param(CLOCK_TOLERANCE + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_a_scheduled_one_should_exist_until_it_expires(listed_rest: timedelta, expected: Compliance) -> None:
    """A scheduled backup is expected until shortly before its expiry: an audit takes some time."""
    long_index = build_index(schedules=[build_schedule(retention=90 * DAY)], runs=build_daily_runs())
    assert evaluate_known(build_known_run(NOW + listed_rest), case=long_index) is expected


@pytest.mark.parametrize(
    "schedules,expected",
    [
        pytest.param([build_schedule(retention=5 * DAY)], Compliance.COMPLIANT, id="lowered"),
        pytest.param(
            [build_schedule(retention=5 * DAY + CLOCK_TOLERANCE)], Compliance.COMPLIANT, id="lowered-to-margin"
        ),
        pytest.param(
            [build_schedule(retention=5 * DAY + CLOCK_TOLERANCE + SECOND)],
            Compliance.NON_COMPLIANT,
            id="lowered-not-enough",
        ),
        pytest.param([build_schedule(retention=90 * DAY)], Compliance.NON_COMPLIANT, id="raised"),
        pytest.param([build_schedule(retention=None)], Compliance.INSUFFICIENT_DATA, id="retention-unknown"),
        pytest.param([build_schedule("other", retention=DAY)], Compliance.NON_COMPLIANT, id="schedule-gone"),
        pytest.param(build_failed_listing(), Compliance.INSUFFICIENT_DATA, id="schedules-not-read"),
    ],
)
def test_a_retention_lowered_since_explains_it(schedules: Any, expected: Compliance) -> None:
    """A lowered retention explains a missing backup; of a deleted schedule, the last known retention counts."""
    assert (
        evaluate_known(
            build_known_run(),
            case=build_index(
                schedules=schedules,
                listed_backups=build_daily_runs(3),
                own_backups=build_complete_listing(build_daily_runs(3)),
            ),
        )
        is expected
    )


@pytest.mark.parametrize("days,expected", [pytest.param(6, 1, id="lowered"), pytest.param(90, 5, id="raised")])
def test_the_evidence_has_the_least_expiry_known(days: int, expected: int) -> None:
    """Current and recorded retentions give the same result: an audit that runs twice reports the same."""
    case = build_index(schedules=[build_schedule(retention=days * DAY)], listed_backups=build_daily_runs(3))
    finding = evaluate_control(ID, case, build_state(build_known_run()))
    vanished_backups = cast("list[dict[str, object]]", finding.evidence["vanished"])
    assert [it["expires_at"] for it in vanished_backups] == [format_moment(NOW + expected * DAY)]


def test_what_expired_leaves_nothing_in_doubt() -> None:
    """Whosever it was: the audit that finds it so forgets it."""
    shared_index = build_index(schedules=[build_schedule(), build_schedule("other", index_id="id-2")])
    assert evaluate_compliance(ID, shared_index, build_state(build_known_run(NOW))) is Compliance.NOT_APPLICABLE
    assert (
        evaluate_compliance(ID, shared_index, build_state(build_known_run(NOW + SECOND)))
        is Compliance.INSUFFICIENT_DATA
    )


@pytest.mark.parametrize("expires", [None, True])
def test_an_expiry_that_nothing_told_never_makes_it_vanish(expires: bool | None) -> None:
    """A backup of unknown expiry is never reported as missing."""
    assert evaluate_known(build_known_run(None, expires=expires)) is Compliance.COMPLIANT


def test_without_a_state_there_is_nothing_to_evaluate() -> None:
    """The first audit of an index, the backups of others, and those that were to expire meanwhile."""
    assert evaluate_compliance(ID, build_index()) is Compliance.NOT_APPLICABLE
    assert evaluate_compliance(ID, build_index(), build_state(build_known_run(NOW))) is Compliance.NOT_APPLICABLE
    other_backup = build_known_backup(build_backup(DAY, index_name="other", index_id="id-other"))
    assert (
        evaluate_resources(ID, build_index(), state=build_state(other_backup))[LIVE_KEY].compliance
        is Compliance.NOT_APPLICABLE
    )


@pytest.mark.parametrize(
    "listing,expected",
    [
        pytest.param(build_complete_listing(build_daily_runs(), reads=1), Compliance.INSUFFICIENT_DATA, id="one-read"),
        pytest.param(build_complete_listing(build_daily_runs(), reads=2), Compliance.NON_COMPLIANT, id="two-reads"),
        pytest.param(build_failed_listing(build_daily_runs()), Compliance.INSUFFICIENT_DATA, id="broken"),
    ],
)
def test_it_takes_two_whole_reads(listing: Any, expected: Compliance) -> None:
    """The verdict needs two complete reads, and a single read asks for the second."""
    assert evaluate_known(build_known_backup(MANUAL_BACKUP), backups=listing) is expected
    inventory = build_inventory(build_index(), backups=build_complete_listing(build_daily_runs(), reads=1))
    assert (
        BACKUP_LISTING
        in evaluate_facts(inventory, state=build_state(build_known_backup(MANUAL_BACKUP))).unconfirmed_listings
    )


def test_the_indexs_own_listing_can_show_it_too() -> None:
    """Either is enough."""
    listed_runs = build_daily_runs(2)
    case = build_index(
        schedules=[], listed_backups=listed_runs, own_backups=build_complete_listing([*listed_runs, MANUAL_BACKUP])
    )
    assert evaluate_known(build_known_backup(MANUAL_BACKUP), case=case) is Compliance.COMPLIANT
    case = build_index(schedules=[], listed_backups=listed_runs, own_backups=build_complete_listing(listed_runs))
    assert evaluate_known(build_known_backup(MANUAL_BACKUP), case=case) is Compliance.NON_COMPLIANT


def test_a_deleted_index_is_evaluated_by_the_same_control() -> None:
    """A deleted index is evaluated with and without remaining backups."""
    gone_backups = [
        build_backup(age * DAY, backup_id=f"gone-{age}", index_id="id-gone", index_name="gone") for age in (1, 2)
    ]
    state = build_state(*map(build_known_backup, gone_backups))
    for listed_rest in (gone_backups[:1], []):
        findings = evaluate_resources(ID, build_inventory(build_index(), extra_backups=listed_rest), state=state)
        assert findings[DELETED_KEY].compliance is Compliance.NON_COMPLIANT
        assert findings[LIVE_KEY].compliance is Compliance.NOT_APPLICABLE


def test_a_deleted_index_whose_backups_all_expired_is_no_more() -> None:
    """A deleted index without unexpired backups has no finding."""
    gone_backup = build_known_backup(build_run(9 * DAY, index_id="id-gone", index_name="gone"), NOW)
    assert DELETED_KEY not in evaluate_resources(ID, build_index(), state=build_state(gone_backup))


def test_an_index_that_lost_its_only_backup_is_still_that_index() -> None:
    """The last known id of an index counts if its id is unknown today."""
    indexes = {"main": KnownIndex("main", "id-main", NOW - 90 * DAY, None)}
    findings = evaluate_resources(
        ID, build_index(schedules=[]), state=build_state(build_known_backup(MANUAL_BACKUP), indexes=indexes)
    )
    assert {key: it.compliance for key, it in findings.items()} == {LIVE_KEY: Compliance.NON_COMPLIANT}


def test_a_recreated_index_did_not_lose_the_backups_of_the_earlier_one() -> None:
    """The backups of the earlier index belong to a deleted index."""
    indexes = {"main": KnownIndex("main", "id-gone", NOW - 90 * DAY, None)}
    earlier_backups = [build_backup(age * DAY, backup_id=f"e-{age}", index_id="id-gone") for age in (1, 2)]
    state = build_state(*map(build_known_backup, earlier_backups), indexes=indexes)
    case = build_index(schedules=[], listed_backups=earlier_backups[:1], own_backups=build_complete_listing([]))
    findings = evaluate_resources(ID, case, state=state)
    assert {key: it.compliance for key, it in findings.items()} == {
        LIVE_KEY: Compliance.NOT_APPLICABLE,
        DELETED_KEY: Compliance.NON_COMPLIANT,
    }


def test_whose_the_backups_are_has_to_be_known() -> None:
    """Recorded backups of the name may belong to the index if its live id is unknown."""
    assert (
        evaluate_known(
            build_known_backup(MANUAL_BACKUP), case=build_index(schedules=[], listed_backups=[MANUAL_BACKUP])
        )
        is Compliance.INSUFFICIENT_DATA
    )


def test_where_the_indexes_are_not_known_a_missing_backup_is_no_ones() -> None:
    """The listing of indexes distinguishes live from deleted indexes."""
    inventory = build_inventory(indexes_failure=ReadFailure("GET /indexes", "503"))
    assert evaluate_resources(ID, inventory, state=build_state(build_known_backup(MANUAL_BACKUP))) == {}


def test_the_schedules_of_an_earlier_index_are_not_asked() -> None:
    """A schedule of the name as it is now has another id."""
    unrelated_schedules: list[Schedule] = [build_schedule("other", retention=DAY)]
    gone_backup = build_known_run(run=build_run(5 * DAY, backup_id="x", index_id="id-gone"))
    findings = evaluate_resources(
        ID, build_index(schedules=unrelated_schedules, runs=build_daily_runs(1)), state=build_state(gone_backup)
    )
    assert findings[DELETED_KEY].compliance is Compliance.NON_COMPLIANT


def build_backup_exemption_policy(*backups: str, expires: date = date(2027, 3, 31), **facts: Any) -> Policy:
    """Build a policy that exempts single backups."""
    exemption = Exemption((), (ID,), "search-team", "deleted on purpose", expires, backups=backups)
    return build_policy(base=Policy("built-in", "0" * 64, exemptions=(replace(exemption, **facts),)))


SECOND_MANUAL_BACKUP = build_backup(21 * DAY, backup_id="manual-2", name="by hand, too")
STATE_OF_BOTH = build_state(build_known_backup(MANUAL_BACKUP), build_known_backup(SECOND_MANUAL_BACKUP))


def test_a_finding_is_exempt_where_every_missing_backup_is_named() -> None:
    """An exempted finding keeps its verdict and names each backup."""
    finding = evaluate_resources(
        ID, build_index(), build_backup_exemption_policy("manual", "manual-2", "another"), STATE_OF_BOTH
    )[LIVE_KEY]
    assert (finding.compliance, finding.is_open) == (Compliance.NON_COMPLIANT, False)
    assert finding.exemption is not None
    assert finding.exemption.reason == "deleted on purpose"
    assert [it["backup_id"] for it in cast("list[dict[str, str]]", finding.evidence["vanished"])] == [
        "manual",
        "manual-2",
    ]
    assert finding.evidence["exempted"] == ["manual", "manual-2"]


def test_a_finding_speaks_of_the_backups_that_no_exemption_names() -> None:
    """The others are in its evidence by their ids alone."""
    finding = evaluate_resources(ID, build_index(), build_backup_exemption_policy("manual-2"), STATE_OF_BOTH)[LIVE_KEY]
    assert (finding.compliance, finding.exemption, finding.is_open) == (Compliance.NON_COMPLIANT, None, True)
    assert [it["backup_id"] for it in cast("list[dict[str, str]]", finding.evidence["vanished"])] == ["manual"]
    assert (finding.evidence["missing"], finding.evidence["exempted"]) == (1, ["manual-2"])
    assert finding.reason.startswith("1 backup that should still exist is no longer listed (first: by hand)")
    assert "by hand, too" not in finding.reason


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(build_backup_exemption_policy("manual", "manual-2", expires=NOW.date() - DAY), id="expired"),
        pytest.param(
            build_backup_exemption_policy("manual", "manual-2", controls=("schedule-*",)), id="another-control"
        ),
        pytest.param(build_backup_exemption_policy("by hand", "by hand, too"), id="names-instead-of-ids"),
        pytest.param(build_backup_exemption_policy("manual*"), id="patterns-instead-of-ids"),
    ],
)
def test_an_exemption_that_is_not_of_these_backups_changes_nothing(policy: Policy) -> None:
    """Expired, of another control, or of other backups."""
    finding = evaluate_resources(ID, build_index(), policy, STATE_OF_BOTH)[LIVE_KEY]
    assert finding.is_open
    assert finding.evidence == evaluate_control(ID, build_index(), STATE_OF_BOTH).evidence


def test_a_backup_of_a_deleted_index_can_be_exempted() -> None:
    """An exemption names a backup of a deleted index by its id."""
    gone_backup = build_known_backup(build_backup(20 * DAY, backup_id="gone", index_name="gone", index_id="id-gone"))
    assert evaluate_resources(ID, build_index(), build_backup_exemption_policy("other"), build_state(gone_backup))[
        DELETED_KEY
    ].is_open
    finding = evaluate_resources(ID, build_index(), build_backup_exemption_policy("gone"), build_state(gone_backup))[
        DELETED_KEY
    ]
    assert (finding.compliance, finding.is_open) == (Compliance.NON_COMPLIANT, False)


def test_of_several_exemptions_the_one_that_ends_first_is_shown() -> None:
    """The exemption that ends first is shown: the finding is open again at that time."""
    first_policy, second_policy = (
        build_backup_exemption_policy("manual", expires=date(2027, 5, 1)),
        build_backup_exemption_policy("manual-2", expires=date(2027, 4, 1)),
    )
    merged_policy = replace(first_policy, exemptions=(*first_policy.exemptions, *second_policy.exemptions))
    exemption = evaluate_resources(ID, build_index(), merged_policy, STATE_OF_BOTH)[LIVE_KEY].exemption
    assert exemption is not None
    assert exemption.expires == date(2027, 4, 1)


def test_a_doubtful_backup_can_be_exempted() -> None:
    """An unknown backup stays unknown, and is exempted."""
    uncertain_index = build_index(schedules=[build_schedule(retention=None)])
    state = build_state(build_known_run())
    assert (
        evaluate_resources(ID, uncertain_index, build_backup_exemption_policy("other"), state)[LIVE_KEY].exemption
        is None
    )
    finding = evaluate_resources(ID, uncertain_index, build_backup_exemption_policy("missed"), state)[LIVE_KEY]
    assert finding.compliance is Compliance.INSUFFICIENT_DATA
    assert finding.exemption is not None
    assert finding.evidence["unknown"] == ["missed"]


def test_an_exempted_backup_that_is_listed_again_is_no_deviation() -> None:
    """A listed backup is not missing, so no exemption applies."""
    finding = evaluate_resources(
        ID,
        build_index(backups=[MANUAL_BACKUP, SECOND_MANUAL_BACKUP]),
        build_backup_exemption_policy("manual"),
        STATE_OF_BOTH,
    )[LIVE_KEY]
    assert (finding.compliance, finding.exemption) == (Compliance.COMPLIANT, None)
    assert "exempted" not in finding.evidence


def test_the_evidence_of_a_vanished_backup_has_what_is_known() -> None:
    """A vanished backup without a capture time is reported without it."""
    finding = evaluate_control(ID, build_index(), build_state(build_known_run(captured_at=None)))
    assert finding.compliance is Compliance.NON_COMPLIANT
    assert finding.evidence["vanished"] == [
        {
            "backup_id": "missed",
            "name": MISSED_RUN.name,
            "captured_at": None,
            "expires_at": format_moment(NOW + 5 * DAY),
            "expires": True,
            "missing_since": format_moment(NOW),
        }
    ]
