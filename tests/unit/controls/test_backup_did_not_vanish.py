"""Control `backup-did-not-vanish`."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, cast

import pytest

from backup_auditor.domain.evaluation.presence import EXPIRY_MARGIN
from backup_auditor.domain.finding import Compliance, Exemption, ResourceType, Severity
from backup_auditor.domain.listing import BACKUP_LISTING, ReadFailure
from backup_auditor.domain.model import Backup, Schedule
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import KnownBackup, KnownIndex
from backup_auditor.domain.timefmt import format_moment
from support.builders.facts import (
    DAY,
    HOUR,
    NOW,
    SECOND,
    IndexCase,
    backup,
    broken,
    compliance,
    daily_runs,
    finding,
    findings,
    index,
    inventory,
    judged,
    known,
    policy,
    remembering,
    run,
    schedule,
    whole,
)

ID = "backup-did-not-vanish"
MANUAL = backup(20 * DAY, backup_id="manual", name="by hand")
RUN = run(5 * DAY, backup_id="missed")
LIVE, DELETED = (ResourceType.INDEX, "main"), (ResourceType.DELETED_INDEX, "id-gone")


def verdict(*remembered: KnownBackup, case: IndexCase | None = None, **facts: Any) -> Compliance:
    """Judge the index against what is remembered of it, and of its newest run, which is listed."""
    newest = known(run(6 * HOUR), NOW + DAY)
    return compliance(ID, inventory(case or index(), **facts), remembering(newest, *remembered))


def scheduled(expires_at: datetime | None = NOW + 5 * DAY, row: Backup = RUN, **facts: Any) -> KnownBackup:
    """Remember a backup that the schedule made."""
    return known(row, expires_at, **{"schedule_id": "schedule-1", "expires": True} | facts)


def test_what_is_still_listed_did_not_vanish() -> None:
    """In whatever state it is now."""
    assert verdict(known(MANUAL), case=index(backups=[MANUAL])) is Compliance.COMPLIANT
    odd = index(backups=[backup(20 * DAY, backup_id="manual", status="Odd")])
    assert verdict(known(MANUAL), case=odd) is Compliance.COMPLIANT


def test_a_manual_backup_should_always_exist() -> None:
    """It never expires."""
    found = finding(ID, index(), remembering(known(MANUAL)))
    assert (found.compliance, found.severity) == (Compliance.NON_COMPLIANT, Severity.CRITICAL)
    assert found.evidence["vanished"] == [
        {
            "backup_id": "manual",
            "name": "by hand",
            "captured_at": "2026-11-02T12:00:00Z",
            "expires_at": None,
            "expires": False,
            "missed_since": "2026-11-22T12:00:00Z",
        }
    ]


@pytest.mark.parametrize(
    "left,expected",
    [
        pytest.param(-DAY, Compliance.COMPLIANT, id="expired"),
        pytest.param(EXPIRY_MARGIN, Compliance.COMPLIANT, id="at-margin"),
        pytest.param(EXPIRY_MARGIN + SECOND, Compliance.NON_COMPLIANT, id="one-second-past"),
    ],
)
def test_a_scheduled_one_should_exist_until_it_expires(left: timedelta, expected: Compliance) -> None:
    """But for the time that an audit may take to come to it."""
    long = index(schedules=[schedule(retention=90 * DAY)], runs=daily_runs())
    assert verdict(scheduled(NOW + left), case=long) is expected


@pytest.mark.parametrize(
    "schedules,expected",
    [
        pytest.param([schedule(retention=5 * DAY)], Compliance.COMPLIANT, id="lowered"),
        pytest.param([schedule(retention=5 * DAY + EXPIRY_MARGIN)], Compliance.COMPLIANT, id="lowered-to-margin"),
        pytest.param(
            [schedule(retention=5 * DAY + EXPIRY_MARGIN + SECOND)], Compliance.NON_COMPLIANT, id="lowered-not-enough"
        ),
        pytest.param([schedule(retention=90 * DAY)], Compliance.NON_COMPLIANT, id="raised"),
        pytest.param([schedule(retention=None)], Compliance.INSUFFICIENT_DATA, id="retention-not-told"),
        pytest.param([schedule("other", retention=DAY)], Compliance.NON_COMPLIANT, id="schedule-gone"),
        pytest.param(broken(), Compliance.INSUFFICIENT_DATA, id="schedules-not-read"),
    ],
)
def test_a_retention_lowered_since_explains_it(schedules: Any, expected: Compliance) -> None:
    """That of the schedule that made it; where that is gone, what it had last counts."""
    assert (
        verdict(scheduled(), case=index(schedules=schedules, listed=daily_runs(3), own=whole(daily_runs(3))))
        is expected
    )


@pytest.mark.parametrize("days,expected", [pytest.param(6, 1, id="lowered"), pytest.param(90, 5, id="raised")])
def test_the_evidence_has_the_least_expiry_known(days: int, expected: int) -> None:
    """By the retention of today as by those remembered: the same audit, delivered twice, says the same."""
    case = index(schedules=[schedule(retention=days * DAY)], listed=daily_runs(3))
    found = finding(ID, case, remembering(scheduled()))
    vanished = cast("list[dict[str, object]]", found.evidence["vanished"])
    assert [it["expires_at"] for it in vanished] == [format_moment(NOW + expected * DAY)]


def test_what_expired_leaves_nothing_in_doubt() -> None:
    """Whosever it was: the audit that finds it so forgets it."""
    of_two = index(schedules=[schedule(), schedule("other", index_id="id-2")])
    assert compliance(ID, of_two, remembering(scheduled(NOW))) is Compliance.NOT_APPLICABLE
    assert compliance(ID, of_two, remembering(scheduled(NOW + SECOND))) is Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize("expires", [None, True])
def test_an_expiry_that_nothing_told_never_makes_it_vanish(expires: bool | None) -> None:
    """Whatever became of it."""
    assert verdict(scheduled(None, expires=expires)) is Compliance.COMPLIANT


def test_without_a_memory_there_is_nothing_to_judge() -> None:
    """The first audit of an index, the backups of others, and those that were to expire meanwhile."""
    assert compliance(ID, index()) is Compliance.NOT_APPLICABLE
    assert compliance(ID, index(), remembering(scheduled(NOW))) is Compliance.NOT_APPLICABLE
    other = known(backup(DAY, index_name="other", index_id="id-other"))
    assert findings(ID, index(), memory=remembering(other))[LIVE].compliance is Compliance.NOT_APPLICABLE


@pytest.mark.parametrize(
    "listing,expected",
    [
        pytest.param(whole(daily_runs(), walks=1), Compliance.INSUFFICIENT_DATA, id="one-walk"),
        pytest.param(whole(daily_runs(), walks=2), Compliance.NON_COMPLIANT, id="two-walks"),
        pytest.param(broken(daily_runs()), Compliance.INSUFFICIENT_DATA, id="broken"),
    ],
)
def test_it_takes_two_whole_walks(listing: Any, expected: Compliance) -> None:
    """And asks for the second."""
    assert verdict(known(MANUAL), backups=listing) is expected
    told = inventory(index(), backups=whole(daily_runs(), walks=1))
    assert BACKUP_LISTING in judged(told, memory=remembering(known(MANUAL))).unconfirmed_listings


def test_the_indexs_own_listing_can_show_it_too() -> None:
    """Either is enough."""
    listed = daily_runs(2)
    case = index(schedules=[], listed=listed, own=whole([*listed, MANUAL]))
    assert verdict(known(MANUAL), case=case) is Compliance.COMPLIANT
    case = index(schedules=[], listed=listed, own=whole(listed))
    assert verdict(known(MANUAL), case=case) is Compliance.NON_COMPLIANT


def test_a_deleted_index_is_judged_by_the_same_control() -> None:
    """Where some of its backups are left, and where none is."""
    gone = [backup(age * DAY, backup_id=f"gone-{age}", index_id="id-gone", index_name="gone") for age in (1, 2)]
    memory = remembering(*map(known, gone))
    for left in (gone[:1], []):
        found = findings(ID, inventory(index(), more=left), memory=memory)
        assert found[DELETED].compliance is Compliance.NON_COMPLIANT
        assert found[LIVE].compliance is Compliance.NOT_APPLICABLE


def test_a_deleted_index_whose_backups_all_expired_is_no_more() -> None:
    """It gives no finding."""
    gone = known(run(9 * DAY, index_id="id-gone", index_name="gone"), NOW)
    assert DELETED not in findings(ID, index(), memory=remembering(gone))


def test_an_index_that_lost_its_only_backup_is_still_that_index() -> None:
    """Nothing tells its id today, and it was told once."""
    indexes = {"main": KnownIndex("main", "id-main", NOW - 90 * DAY, None)}
    found = findings(ID, index(schedules=[]), memory=remembering(known(MANUAL), indexes=indexes))
    assert {key: it.compliance for key, it in found.items()} == {LIVE: Compliance.NON_COMPLIANT}


def test_an_index_made_anew_did_not_lose_the_backups_of_the_earlier_one() -> None:
    """Those are a deleted index's."""
    indexes = {"main": KnownIndex("main", "id-gone", NOW - 90 * DAY, None)}
    earlier = [backup(age * DAY, backup_id=f"e-{age}", index_id="id-gone") for age in (1, 2)]
    memory = remembering(*map(known, earlier), indexes=indexes)
    case = index(schedules=[], listed=earlier[:1], own=whole([]))
    found = findings(ID, case, memory=memory)
    assert {key: it.compliance for key, it in found.items()} == {
        LIVE: Compliance.NOT_APPLICABLE,
        DELETED: Compliance.NON_COMPLIANT,
    }


