"""An audit stores its report first, then its record and its messages in one transaction, or nothing."""

from dataclasses import replace

import pytest

from backup_auditor.application.audit import AuditRecorder, RecordResult, evaluate_inventory
from backup_auditor.domain.audit_record import AuditRecord, StoredFile, StoredReport
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import ConflictingRecordError, EvidenceError, StateError
from support.builders.audit_sequence import AuditSequence
from support.builders.facts import DAY, NOW, build_complete_listing, build_index, build_inventory
from support.builders.reports import BUILT_IN_POLICY, build_report
from support.fakes.stores import PROJECT, FakeEvidence, FakeStore

NEGLECTED_INVENTORY = build_inventory(build_index(schedules=build_complete_listing(())))
EVENT_CHANNEL = Channel(ChannelKind.EVENTS, "")
SNS_CHANNEL = Channel(ChannelKind.SNS, "topic")


class FullEvidence(FakeEvidence):
    """An evidence store that fails."""

    def store_report(self, report: Report) -> StoredReport:
        """Fail."""
        raise EvidenceError(f"the bucket takes nothing of {report.project}")


class PagedEvidence(FakeEvidence):
    """An evidence store for pages, which can fail."""

    def __init__(self, error: Exception | None = None) -> None:
        """Fail with this."""
        super().__init__()
        self.error = error

    def store_page(self, report: Report, stored_report: StoredReport) -> StoredFile:
        """Fail, or say where the page is, once its report is there."""
        assert stored_report.location in self.files
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
            evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, self)
        super().record(project, change)


def test_the_record_says_where_the_report_is() -> None:
    """The recorded hash is the hash of the stored bytes."""
    store, evidence = FakeStore(), FakeEvidence()
    result = evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, store, evidence)
    (location,) = evidence.files
    report = result.report
    assert result.record is not None
    assert result.record.report is not None
    assert result.record == AuditRecord(
        report.audit_id, NOW, report.is_complete, report.compliance, result.record.report
    )
    assert result.record.report.location == location
    assert store.list_audits(PROJECT, NOW) == [result.record]


def test_without_a_place_for_evidence_the_audit_is_recorded_all_the_same() -> None:
    """An audit without an evidence store, as on a laptop, is recorded."""
    store = FakeStore()
    result = evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, store)
    assert result.record is not None
    assert result.record.report is None
    assert store.list_audits(PROJECT, NOW) == [result.record]


def test_an_audit_that_changes_nothing_leaves_nothing() -> None:
    """An audit that is repeated, or older than the last, changes nothing."""
    store, evidence = FakeStore(), FakeEvidence()
    evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, store, evidence)
    files_before = dict(evidence.files)
    for unchanged_inventory in (NEGLECTED_INVENTORY, replace(NEGLECTED_INVENTORY, observed_at=NOW - DAY)):
        result = evaluate_inventory(unchanged_inventory, BUILT_IN_POLICY, store, evidence)
        assert (result.record, result.messages) == (None, ())
    assert evidence.files == files_before
    assert len(store.list_audits(PROJECT, NOW - DAY)) == 1


def test_nothing_is_recorded_without_its_evidence() -> None:
    """If the evidence cannot be stored, no finding is resolved, and the result says that nothing was recorded."""
    store = FakeStore()
    result = evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, store, FullEvidence())
    assert isinstance(result.record_error, EvidenceError)
    assert (result.record, result.messages) == (None, ())
    assert result.report.findings
    assert store.states == {}


def test_the_record_and_every_message_say_where_the_page_is() -> None:
    """The page is stored after the report, and before any message refers to it."""
    sequence, evidence = AuditSequence(), PagedEvidence()
    outcome = sequence.audit(NEGLECTED_INVENTORY)
    report = build_report(NEGLECTED_INVENTORY, BUILT_IN_POLICY)
    recording = AuditRecorder(FakeStore(), evidence, (EVENT_CHANNEL, SNS_CHANNEL)).record(
        AuditSequence().state, outcome, report
    )
    assert recording.audit is not None
    assert recording.audit.report is not None
    assert recording.audit.report.page == StoredFile(f"{recording.audit.report.location}.html", report.audit_id)
    assert {it.content for it in recording.messages} == {recording.audit.report}
    assert recording.page_failure is None


