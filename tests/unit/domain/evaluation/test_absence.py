"""A verdict that depends on absence needs a second read that agrees."""

import pytest

from backup_auditor.domain.evaluation.absence import require_confirmed_absence
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Compliance, Severity, Verdict, compliant, non_compliant
from backup_auditor.domain.inventory import Inventory, merge_reads
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId, ListingKind, ListingRead
from support.builders.facts import (
    READ_FAILURE,
    build_backup,
    build_complete_listing,
    build_conflicting_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_policy,
    build_schedule,
)

MISSING_VERDICT = non_compliant("It is missing.", {"there": 0}, depends_on_absence_in=(BACKUP_LISTING,))
HISTORY_ID = ListingId(ListingKind.HISTORY, "schedule-1")
FIRST_BACKUP, OTHER_BACKUP = build_backup(backup_id="one"), build_backup(backup_id="other", index_name="elsewhere")


def confirm_verdict(
    inventory: Inventory, verdict: Verdict = MISSING_VERDICT, index: str | None = "main"
) -> tuple[Verdict, set[ListingId]]:
    """Return the verdict on an index, or on the project, and the unconfirmed listings."""
    unconfirmed_ids: set[ListingId] = set()
    return require_confirmed_absence(
        verdict, ProjectContext(inventory, build_policy()), index, unconfirmed_ids
    ), unconfirmed_ids


def test_two_reads_that_agree_confirm_it() -> None:
    """A confirmed verdict is unchanged."""
    assert confirm_verdict(build_inventory(backups=build_complete_listing([FIRST_BACKUP]))) == (MISSING_VERDICT, set())


def test_one_read_leaves_a_doubt() -> None:
    """The verdict keeps its evidence and says why it waits."""
    confirmed_verdict, unconfirmed_ids = confirm_verdict(
        build_inventory(backups=build_complete_listing([FIRST_BACKUP], reads=1))
    )
    assert confirmed_verdict.compliance is Compliance.INSUFFICIENT_DATA
    assert confirmed_verdict.evidence == {"there": 0}
    assert confirmed_verdict.reason == ("It is missing; not confirmed: the backup listing was read only once.")
    assert unconfirmed_ids == {BACKUP_LISTING}


def test_reads_that_differ_under_the_name_leave_a_doubt() -> None:
    """Rows shifted; what differs under other names does not matter."""
    confirmed_verdict, unconfirmed_ids = confirm_verdict(
        build_inventory(backups=build_conflicting_listing([FIRST_BACKUP], []))
    )
    assert (confirmed_verdict.compliance, unconfirmed_ids) == (Compliance.INSUFFICIENT_DATA, {BACKUP_LISTING})
    assert confirm_verdict(
        build_inventory(backups=build_conflicting_listing([FIRST_BACKUP, OTHER_BACKUP], [FIRST_BACKUP]))
    ) == (MISSING_VERDICT, set())


def test_a_verdict_on_the_project_rests_on_the_rows_of_every_name() -> None:
    """Wherever they shifted, it waits."""
    confirmed_verdict, unconfirmed_ids = confirm_verdict(
        build_inventory(backups=build_conflicting_listing([FIRST_BACKUP, OTHER_BACKUP], [FIRST_BACKUP])), index=None
    )
    assert (confirmed_verdict.compliance, unconfirmed_ids) == (Compliance.INSUFFICIENT_DATA, {BACKUP_LISTING})
    assert confirm_verdict(
        build_inventory(backups=build_complete_listing([FIRST_BACKUP, OTHER_BACKUP])), index=None
    ) == (MISSING_VERDICT, set())


def test_a_third_read_that_agrees_with_the_second_confirms_it() -> None:
    """Only the last two complete reads are compared."""
    reads = [ListingRead((FIRST_BACKUP,)), ListingRead(()), ListingRead(())]
    assert confirm_verdict(build_inventory(backups=merge_reads(reads))) == (MISSING_VERDICT, set())