def test_whose_the_backups_are_has_to_be_known() -> None:
    """Where the live id is in doubt, what is remembered of the name may be its own."""
    assert verdict(known(MANUAL), case=index(schedules=[], listed=[MANUAL])) is Compliance.INSUFFICIENT_DATA


def test_where_the_indexes_are_not_known_a_missing_backup_is_nobodys() -> None:
    """The listing of indexes tells live from deleted."""
    told = inventory(indexes_failure=ReadFailure("GET /indexes", "503"))
    assert findings(ID, told, memory=remembering(known(MANUAL))) == {}


def test_the_schedules_of_an_earlier_index_are_not_asked() -> None:
    """A schedule of the name as it is now has another id."""
    unrelated: list[Schedule] = [schedule("other", retention=DAY)]
    gone = scheduled(row=run(5 * DAY, backup_id="x", index_id="id-gone"))
    found = findings(ID, index(schedules=unrelated, runs=daily_runs(1)), memory=remembering(gone))
    assert found[DELETED].compliance is Compliance.NON_COMPLIANT


def exempting(*backups: str, expires: date = date(2027, 3, 31), **facts: Any) -> Policy:
    """Build a policy that exempts single backups."""
    exemption = Exemption((), (ID,), "search-team", "deleted on purpose", expires, backups=backups)
    return policy(under=Policy("built-in", "0" * 64, exemptions=(replace(exemption, **facts),)))


