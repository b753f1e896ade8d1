"""A verdict that rests on absence wants a second walk that agrees."""

from backup_auditor.domain.control import Verdict, compliant, non_compliant
from backup_auditor.domain.evaluation.project import ProjectContext, require_confirmed_absence
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.inventory import Inventory, merge_reads
from backup_auditor.domain.listing import BACKUP_LISTING, ListingId, ListingKind, ListingRead
from support.builders.facts import BROKEN, backup, broken, disputed, index, inventory, policy, schedule, whole

MISSING = non_compliant("It is missing.", {"there": 0}, depends_on_absence_in=(BACKUP_LISTING,))
HISTORY = ListingId(ListingKind.HISTORY, "schedule-1")
ONE, OTHER = backup(backup_id="one"), backup(backup_id="other", index_name="elsewhere")


def confirm(told: Inventory, verdict: Verdict = MISSING, index: str | None = "main") -> tuple[Verdict, set[ListingId]]:
    """Return the verdict on an index as it stands, or on the project, and the doubts that it leaves."""
    doubts: set[ListingId] = set()
    return require_confirmed_absence(verdict, ProjectContext(told, policy()), index, doubts), doubts


def test_two_walks_that_agree_confirm_it() -> None:
    """The verdict stands as it was given."""
    assert confirm(inventory(backups=whole([ONE]))) == (MISSING, set())


def test_one_walk_leaves_a_doubt() -> None:
    """The verdict keeps its evidence and says why it waits."""
    found, doubts = confirm(inventory(backups=whole([ONE], walks=1)))
    assert found.compliance is Compliance.INSUFFICIENT_DATA
    assert found.evidence == {"there": 0}
    assert found.reason == (
        "It is missing, yet no second walk over the project's backups was made, so nothing can be called missing."
    )
    assert doubts == {BACKUP_LISTING}


def test_walks_that_differ_under_the_name_leave_a_doubt() -> None:
    """Rows shifted; what differs under other names does not matter."""
    found, doubts = confirm(inventory(backups=disputed([ONE], [])))
    assert (found.compliance, doubts) == (Compliance.INSUFFICIENT_DATA, {BACKUP_LISTING})
    assert confirm(inventory(backups=disputed([ONE, OTHER], [ONE]))) == (MISSING, set())


def test_a_verdict_on_the_project_rests_on_the_rows_of_every_name() -> None:
    """Wherever they shifted, it waits."""
    found, doubts = confirm(inventory(backups=disputed([ONE, OTHER], [ONE])), index=None)
    assert (found.compliance, doubts) == (Compliance.INSUFFICIENT_DATA, {BACKUP_LISTING})
    assert confirm(inventory(backups=whole([ONE, OTHER])), index=None) == (MISSING, set())


def test_a_third_walk_that_agrees_with_the_second_confirms_it() -> None:
    """Only the last two whole walks are compared."""
    walks = [ListingRead((ONE,)), ListingRead(()), ListingRead(())]
    assert confirm(inventory(backups=merge_reads(walks))) == (MISSING, set())


def test_a_walk_that_broke_off_is_no_doubt_that_a_walk_could_settle() -> None:
    """The service did not answer to the end; it is not asked again."""
    found, doubts = confirm(inventory(backups=broken([ONE])))
    assert (found.compliance, doubts) == (Compliance.INSUFFICIENT_DATA, set())
    assert BROKEN.error in found.reason


def test_a_second_walk_that_broke_off_confirms_nothing() -> None:
    """The reason says that there was one."""
    found, _ = confirm(inventory(backups=merge_reads([ListingRead((ONE,)), ListingRead((), BROKEN)])))
    assert found.compliance is Compliance.INSUFFICIENT_DATA
    assert "second walk broke off" in found.reason


def test_every_listing_that_it_rests_on_has_to_agree() -> None:
    """Each that does not is a doubt."""
    verdict = non_compliant("It is missing.", depends_on_absence_in=(BACKUP_LISTING, HISTORY))
    told = inventory(index(walks=1), walks=1)
    assert confirm(told, verdict)[1] == {BACKUP_LISTING, HISTORY}
    assert confirm(inventory(index()), verdict)[0] == verdict


def test_any_row_of_a_listing_of_its_own_that_differs_is_a_dispute() -> None:
    """A history belongs to one schedule alone."""
    verdict = non_compliant("It is missing.", depends_on_absence_in=(HISTORY,))
    told = inventory(index(schedules=[schedule()], runs=disputed([ONE], [])))
    assert confirm(told, verdict)[1] == {HISTORY}


def test_a_listing_that_was_not_read_confirms_nothing() -> None:
    """It is not there to be walked again."""
    verdict = non_compliant("It is missing.", depends_on_absence_in=(HISTORY,))
    found, doubts = confirm(inventory(), verdict)
    assert (found.compliance, doubts) == (Compliance.INSUFFICIENT_DATA, set())


def test_what_rests_on_nothing_stands() -> None:
    """Presence wants no second walk."""
    verdict = compliant("It is there.")
    assert confirm(inventory(backups=broken()), verdict) == (verdict, set())
