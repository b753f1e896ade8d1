"""Control `recovery-points-belong-to-index`."""

from backup_auditor.domain.finding import Compliance
from support.builders.facts import DAY, ago, backup, broken, compliance, finding, index, inventory, run, whole

ID = "recovery-points-belong-to-index"
EARLIER = backup(9 * DAY, backup_id="earlier", index_id="id-earlier")
MARKED = backup(9 * DAY, backup_id="marked", index_id="id-earlier", index_deleted_at=ago(8 * DAY))


def test_one_of_its_own_is_enough() -> None:
    """Beside those of an earlier index of the name."""
    assert compliance(ID, index(runs=[run(DAY)], backups=[EARLIER])) is Compliance.COMPLIANT


def test_those_of_an_earlier_index_restore_something_else() -> None:
    """The schedule tells the live id, and no Ready backup has it; one that failed does not help."""
    found = finding(ID, index(runs=[run(DAY, status="Failed")], backups=[EARLIER]))
    assert found.compliance is Compliance.NON_COMPLIANT
    assert found.evidence == {"live_id": "id-main", "ids": ["id-earlier"], "ready_backups": 1}
    assert found.reason == "1 Ready backup under its name, all of an earlier index: none can restore its data."


def test_without_a_ready_backup_under_the_name_there_is_nothing_to_judge() -> None:
    """Provided that the listing was read to its end."""
    case = index(runs=[run(DAY, status="Failed")])
    assert compliance(ID, case) is Compliance.NOT_APPLICABLE
    assert compliance(ID, inventory(case, backups=broken(case.listed))) is Compliance.INSUFFICIENT_DATA


def test_deletion_marks_alone_can_decide() -> None:
    """Backups whose index is marked as deleted belong to no live one, though nothing tells the live id."""
    assert compliance(ID, index(schedules=(), backups=[MARKED])) is Compliance.NON_COMPLIANT


def test_one_mark_speaks_for_all_backups_of_its_index() -> None:
    """An id that was deleted once does not live again."""
    assert compliance(ID, index(schedules=(), backups=[MARKED, EARLIER])) is Compliance.NON_COMPLIANT


def test_ready_backups_that_are_marked_fail_beside_others_of_unknown_id() -> None:
    """What is not Ready does not decide whose the Ready ones are."""
    failed = backup(backup_id="failed", index_id="id-unknown", status="Failed")
    assert compliance(ID, index(schedules=(), backups=[MARKED, failed])) is Compliance.NON_COMPLIANT


def test_without_schedule_or_mark_the_own_listing_decides() -> None:
    """Until it is read, the live id is in doubt."""
    assert compliance(ID, index(schedules=(), backups=[EARLIER])) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, index(schedules=(), backups=[EARLIER], own=whole([]))) is Compliance.NON_COMPLIANT
    assert compliance(ID, index(schedules=(), backups=[EARLIER], own=whole([EARLIER]))) is Compliance.COMPLIANT


def test_an_own_listing_of_several_ids_decides_nothing() -> None:
    """One of them is the live index's, and it may be the one of a Ready backup."""
    case = index(schedules=(), backups=[EARLIER], own=whole([EARLIER, run(DAY, status="Failed")]))
    assert compliance(ID, case) is Compliance.INSUFFICIENT_DATA


def test_an_own_listing_that_was_walked_once_proves_no_absence() -> None:
    """That none is its own wants a second walk over both listings; one that broke off says nothing."""
    case = index(schedules=(), backups=[EARLIER], own=whole([], walks=1))
    assert compliance(ID, case) is Compliance.INSUFFICIENT_DATA
    case = index(schedules=(), backups=[EARLIER], own=whole([]))
    assert compliance(ID, inventory(case, walks=1)) is Compliance.INSUFFICIENT_DATA
    case = index(schedules=(), backups=[EARLIER], own=broken())
    assert compliance(ID, case) is Compliance.INSUFFICIENT_DATA