@pytest.mark.parametrize(
    "error,page_error",
    [
        pytest.param(EvidenceError("the bucket takes no page"), "the bucket takes no page", id="refused"),
        pytest.param(
            ZeroDivisionError("a text that may hold anything"),
            "internal error (ZeroDivisionError); report it as a defect",
            id="a-fault-of-our-own",
        ),
    ],
)
def test_without_a_page_the_audit_is_recorded_all_the_same(error: Exception, page_error: str) -> None:
    """The report is the evidence. That there is no page is said, and nothing points to one."""
    store, evidence = FakeStore(), PagedEvidence(error)
    result = evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, store, evidence)
    (location,) = evidence.files
    assert result.record_error is None
    assert result.record is not None
    assert result.record.report is not None
    assert (result.record.report.location, result.record.report.page) == (location, None)
    assert store.list_audits(PROJECT, NOW) == [result.record]
    assert result.page_failure == f"{location} has no HTML page: {page_error}"


def test_a_report_that_was_evaluated_again_is_kept_beside_the_first() -> None:
    """If another audit was recorded meanwhile, new findings are ongoing, and the record has the report that says so."""
    evidence = FakeEvidence()
    result = evaluate_inventory(
        replace(NEGLECTED_INVENTORY, observed_at=NOW + DAY), BUILT_IN_POLICY, OvertakenStore(), evidence
    )
    assert [it.rpartition("/")[2] for it in evidence.files] == ["1", "2"]
    assert result.record is not None
    assert result.record.report is not None
    assert result.record.report.location.endswith("/2")
    assert result.record_error is None


@pytest.mark.parametrize("error", [StateError("the table is gone"), ConflictingRecordError("others are quicker")])
def test_an_unrecorded_audit_creates_no_message(error: Exception) -> None:
    """A message that is not recorded is not sent."""
    result = evaluate_inventory(NEGLECTED_INVENTORY, BUILT_IN_POLICY, RefusingStore(*[error] * 10), FakeEvidence())
    assert type(result.record_error) is type(error)
    assert (result.record, result.messages) == (None, ())


def test_messages_are_recorded_with_the_audit_that_causes_them() -> None:
    """Each channel gets one message, with the report and the time of the audit before."""
    store, evidence, sequence = FakeStore(), FakeEvidence(), AuditSequence()
    recorder = AuditRecorder(store, evidence, (EVENT_CHANNEL, SNS_CHANNEL))
    recorded_messages = []
    for _ in range(2):
        state_before = sequence.state
        outcome = sequence.audit(NEGLECTED_INVENTORY)
        report = replace(
            build_report(NEGLECTED_INVENTORY, BUILT_IN_POLICY),
            audit_id=outcome.audit_id,
            observed_at=NOW + (sequence.audit_count - 1) * DAY,
            findings=outcome.findings,
        )
        recording = recorder.record(state_before, outcome, report)
        assert recording.audit is not None
        assert {it.content for it in recording.messages} == {recording.audit.report}
        recorded_messages.append([(it.channel_id, it.previous_at) for it in recording.messages])
    assert recorded_messages[0] == [("events", None), ("sns:topic", None)]
    assert ("events", NOW) in recorded_messages[1]
    assert len(store.outbox.pending_by_id) == sum(map(len, recorded_messages))


def test_channels_are_notified_of_reports_that_were_kept() -> None:
    """Without an evidence store, no channel receives a message: there is no report to link."""
    sequence = AuditSequence()
    outcome = sequence.audit(NEGLECTED_INVENTORY)
    recording = AuditRecorder(FakeStore(), None, (EVENT_CHANNEL,)).record(
        AuditSequence().state, outcome, build_report(NEGLECTED_INVENTORY, BUILT_IN_POLICY)
    )
    assert isinstance(recording, RecordResult)
    assert recording.messages == ()
