"""Control `backup-status-is-known`."""

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import DAY, backup, broken, compliance, finding, index, inventory, run

ID = "backup-status-is-known"
ODD = run(DAY, status="Archived")


@pytest.mark.parametrize(
    "status", ["Ready", "Initializing", "Pending", "Scheduled", "Failed", "InitializationFailed", "rEADY"]
)
def test_these_are_known(status: str) -> None:
    """Without regard to case."""
    assert compliance(ID, index(runs=[run(DAY, status=status)])) is Compliance.COMPLIANT


@pytest.mark.parametrize("status", ["Archived", "", "Ready "])
def test_any_other_is_not(status: str) -> None:
    """Nor is none at all."""
    assert compliance(ID, index(runs=[run(DAY, status=status)])) is Compliance.NON_COMPLIANT


def test_the_evidence_names_statuses_and_backups() -> None:
    """Each once, sorted."""
    found = finding(ID, index(runs=[ODD], backups=[backup(backup_id="b", status="Zapped")]))
    assert found.evidence == {"statuses": ["Archived", "Zapped"], "backup_ids": ["b", "run-20261121T120000"]}


def test_a_row_of_the_history_counts_too() -> None:
    """Although the listing shows the same backup in a status that is known."""
    assert compliance(ID, index(runs=[ODD], listed=[run(DAY)])) is Compliance.NON_COMPLIANT


def test_backups_of_an_earlier_index_do_not_count() -> None:
    """Each index answers for its own."""
    earlier = backup(index_id="id-earlier", status="Archived")
    assert compliance(ID, index(backups=[earlier])) is Compliance.COMPLIANT


def test_without_a_backup_there_is_nothing_to_judge() -> None:
    """An index that was never backed up has no status to know."""
    assert compliance(ID, index(runs=[])) is Compliance.NOT_APPLICABLE


def test_one_that_was_seen_is_enough() -> None:
    """That all are known can be said only when all were read."""
    assert compliance(ID, index(runs=broken([ODD]))) is Compliance.NON_COMPLIANT
    assert compliance(ID, index(runs=broken([run(DAY)]))) is Compliance.INSUFFICIENT_DATA
    case = index()
    assert compliance(ID, inventory(case, backups=broken(case.listed))) is Compliance.INSUFFICIENT_DATA
