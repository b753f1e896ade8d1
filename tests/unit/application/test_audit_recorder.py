"""What an audit leaves behind: its report first, then its record and its messages together; or nothing at all."""

from dataclasses import replace

import pytest

from backup_auditor.application.audit import AuditRecorder, RecordResult, evaluate_inventory
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import ConflictingRecordError, EvidenceError, StateError
from support.builders.audit_sequence import Nights
from support.builders.facts import DAY, NOW, index, inventory, whole
from support.builders.reports import BUILT_IN, report
from support.fakes.stores import PROJECT, FakeEvidence, FakeStore

NEGLECTED = inventory(index(schedules=whole(())))
EVENTS = Channel(ChannelKind.EVENTS, "")
TOPIC = Channel(ChannelKind.SNS, "topic")


class FullEvidence(FakeEvidence):
    """A place where nothing can be kept."""

    def store_report(self, report: Report) -> StoredReport:
        """Fail."""
        raise EvidenceError(f"the bucket takes nothing of {report.project}")


class PagedEvidence(FakeEvidence):
    """A place where pages are kept too, or an error says why not."""

    def __init__(self, error: Exception | None = None) -> None:
        """Fail with this."""
        super().__init__()
        self.error = error

    def store_page(self, report: Report, stored_report: StoredReport) -> StoredFile:
        """Fail, or say where the page is, once its report is there."""
        assert stored_report.location in self.kept
        if self.error:
            raise self.error
        return StoredFile(f"{stored_report.location}.html", report.audit_id)


class RefusingStore(FakeStore):
    """A store that takes nothing for so many times."""

    def __init__(self, *errors: Exception) -> None:
        """Fail with these first."""
        super().__init__()
        self.errors = list(errors)

    def record(self, project: str, change: StateChange) -> None:
        """Fail, or record."""
        if self.errors:
            raise self.errors.pop(0)
        super().record(project, change)


class OvertakenStore(FakeStore):
    """A store in which another audit is quicker, once."""

    is_overtaken = False

    def record(self, project: str, change: StateChange) -> None:
        """Let the other be recorded first."""
        if not self.is_overtaken:
            self.is_overtaken = True
            evaluate_inventory(NEGLECTED, BUILT_IN, self)
        super().record(project, change)


def test_the_record_says_where_the_report_is() -> None:
    """Its hash is that of the bytes which were kept."""
    store, evidence = FakeStore(), FakeEvidence()
    done = evaluate_inventory(NEGLECTED, BUILT_IN, store, evidence)
    (location,) = evidence.kept
    said = done.report
    assert done.record is not None
    assert done.record.report is not None
    assert done.record == AuditRecord(said.audit_id, NOW, said.is_complete, said.compliance, done.record.report)
    assert done.record.report.location == location
    assert store.list_audits(PROJECT, NOW) == [done.record]


def test_without_a_place_for_evidence_the_audit_is_recorded_all_the_same() -> None:
    """As on a laptop that prints a table."""
    store = FakeStore()
    done = evaluate_inventory(NEGLECTED, BUILT_IN, store)
    assert done.record is not None
    assert done.record.report is None
    assert store.list_audits(PROJECT, NOW) == [done.record]


def test_an_audit_that_changes_nothing_leaves_nothing() -> None:
    """Neither the same once more, nor one that is older than the last."""
    store, evidence = FakeStore(), FakeEvidence()
    evaluate_inventory(NEGLECTED, BUILT_IN, store, evidence)
    kept = dict(evidence.kept)
    for again in (NEGLECTED, replace(NEGLECTED, observed_at=NOW - DAY)):
        done = evaluate_inventory(again, BUILT_IN, store, evidence)
        assert (done.record, done.messages) == (None, ())
    assert evidence.kept == kept
    assert len(store.list_audits(PROJECT, NOW - DAY)) == 1


def test_nothing_is_recorded_without_its_evidence() -> None:
    """No finding is resolved that nobody could show; the report stands, and says that it is not recorded."""
    store = FakeStore()
    done = evaluate_inventory(NEGLECTED, BUILT_IN, store, FullEvidence())
    assert isinstance(done.record_error, EvidenceError)
    assert (done.record, done.messages) == (None, ())
    assert done.report.findings
    assert store.memories == {}


