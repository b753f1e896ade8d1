"""Whether a report is what was written then: read again, and compared by its hash."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from backup_auditor.application.evidence import FileStatus, verify_audits
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.errors import EvidenceError, EvidenceMissingError
from support.builders.facts import DAY, NOW

CONTENT = b"{}\n"
KEPT = StoredReport("report.json", hashlib.sha256(CONTENT).hexdigest())


def record(report: StoredReport | None, night: int = 0) -> AuditRecord:
    """Build the record of an audit."""
    return AuditRecord(
        f"audit-{night}", NOW + night * DAY, is_complete=True, compliance=Compliance.COMPLIANT, report=report
    )


@dataclass(frozen=True)
class Places:
    """A place for each file, and copies of it elsewhere."""

    read: Callable[[StoredFile], bytes]
    copies: tuple[str, ...] = ()

    def locate(self, file: StoredFile) -> Iterator[StoredFile]:
        """Return where it was written, then the copies."""
        yield file
        for it in self.copies:
            yield StoredFile(it, file.sha256)


def reading(answer: bytes | Exception) -> bytes:
    """Answer as a place does."""
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.mark.parametrize(
    "report,answer,standing,why",
    [
        pytest.param(KEPT, CONTENT, FileStatus.INTACT, None, id="intact"),
        pytest.param(
            KEPT,
            b"{}",
            FileStatus.ALTERED,
            "its hash is 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a,"
            " and was ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356 when it was written",
            id="altered",
        ),
        pytest.param(KEPT, EvidenceMissingError("it is gone"), FileStatus.MISSING, "it is gone", id="gone"),
        pytest.param(KEPT, EvidenceError("forbidden"), FileStatus.UNREADABLE, "forbidden", id="unreadable"),
        pytest.param(None, EvidenceError("not asked"), FileStatus.NOT_STORED, None, id="not-kept"),
    ],
)
def test_a_report_is_compared_with_its_record(
    report: StoredReport | None, answer: bytes | Exception, standing: FileStatus, why: str | None
) -> None:
    """What cannot be read is neither intact nor altered."""
    audit = record(report)
    (found,) = verify_audits([audit], [audit], Places(lambda _: reading(answer)))
    assert (found.audit, found.report, found.page) == (audit, (standing, why), None)


def test_a_file_that_a_later_audit_was_written_to_holds_the_earlier_no_more() -> None:
    """It is gone, and not altered; who asks for the earlier night alone hears the same."""
    earlier, later = record(StoredReport("report.json", "00"), 0), record(KEPT, 1)
    found = list(verify_audits([earlier, later], [earlier, later], Places(lambda _: CONTENT)))
    gone = FileStatus.MISSING, "the report of audit audit-1 was written over it"
    assert [it.report for it in found] == [gone, (FileStatus.INTACT, None)]
    assert [it.report for it in verify_audits([earlier], [earlier, later], Places(lambda _: CONTENT))] == [gone]


def test_the_same_report_written_twice_is_there_for_both() -> None:
    """It has the hash of either."""
    both = [record(KEPT, 0), record(KEPT, 1)]
    assert [it.report for it in verify_audits(both, both, Places(lambda _: CONTENT))] == [(FileStatus.INTACT, None)] * 2


@pytest.mark.parametrize(
    "answer,standing",
    [
        pytest.param(b"<!doctype html>", FileStatus.INTACT, id="intact"),
        pytest.param(b"<script>", FileStatus.ALTERED, id="altered"),
        pytest.param(EvidenceMissingError("it is gone"), FileStatus.MISSING, id="gone"),
        pytest.param(EvidenceError("forbidden"), FileStatus.UNREADABLE, id="unreadable"),
    ],
)
def test_a_page_is_compared_by_itself(answer: bytes | Exception, standing: FileStatus) -> None:
    """The report stands, whatever became of the page."""
    page = StoredFile("report.html", hashlib.sha256(b"<!doctype html>").hexdigest())
    audit = record(replace(KEPT, page=page))
    (found,) = verify_audits([audit], [audit], Places(lambda it: reading(answer) if it is page else CONTENT))
    assert found.report == (FileStatus.INTACT, None)
    assert found.page is not None
    assert found.page[0] is standing


GONE, UNREADABLE = EvidenceMissingError("it is gone"), EvidenceError("forbidden")


@pytest.mark.parametrize(
    "there,copy,standing,why",
    [
        pytest.param(GONE, CONTENT, FileStatus.INTACT, "found at copy.json", id="moved"),
        pytest.param(b"another", CONTENT, FileStatus.INTACT, "found at copy.json", id="another-in-its-place"),
        pytest.param(UNREADABLE, CONTENT, FileStatus.INTACT, "found at copy.json", id="unreadable-in-its-place"),
        pytest.param(CONTENT, b"another", FileStatus.INTACT, None, id="not-moved"),
        pytest.param(GONE, b"another", FileStatus.ALTERED, "found at copy.json; its hash is ", id="moved-and-altered"),
        pytest.param(GONE, GONE, FileStatus.MISSING, "it is gone", id="nowhere"),
        pytest.param(GONE, UNREADABLE, FileStatus.UNREADABLE, "forbidden", id="moved-and-unreadable"),
        pytest.param(UNREADABLE, b"another", FileStatus.UNREADABLE, "forbidden", id="the-first-place-decides"),
    ],
)
def test_the_hash_decides_which_copy_is_the_report(
    there: bytes | Exception, copy: bytes | Exception, standing: FileStatus, why: str | None
) -> None:
    """A copy with the recorded hash is the report, wherever it is; without one the first file that is found counts."""
    audit = record(KEPT)
    places = Places(lambda it: reading(there if it.location == KEPT.location else copy), ("copy.json",))
    (found,) = verify_audits([audit], [audit], places)
    assert found.report[0] is standing
    assert (found.report[1] or "").startswith(why or "") == bool(why or not found.report[1])


def test_a_copy_of_a_report_that_another_was_written_over_is_found() -> None:
    """A file that is written every night holds the last report; copies may hold those before it."""
    earlier, later = record(StoredReport("report.json", hashlib.sha256(b"first").hexdigest()), 0), record(KEPT, 1)
    places = Places(lambda it: b"first" if it.location == "copy.json" else CONTENT, ("copy.json",))
    found = [it.report for it in verify_audits([earlier, later], [earlier, later], places)]
    assert found == [(FileStatus.INTACT, "found at copy.json"), (FileStatus.INTACT, None)]


def test_each_place_is_read_once() -> None:
    """Whatever number of audits was written to it."""
    read: list[str] = []

    def noting(place: StoredFile) -> bytes:
        read.append(place.location)
        return CONTENT

    audits = [record(StoredReport("report.json", f"{night:064}"), night) for night in range(5)]
    list(verify_audits(audits, audits, Places(noting, ("copy.json",))))
    assert sorted(read) == ["copy.json", "report.json"]