def test_a_read_that_broke_off_is_no_doubt_that_a_read_could_settle() -> None:
    """The service did not answer to the end; it is not asked again."""
    confirmed_verdict, unconfirmed_ids = confirm_verdict(build_inventory(backups=build_failed_listing([FIRST_BACKUP])))
    assert (confirmed_verdict.compliance, unconfirmed_ids) == (Compliance.INSUFFICIENT_DATA, set())
    assert READ_FAILURE.error in confirmed_verdict.reason


def test_a_second_read_that_broke_off_confirms_nothing() -> None:
    """The reason says that there was one."""
    confirmed_verdict, _ = confirm_verdict(
        build_inventory(backups=merge_reads([ListingRead((FIRST_BACKUP,)), ListingRead((), READ_FAILURE)]))
    )
    assert confirmed_verdict.compliance is Compliance.INSUFFICIENT_DATA
    assert "second read failed" in confirmed_verdict.reason


def test_every_listing_that_it_rests_on_has_to_agree() -> None:
    """Each listing that does not confirm the absence is unconfirmed."""
    verdict = non_compliant("It is missing.", depends_on_absence_in=(BACKUP_LISTING, HISTORY_ID))
    inventory = build_inventory(build_index(reads=1), reads=1)
    assert confirm_verdict(inventory, verdict)[1] == {BACKUP_LISTING, HISTORY_ID}
    assert confirm_verdict(build_inventory(build_index()), verdict)[0] == verdict


def test_any_row_of_a_listing_of_its_own_that_differs_is_a_dispute() -> None:
    """A history belongs to one schedule alone."""
    verdict = non_compliant("It is missing.", depends_on_absence_in=(HISTORY_ID,))
    inventory = build_inventory(
        build_index(schedules=[build_schedule()], runs=build_conflicting_listing([FIRST_BACKUP], []))
    )
    assert confirm_verdict(inventory, verdict)[1] == {HISTORY_ID}


def test_a_listing_that_was_not_read_confirms_nothing() -> None:
    """An unread listing cannot be read again."""
    verdict = non_compliant("It is missing.", depends_on_absence_in=(HISTORY_ID,))
    confirmed_verdict, unconfirmed_ids = confirm_verdict(build_inventory(), verdict)
    assert (confirmed_verdict.compliance, unconfirmed_ids) == (Compliance.INSUFFICIENT_DATA, set())


def test_what_rests_on_nothing_stands() -> None:
    """Presence needs no second read."""
    verdict = compliant("It is there.")
    assert confirm_verdict(build_inventory(backups=build_failed_listing()), verdict) == (verdict, set())


@pytest.mark.parametrize(
    "inventory, listing_id, reason",
    [
        pytest.param(
            build_inventory(build_index()),
            ListingId(ListingKind.OWN_BACKUPS, "main"),
            "the backup listing of main was not read",
            id="own-backups-unread",
        ),
        pytest.param(
            build_inventory(build_index(schedules=(), reads=1)),
            ListingId(ListingKind.SCHEDULES, "main"),
            "the schedule listing of main was read only once",
            id="schedules-read-once",
        ),
        pytest.param(
            build_inventory(build_index(runs=build_conflicting_listing([FIRST_BACKUP], []))),
            HISTORY_ID,
            "two reads of the history of schedule schedule-1 returned different rows",
            id="history-changed",
        ),
        pytest.param(
            build_inventory(backups=build_failed_listing()),
            BACKUP_LISTING,
            "GET /somewhere failed (503 to the end)",
            id="backups-failed",
        ),
        pytest.param(
            build_inventory(backups=merge_reads([ListingRead(()), ListingRead((), READ_FAILURE)])),
            BACKUP_LISTING,
            "the second read failed: GET /somewhere (503 to the end)",
            id="second-read-failed",
        ),
    ],
)
def test_the_reason_names_the_listing(inventory: Inventory, listing_id: ListingId, reason: str) -> None:
    """A verdict that is not confirmed names the listing and why it does not confirm it."""
    verdict = non_compliant("It is missing.", depends_on_absence_in=(listing_id,), severity=Severity.LOW)
    confirmed_verdict, _ = confirm_verdict(inventory, verdict)
    assert confirmed_verdict == Verdict(
        Compliance.INSUFFICIENT_DATA,
        f"It is missing; not confirmed: {reason}.",
        depends_on_absence_in=(listing_id,),
    )
