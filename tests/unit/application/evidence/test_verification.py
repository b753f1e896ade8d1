"""Whether a report is what was written then: read again, and compared by its hash."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from backup_auditor.application.evidence import FileStatus, verify_audits, verify_drills
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.errors import EvidenceError, EvidenceMissingError
from support.builders.drills import build_drill
from support.builders.facts import DAY, NOW

CONTENT = b"{}\n"
STORED_REPORT = StoredReport("report.json", hashlib.sha256(CONTENT).hexdigest())


def build_audit_record(report: StoredReport | None, night: int = 0) -> AuditRecord:
    """Build the record of an audit."""
    return AuditRecord(
        f"audit-{night}", NOW + night * DAY, is_complete=True, compliance=Compliance.COMPLIANT, report=report
    )


@dataclass(frozen=True)
class FakeReportReader:
    """A place for each file, and copies of it elsewhere."""

    read: Callable[[StoredFile], bytes]
    copies: tuple[str, ...] = ()

    def locate(self, file: StoredFile) -> Iterator[StoredFile]:
        """Return where it was written, then the copies."""
        yield file
        for location in self.copies:
            yield StoredFile(location, file.sha256)


def return_or_raise(content: bytes | Exception) -> bytes:
    """Answer as a place does."""
    if isinstance(content, Exception):
        raise content
    return content


@pytest.mark.parametrize(
    "report,content,status,reason",
    [
        pytest.param(STORED_REPORT, CONTENT, FileStatus.INTACT, None, id="intact"),
        pytest.param(
            STORED_REPORT,
            b"{}",
            FileStatus.ALTERED,
            "its hash is 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
            " (recorded: ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356)",
            id="altered",
        ),
        pytest.param(STORED_REPORT, EvidenceMissingError("it is gone"), FileStatus.MISSING, "it is gone", id="gone"),
        pytest.param(STORED_REPORT, EvidenceError("forbidden"), FileStatus.UNREADABLE, "forbidden", id="unreadable"),
        pytest.param(None, EvidenceError("not asked"), FileStatus.NOT_STORED, None, id="not-kept"),
    ],
)
def test_a_report_is_compared_with_its_record(
    report: StoredReport | None, content: bytes | Exception, status: FileStatus, reason: str | None
) -> None:
    """An unreadable report is neither intact nor altered."""
    audit = build_audit_record(report)
    (checks,) = verify_audits([audit], [audit], FakeReportReader(lambda _: return_or_raise(content)))
    assert (checks.audit, checks.report, checks.page) == (audit, (status, reason), None)


def test_a_file_that_a_later_audit_was_written_to_holds_the_earlier_no_more() -> None:
    """An overwritten report is missing, not altered, also if only the earlier audit is verified."""
    earlier_audit, later_audit = (
        build_audit_record(StoredReport("report.json", "00"), 0),
        build_audit_record(STORED_REPORT, 1),
    )
    checks = list(
        verify_audits([earlier_audit, later_audit], [earlier_audit, later_audit], FakeReportReader(lambda _: CONTENT))
    )
    missing_status = FileStatus.MISSING, "overwritten by the report of audit audit-1"
    assert [it.report for it in checks] == [missing_status, (FileStatus.INTACT, None)]
    assert [
        it.report
        for it in verify_audits([earlier_audit], [earlier_audit, later_audit], FakeReportReader(lambda _: CONTENT))
    ] == [missing_status]


def test_the_same_report_written_twice_is_there_for_both() -> None:
    """A report that two audits wrote has the hash of both."""
    audits = [build_audit_record(STORED_REPORT, 0), build_audit_record(STORED_REPORT, 1)]
    assert [it.report for it in verify_audits(audits, audits, FakeReportReader(lambda _: CONTENT))] == [
        (FileStatus.INTACT, None)
    ] * 2


@pytest.mark.parametrize(
    "content,status",
    [
        pytest.param(b"<!doctype html>", FileStatus.INTACT, id="intact"),
        pytest.param(b"<script>", FileStatus.ALTERED, id="altered"),
        pytest.param(EvidenceMissingError("it is gone"), FileStatus.MISSING, id="gone"),
        pytest.param(EvidenceError("forbidden"), FileStatus.UNREADABLE, id="unreadable"),
    ],
)
def test_a_page_is_compared_by_itself(content: bytes | Exception, status: FileStatus) -> None:
    """The report is intact, whatever the status of the page."""
    page = StoredFile("report.html", hashlib.sha256(b"<!doctype html>").hexdigest())
    audit = build_audit_record(replace(STORED_REPORT, page=page))
    (checks,) = verify_audits(
        [audit], [audit], FakeReportReader(lambda it: return_or_raise(content) if it is page else CONTENT)
    )
    assert checks.report == (FileStatus.INTACT, None)
    assert checks.page is not None
    assert checks.page[0] is status


MISSING_ERROR, UNREADABLE_ERROR = EvidenceMissingError("it is gone"), EvidenceError("forbidden")


@pytest.mark.parametrize(
    "original_content,copy_content,status,reason",
    [
        pytest.param(MISSING_ERROR, CONTENT, FileStatus.INTACT, "found at copy.json", id="moved"),
        pytest.param(b"another", CONTENT, FileStatus.INTACT, "found at copy.json", id="another-in-its-place"),
        pytest.param(UNREADABLE_ERROR, CONTENT, FileStatus.INTACT, "found at copy.json", id="unreadable-in-its-place"),
        pytest.param(CONTENT, b"another", FileStatus.INTACT, None, id="not-moved"),
        pytest.param(
            MISSING_ERROR, b"another", FileStatus.ALTERED, "found at copy.json; its hash is ", id="moved-and-altered"
        ),
        pytest.param(MISSING_ERROR, MISSING_ERROR, FileStatus.MISSING, "it is gone", id="nowhere"),
        pytest.param(MISSING_ERROR, UNREADABLE_ERROR, FileStatus.UNREADABLE, "forbidden", id="moved-and-unreadable"),
        pytest.param(UNREADABLE_ERROR, b"another", FileStatus.UNREADABLE, "forbidden", id="the-first-place-decides"),
    ],
)
def test_the_hash_decides_which_copy_is_the_report(
    original_content: bytes | Exception, copy_content: bytes | Exception, status: FileStatus, reason: str | None
) -> None:
    """A copy with the recorded hash is the report, wherever it is; without one the first file that is found counts."""
    audit = build_audit_record(STORED_REPORT)
    places = FakeReportReader(
        lambda it: return_or_raise(original_content if it.location == STORED_REPORT.location else copy_content),
        ("copy.json",),
    )
    (checks,) = verify_audits([audit], [audit], places)
    assert checks.report[0] is status
    assert (checks.report[1] or "").startswith(reason or "") == bool(reason or not checks.report[1])


def test_a_copy_of_a_report_that_another_was_written_over_is_found() -> None:
    """A file that is written every night holds the last report; copies may hold those before it."""
    earlier_audit, later_audit = (
        build_audit_record(StoredReport("report.json", hashlib.sha256(b"first").hexdigest()), 0),
        build_audit_record(STORED_REPORT, 1),
    )
    places = FakeReportReader(lambda it: b"first" if it.location == "copy.json" else CONTENT, ("copy.json",))
    checks = [it.report for it in verify_audits([earlier_audit, later_audit], [earlier_audit, later_audit], places)]
    assert checks == [(FileStatus.INTACT, "found at copy.json"), (FileStatus.INTACT, None)]


def test_each_place_is_read_once() -> None:
    """A place is read once, however many audits were written to it."""
    read_locations: list[str] = []

    def read_and_record(file: StoredFile) -> bytes:
        read_locations.append(file.location)
        return CONTENT

    audits = [build_audit_record(StoredReport("report.json", f"{night:064}"), night) for night in range(5)]
    list(verify_audits(audits, audits, FakeReportReader(read_and_record, ("copy.json",))))
    assert sorted(read_locations) == ["copy.json", "report.json"]


@pytest.mark.parametrize(
    "is_stored,content,check",
    [
        pytest.param(True, CONTENT, (FileStatus.INTACT, None), id="intact"),
        pytest.param(True, EvidenceMissingError("it is gone"), (FileStatus.MISSING, "it is gone"), id="gone"),
        pytest.param(False, EvidenceError("not asked"), (FileStatus.NOT_STORED, None), id="not-stored"),
    ],
)
def test_the_document_of_a_drill_is_compared_with_its_record(
    is_stored: bool, content: bytes | Exception, check: tuple[FileStatus, str | None]
) -> None:
    """A drill that has not ended has no document."""
    drill = build_drill(evidence=STORED_REPORT if is_stored else None)
    assert list(verify_drills([drill], FakeReportReader(lambda _: return_or_raise(content)))) == [(drill, check)]