def test_the_record_and_every_message_say_where_the_page_is() -> None:
    """It was written after the report, and before anybody is told where it is."""
    nights, evidence = Nights(), PagedEvidence()
    outcome = nights.audited(NEGLECTED)
    said = report(NEGLECTED, BUILT_IN)
    recorded = AuditRecorder(FakeStore(), evidence, (EVENTS, TOPIC)).record(Nights().memory, outcome, said)
    assert recorded.audit is not None
    assert recorded.audit.report is not None
    assert recorded.audit.report.page == StoredFile(f"{recorded.audit.report.location}.html", said.audit_id)
    assert {it.report for it in recorded.messages} == {recorded.audit.report}
    assert recorded.page_failure is None


@pytest.mark.parametrize(
    "error,why",
    [
        pytest.param(EvidenceError("the bucket takes no page"), "the bucket takes no page", id="refused"),
        pytest.param(
            ZeroDivisionError("a text that may hold anything"),
            "it cannot be drawn (ZeroDivisionError); please report that as a defect",
            id="a-fault-of-our-own",
        ),
    ],
)
def test_without_a_page_the_audit_is_recorded_all_the_same(error: Exception, why: str) -> None:
    """The report is the evidence. That there is no page is said, and nothing points to one."""
    store, evidence = FakeStore(), PagedEvidence(error)
    done = evaluate_inventory(NEGLECTED, BUILT_IN, store, evidence)
    (location,) = evidence.kept
    assert done.record_error is None
    assert done.record is not None
    assert done.record.report is not None
    assert (done.record.report.location, done.record.report.page) == (location, None)
    assert store.list_audits(PROJECT, NOW) == [done.record]
    assert done.page_failure == f"{location} has no page beside it: {why}"


def test_a_report_that_was_judged_anew_is_kept_beside_the_first() -> None:
    """Another audit was quicker: what was new is ongoing, and the record points to the report that says so."""
    evidence = FakeEvidence()
    done = evaluate_inventory(replace(NEGLECTED, observed_at=NOW + DAY), BUILT_IN, OvertakenStore(), evidence)
    assert [it.rpartition("/")[2] for it in evidence.kept] == ["1", "2"]
    assert done.record is not None
    assert done.record.report is not None
    assert done.record.report.location.endswith("/2")
    assert done.record_error is None


@pytest.mark.parametrize("error", [StateError("the table is gone"), ConflictingRecordError("others are quicker")])
def test_what_could_not_be_recorded_tells_nobody(error: Exception) -> None:
    """A message that is not recorded is not sent."""
    done = evaluate_inventory(NEGLECTED, BUILT_IN, RefusingStore(*[error] * 10), FakeEvidence())
    assert type(done.record_error) is type(error)
    assert (done.record, done.messages) == (None, ())


def test_messages_are_recorded_with_the_audit_that_causes_them() -> None:
    """One for each channel that has to be told, pointing to the report, and knowing when the audit before was."""
    store, evidence, nights = FakeStore(), FakeEvidence(), Nights()
    keeping = AuditRecorder(store, evidence, (EVENTS, TOPIC))
    told = []
    for _ in range(2):
        before = nights.memory
        outcome = nights.audited(NEGLECTED)
        said = replace(
            report(NEGLECTED, BUILT_IN),
            audit_id=outcome.audit_id,
            observed_at=NOW + (nights.count - 1) * DAY,
            findings=outcome.findings,
        )
        recorded = keeping.record(before, outcome, said)
        assert recorded.audit is not None
        assert {it.report for it in recorded.messages} == {recorded.audit.report}
        told.append([(it.channel_id, it.previous_at) for it in recorded.messages])
    assert told[0] == [("events", None), ("sns:topic", None)]
    assert ("events", NOW) in told[1]
    assert len(store.outbox.waiting) == sum(map(len, told))


def test_channels_are_told_of_reports_that_were_kept() -> None:
    """Where there is no place for evidence there is nothing to point to."""
    nights = Nights()
    outcome = nights.audited(NEGLECTED)
    recorded = AuditRecorder(FakeStore(), None, (EVENTS,)).record(Nights().memory, outcome, report(NEGLECTED, BUILT_IN))
    assert isinstance(recorded, RecordResult)
    assert recorded.messages == ()
