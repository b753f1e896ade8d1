"""Control `backup-status-is-known`."""

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import (
    DAY,
    build_backup,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    evaluate_compliance,
    evaluate_control,
)

ID = "backup-status-is-known"
ODD_RUN = build_run(DAY, status="Archived")


@pytest.mark.parametrize(
    "status", ["Ready", "Initializing", "Pending", "Scheduled", "Failed", "InitializationFailed", "rEADY"]
)
def test_these_are_known(status: str) -> None:
    """Without regard to case."""
    assert evaluate_compliance(ID, build_index(runs=[build_run(DAY, status=status)])) is Compliance.COMPLIANT


@pytest.mark.parametrize("status", ["Archived", "", "Ready "])
def test_any_other_is_not(status: str) -> None:
    """A missing status is unknown as well."""
    assert evaluate_compliance(ID, build_index(runs=[build_run(DAY, status=status)])) is Compliance.NON_COMPLIANT


def test_the_evidence_names_statuses_and_backups() -> None:
    """Each once, sorted."""
    finding = evaluate_control(ID, build_index(runs=[ODD_RUN], backups=[build_backup(backup_id="b", status="Zapped")]))
    assert finding.evidence == {"statuses": ["Archived", "Zapped"], "backup_ids": ["b", "run-20261121T120000"]}


def test_a_row_of_the_history_counts_too() -> None:
    """An unknown status in a history counts, even if the listing shows a known one."""
    assert (
        evaluate_compliance(ID, build_index(runs=[ODD_RUN], listed_backups=[build_run(DAY)]))
        is Compliance.NON_COMPLIANT
    )


def test_backups_of_an_earlier_index_do_not_count() -> None:
    """Each index answers for its own."""
    earlier_backup = build_backup(index_id="id-earlier", status="Archived")
    assert evaluate_compliance(ID, build_index(backups=[earlier_backup])) is Compliance.COMPLIANT


def test_without_a_backup_there_is_nothing_to_evaluate() -> None:
    """An index that was never backed up has no status to know."""
    assert evaluate_compliance(ID, build_index(runs=[])) is Compliance.NOT_APPLICABLE


def test_one_that_was_seen_is_enough() -> None:
    """A compliant verdict requires that all backups were read; one unknown status is enough to fail."""
    assert evaluate_compliance(ID, build_index(runs=build_failed_listing([ODD_RUN]))) is Compliance.NON_COMPLIANT
    assert (
        evaluate_compliance(ID, build_index(runs=build_failed_listing([build_run(DAY)])))
        is Compliance.INSUFFICIENT_DATA
    )
    case = build_index()
    assert (
        evaluate_compliance(ID, build_inventory(case, backups=build_failed_listing(case.listed_backups)))
        is Compliance.INSUFFICIENT_DATA
    )
