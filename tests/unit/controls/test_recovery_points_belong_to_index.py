"""Control `recovery-points-belong-to-index`."""

from backup_auditor.domain.finding import Compliance
from support.builders.facts import (
    DAY,
    ago,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    evaluate_compliance,
    evaluate_control,
)

ID = "recovery-points-belong-to-index"
EARLIER_BACKUP = build_backup(9 * DAY, backup_id="earlier", index_id="id-earlier")
MARKED_BACKUP = build_backup(9 * DAY, backup_id="marked", index_id="id-earlier", index_deleted_at=ago(8 * DAY))


def test_one_of_its_own_is_enough() -> None:
    """Beside those of an earlier index of the name."""
    assert evaluate_compliance(ID, build_index(runs=[build_run(DAY)], backups=[EARLIER_BACKUP])) is Compliance.COMPLIANT


def test_those_of_an_earlier_index_restore_something_else() -> None:
    """The schedule shows the live id, and no Ready backup has it; a failed backup does not count."""
    finding = evaluate_control(ID, build_index(runs=[build_run(DAY, status="Failed")], backups=[EARLIER_BACKUP]))
    assert finding.compliance is Compliance.NON_COMPLIANT
    assert finding.evidence == {"live_id": "id-main", "ids": ["id-earlier"], "ready_backups": 1}
    assert finding.reason == "1 Ready backup under the name of the index, all from an earlier index."


def test_without_a_ready_backup_under_the_name_there_is_nothing_to_evaluate() -> None:
    """Provided that the listing was read to its end."""
    case = build_index(runs=[build_run(DAY, status="Failed")])
    assert evaluate_compliance(ID, case) is Compliance.NOT_APPLICABLE
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing(case.listed_backups)))
        is Compliance.INSUFFICIENT_DATA
    )


def test_deletion_marks_alone_can_decide() -> None:
    """Backups of a deleted index belong to no live one, even if the live id is unknown."""
    assert evaluate_compliance(ID, build_index(schedules=(), backups=[MARKED_BACKUP])) is Compliance.NON_COMPLIANT


def test_one_mark_speaks_for_all_backups_of_its_index() -> None:
    """An id that was deleted once does not live again."""
    assert (
        evaluate_compliance(ID, build_index(schedules=(), backups=[MARKED_BACKUP, EARLIER_BACKUP]))
        is Compliance.NON_COMPLIANT
    )


def test_ready_backups_that_are_marked_fail_beside_others_of_unknown_id() -> None:
    """Backups that are not Ready do not decide to which index the Ready ones belong."""
    failed_backup = build_backup(backup_id="failed", index_id="id-unknown", status="Failed")
    assert (
        evaluate_compliance(ID, build_index(schedules=(), backups=[MARKED_BACKUP, failed_backup]))
        is Compliance.NON_COMPLIANT
    )


def test_without_schedule_or_mark_the_own_listing_decides() -> None:
    """The live id is unknown until the index's own listing is read."""
    assert evaluate_compliance(ID, build_index(schedules=(), backups=[EARLIER_BACKUP])) is Compliance.INSUFFICIENT_DATA
    assert (
        evaluate_compliance(
            ID, build_index(schedules=(), backups=[EARLIER_BACKUP], own_backups=build_complete_listing([]))
        )
        is Compliance.NON_COMPLIANT
    )
    assert (
        evaluate_compliance(
            ID,
            build_index(schedules=(), backups=[EARLIER_BACKUP], own_backups=build_complete_listing([EARLIER_BACKUP])),
        )
        is Compliance.COMPLIANT
    )


def test_an_own_listing_of_several_ids_decides_nothing() -> None:
    """One of them is the live index's, and it may be the one of a Ready backup."""
    case = build_index(
        schedules=(),
        backups=[EARLIER_BACKUP],
        own_backups=build_complete_listing([EARLIER_BACKUP, build_run(DAY, status="Failed")]),
    )
    assert evaluate_compliance(ID, case) is Compliance.INSUFFICIENT_DATA


def test_an_own_listing_that_was_read_once_proves_no_absence() -> None:
    """The verdict needs a second read of both listings; an incomplete read proves nothing."""
    case = build_index(schedules=(), backups=[EARLIER_BACKUP], own_backups=build_complete_listing([], reads=1))
    assert evaluate_compliance(ID, case) is Compliance.INSUFFICIENT_DATA
    case = build_index(schedules=(), backups=[EARLIER_BACKUP], own_backups=build_complete_listing([]))
    assert evaluate_compliance(ID, build_inventory(case, reads=1)) is Compliance.INSUFFICIENT_DATA
    case = build_index(schedules=(), backups=[EARLIER_BACKUP], own_backups=build_failed_listing())
    assert evaluate_compliance(ID, case) is Compliance.INSUFFICIENT_DATA