MANUAL_2 = backup(21 * DAY, backup_id="manual-2", name="by hand, too")
BOTH = remembering(known(MANUAL), known(MANUAL_2))


def test_a_finding_is_exempt_where_every_missing_backup_is_named() -> None:
    """It keeps its verdict, and names each."""
    found = findings(ID, index(), exempting("manual", "manual-2", "another"), BOTH)[LIVE]
    assert (found.compliance, found.is_open) == (Compliance.NON_COMPLIANT, False)
    assert found.exemption is not None
    assert found.exemption.reason == "deleted on purpose"
    assert [it["backup_id"] for it in cast("list[dict[str, str]]", found.evidence["vanished"])] == [
        "manual",
        "manual-2",
    ]
    assert found.evidence["exempted"] == ["manual", "manual-2"]


def test_a_finding_speaks_of_the_backups_that_no_exemption_names() -> None:
    """The others are in its evidence by their ids alone."""
    found = findings(ID, index(), exempting("manual-2"), BOTH)[LIVE]
    assert (found.compliance, found.exemption, found.is_open) == (Compliance.NON_COMPLIANT, None, True)
    assert [it["backup_id"] for it in cast("list[dict[str, str]]", found.evidence["vanished"])] == ["manual"]
    assert (found.evidence["missing"], found.evidence["exempted"]) == (1, ["manual-2"])
    assert found.reason.startswith("1 backup that should still exist is not listed any more, first by hand:")
    assert "by hand, too" not in found.reason


@pytest.mark.parametrize(
    "required",
    [
        pytest.param(exempting("manual", "manual-2", expires=NOW.date() - DAY), id="expired"),
        pytest.param(exempting("manual", "manual-2", controls=("schedule-*",)), id="another-control"),
        pytest.param(exempting("by hand", "by hand, too"), id="names-instead-of-ids"),
        pytest.param(exempting("manual*"), id="patterns-instead-of-ids"),
    ],
)
def test_an_exemption_that_is_not_of_these_backups_changes_nothing(required: Policy) -> None:
    """Expired, of another control, or of other backups."""
    found = findings(ID, index(), required, BOTH)[LIVE]
    assert found.is_open
    assert found.evidence == finding(ID, index(), BOTH).evidence


def test_a_backup_of_a_deleted_index_can_be_exempted() -> None:
    """By the same id."""
    gone = known(backup(20 * DAY, backup_id="gone", index_name="gone", index_id="id-gone"))
    assert findings(ID, index(), exempting("other"), remembering(gone))[DELETED].is_open
    found = findings(ID, index(), exempting("gone"), remembering(gone))[DELETED]
    assert (found.compliance, found.is_open) == (Compliance.NON_COMPLIANT, False)


def test_of_several_exemptions_the_one_that_ends_first_is_shown() -> None:
    """When it ends, the finding is open again."""
    first, second = exempting("manual", expires=date(2027, 5, 1)), exempting("manual-2", expires=date(2027, 4, 1))
    both = replace(first, exemptions=(*first.exemptions, *second.exemptions))
    exemption = findings(ID, index(), both, BOTH)[LIVE].exemption
    assert exemption is not None
    assert exemption.expires == date(2027, 4, 1)


def test_a_doubtful_backup_can_be_exempted() -> None:
    """What is not known of it stays unknown, and is accepted."""
    unsure = index(schedules=[schedule(retention=None)])
    memory = remembering(scheduled())
    assert findings(ID, unsure, exempting("other"), memory)[LIVE].exemption is None
    found = findings(ID, unsure, exempting("missed"), memory)[LIVE]
    assert found.compliance is Compliance.INSUFFICIENT_DATA
    assert found.exemption is not None
    assert found.evidence["in_doubt"] == ["missed"]


def test_an_exempted_backup_that_is_listed_again_is_no_deviation() -> None:
    """Nothing is missing, so that nothing is exempted."""
    found = findings(ID, index(backups=[MANUAL, MANUAL_2]), exempting("manual"), BOTH)[LIVE]
    assert (found.compliance, found.exemption) == (Compliance.COMPLIANT, None)
    assert "exempted" not in found.evidence
