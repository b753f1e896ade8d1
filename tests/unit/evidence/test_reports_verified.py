"""Whether a report is what was written then: read again, and compared by its hash."""

import hashlib

import pytest

from backup_auditor.domain.audit_record import AuditRecord, KeptReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.errors import EvidenceError, EvidenceGoneError
from backup_auditor.service.evidence import ReportStanding, verified
from builders import DAY, NOW

CONTENT = b"{}\n"
KEPT = KeptReport("report.json", hashlib.sha256(CONTENT).hexdigest())


def record(report: KeptReport | None, night: int = 0) -> AuditRecord:
    """Build the record of an audit."""
    return AuditRecord(
        f"audit-{night}", NOW + night * DAY, is_complete=True, compliance=Compliance.COMPLIANT, report=report
    )


def reading(answer: bytes | Exception) -> bytes:
    """Answer as a place does."""
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.mark.parametrize(
    "report,answer,standing,why",
    [
        pytest.param(KEPT, CONTENT, ReportStanding.INTACT, None, id="intact"),
        pytest.param(
            KEPT,
            b"{}",
            ReportStanding.ALTERED,
            "its hash is 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a,"
            " and was ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356 when it was written",
            id="altered",
        ),
        pytest.param(KEPT, EvidenceGoneError("it is gone"), ReportStanding.GONE, "it is gone", id="gone"),
        pytest.param(KEPT, EvidenceError("forbidden"), ReportStanding.UNREADABLE, "forbidden", id="unreadable"),
        pytest.param(None, EvidenceError("not asked"), ReportStanding.NOT_KEPT, None, id="not-kept"),
    ],
)
def test_a_report_is_compared_with_its_record(
    report: KeptReport | None, answer: bytes | Exception, standing: ReportStanding, why: str | None
) -> None:
    """What cannot be read is neither intact nor altered."""
    audit = record(report)
    (found,) = verified([audit], [audit], lambda _: reading(answer))
    assert (found.audit, found.standing, found.why) == (audit, standing, why)


def test_a_file_that_a_later_audit_was_written_to_holds_the_earlier_no_more() -> None:
    """It is gone, and not altered; who asks for the earlier night alone hears the same."""
    earlier, later = record(KeptReport("report.json", "00"), 0), record(KEPT, 1)
    found = list(verified([earlier, later], [earlier, later], lambda _: CONTENT))
    assert [it.standing for it in found] == [ReportStanding.GONE, ReportStanding.INTACT]
    assert found[0].why == "the report of audit audit-1 was written over it"
    assert [it.standing for it in verified([earlier], [earlier, later], lambda _: CONTENT)] == [ReportStanding.GONE]


def test_the_same_report_written_twice_is_there_for_both() -> None:
    """It has the hash of either."""
    both = [record(KEPT, 0), record(KEPT, 1)]
    assert [it.standing for it in verified(both, both, lambda _: CONTENT)] == [ReportStanding.INTACT] * 2
