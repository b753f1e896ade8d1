"""An audit on AWS is recorded, measured and published, and its errors are reported."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.application.project_audit import audit_project
from backup_auditor.domain.audit_failure import FailedAudit
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.events import AuditRequest
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from backup_auditor.errors import (
    BadKeyError,
    DeliveryError,
    EntryMismatchError,
    EvidenceError,
    ForbiddenError,
    FutureAuditError,
    IncompleteAuditError,
    PolicyError,
    ProjectMismatchError,
    RegistryError,
    SecretError,
    StateError,
    UnavailableError,
    describe_failure,
)
from support.builders.facts import DAY, HOUR, NOW, build_failed_listing, build_index, build_schedule
from support.builders.reports import build_bare_index
from support.fakes.project_audit import SEARCH_PROJECT, AuditHarness
from support.fakes.stores import FakeEvidence


class PagelessEvidence(FakeEvidence):
    """An evidence store that cannot store pages."""

    def store_page(self, report: Report, stored_report: StoredReport) -> StoredFile:
        """Fail."""
        raise EvidenceError(f"the bucket takes none of {report.project} beside {stored_report.location}")


FAILED_METRICS = {"AuditCompleted": 0}
REQUEST = AuditRequest("search", "nightly", "request-1")


def run_harness(harness: AuditHarness, request: AuditRequest = REQUEST) -> dict[str, Any]:
    """Audit one project with fake dependencies."""
    return dict(audit_project(request, harness.build_dependencies()))


def run_and_fail(harness: AuditHarness, error: type[Exception], request: AuditRequest = REQUEST) -> str:
    """Audit a project that cannot be audited, and return the error, which the caller logs."""
    with pytest.raises(error) as error_info:
        audit_project(request, harness.build_dependencies())
    assert harness.log.get_messages("error") == []
    return describe_failure(error_info.value)


def test_an_audit_is_recorded_measured_and_published() -> None:
    """A complete audit stores its report, emits metrics and publishes events."""
    harness = AuditHarness()
    summary = run_harness(harness)
    (audit,) = harness.store.audits_by_project["search"]
    assert audit.report is not None
    assert summary["project"] == "search"
    assert summary["audit_id"] == audit.audit_id
    assert summary["complete"] is True
    assert summary["report"] == {"location": audit.report.location, "sha256": audit.report.sha256, "page": None}
    assert harness.find_project_metrics()["AuditComplete"] == 1
    assert harness.find_project_metrics()["IndexesProtected"] == 1
    assert harness.find_project_metrics()["ApiThrottles"] == 3
    assert harness.find_project_metrics()["AuditDurationMs"] == 1500
    assert harness.notified_projects == ["search"]
    assert harness.log.keys == {"project": "search", "request_reason": "nightly", "audit_id": audit.audit_id}


def test_an_audit_without_a_page_says_so_and_is_no_failure() -> None:
    """A missing page is an error in the log; the report and the messages are not affected."""
    harness = AuditHarness(evidence=PagelessEvidence())
    summary = run_harness(harness)
    (audit,) = harness.store.audits_by_project["search"]
    assert audit.report is not None
    assert audit.report.page is None
    assert summary["report"] == {"location": audit.report.location, "sha256": audit.report.sha256, "page": None}
    location = audit.report.location
    assert harness.log.get_messages("error") == [
        f"{location} has no HTML page: the bucket takes none of search beside {location}"
    ]
    assert (harness.find_project_metrics()["AuditComplete"], harness.notified_projects) == (1, ["search"])


def test_open_findings_are_measured_by_severity_and_logged_the_worst_first() -> None:
    """The log has a line for each open finding, with its project."""
    harness = AuditHarness(build_bare_index("main"))
    summary = run_harness(harness)
    by_severity = {dimensions["severity"]: values for _, values, dimensions in harness.metrics if dimensions}
    assert by_severity["critical"] == {"FindingsOpen": 1}
    assert by_severity["low"] == {"FindingsOpen": 0}
    severities = [facts["severity"] for _, text, facts in harness.log.lines if text == "open finding"]
    assert severities == ["critical", "high", "high"]
    assert summary["changes"] == {"opened": 3, "reopened": 0, "resolved": 0}


def test_the_only_project_need_not_be_named() -> None:
    """A payload without a project is for the one that there is."""
    harness = AuditHarness()
    assert run_harness(harness, AuditRequest(None))["project"] == "search"


def test_the_last_attempt_at_an_incomplete_audit_is_recorded() -> None:
    """It is recorded and measured, and it is no failure: it has a report."""
    harness = AuditHarness(build_index(schedules=build_failed_listing()))
    assert run_harness(harness)["complete"] is False
    assert harness.find_project_metrics()["AuditComplete"] == 0
    assert harness.find_project_metrics()["AuditCompleted"] == 1
    assert harness.log.get_messages("warning") == ["read error"]
    assert harness.notified_projects == ["search"]


RETRIED_REQUEST = AuditRequest("search", "nightly", "request-1", is_final=False)
INCOMPLETE_CASE = build_index(schedules=build_failed_listing())


def test_an_incomplete_audit_is_tried_again_before_it_is_recorded() -> None:
    """An incomplete audit that a queue repeats is neither recorded nor measured, and its error has a read error."""
    harness = AuditHarness(INCOMPLETE_CASE)
    message = run_and_fail(harness, IncompleteAuditError, RETRIED_REQUEST)
    assert message.startswith("search: the audit has 1 read error and is tried again; the first is: ")
    assert (harness.store.audits_by_project, harness.evidence.files, harness.metrics) == ({}, {}, [])
    harness.case = build_index()
    assert run_harness(harness, RETRIED_REQUEST)["complete"] is True


def test_a_request_whose_audit_is_recorded_is_not_audited_again() -> None:
    """A repeat after a killed attempt gets the same summary, publishes the events, and reads nothing."""
    harness = AuditHarness()
    first_summary = run_harness(harness)
    (audit,) = harness.store.audits_by_project["search"]
    harness.recorded_report, harness.metrics, harness.now = audit.report, [], harness.now + DAY
    harness.failures["indexes"] = UnavailableError("503: no")
    assert run_harness(harness, RETRIED_REQUEST) == first_summary
    assert harness.metrics == [("search", {"AuditCompleted": 1, "AuditComplete": 1}, {})]
    assert len(harness.store.audits_by_project["search"]) == 1
    assert harness.notified_projects == ["search", "search"]


def test_an_incomplete_audit_after_an_incomplete_one_is_recorded_at_once() -> None:
    """A read error that was there the night before is probably no outage."""
    harness = AuditHarness(INCOMPLETE_CASE)
    run_harness(harness)
    harness.now += DAY
    assert run_harness(harness, RETRIED_REQUEST)["complete"] is False
    assert len(harness.store.audits_by_project["search"]) == 2


def test_a_failed_audit_that_is_tried_again_is_not_measured() -> None:
    """Only the last attempt counts as an audit that was not completed, and is recorded as a failure."""
    harness = AuditHarness(failures={"indexes": ForbiddenError("403: this key may not list indexes")})
    run_and_fail(harness, ForbiddenError, RETRIED_REQUEST)
    assert (harness.metrics, harness.failed_audits) == ([], {})


def test_an_audit_older_than_the_last_is_not_published() -> None:
    """An older audit changes nothing, stores no report, says so in the log, and publishes nothing."""
    harness = AuditHarness()
    run_harness(harness)
    harness.now -= CLOCK_TOLERANCE
    summary = run_harness(harness)
    assert summary["report"] is None
    assert harness.notified_projects == ["search"]
    assert any("changes nothing" in it for it in harness.log.get_messages("info"))


def test_a_recorded_audit_of_the_future_fails_every_audit_before_it() -> None:
    """An audit that is not recorded because the last one is in the future fails with the remedy."""
    harness = AuditHarness()
    run_harness(harness)
    state_before = harness.store.load("search")
    harness.metrics, harness.now = [], harness.now - DAY
    message = run_and_fail(harness, FutureAuditError)
    assert message.startswith("the last recorded audit of search, of 2026-11-22T12:00:00Z, is in the future")
    assert message.endswith("backup-auditor state discard --project search --table TABLE")
    assert harness.metrics == [("search", FAILED_METRICS, {})]
    assert (harness.store.load("search"), harness.notified_projects) == (state_before, ["search"])


def test_entries_that_share_a_secret_are_no_success() -> None:
    """Entries with one secret get a warning, and their audits count as incomplete."""
    other_project = RegisteredProject(
        "billing", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys/search-AbCdEf"
    )
    harness = AuditHarness(registry=Registry((SEARCH_PROJECT, other_project)))
    run_harness(harness)
    (content,) = harness.evidence.files.values()
    warning = (
        'Registry entries "search" and "billing" open the same Pinecone project (their key is in the secret'
        " keys/search), so another project is not audited; give each entry a key of its own project."
    )
    assert json.loads(content)["warnings"] == [warning]
    assert harness.find_project_metrics()["AuditComplete"] == 0
    assert harness.notified_projects == ["search"]
    assert harness.log.get_messages("error") == [warning]


OTHER_PROJECT_INDEX = build_index(schedules=[build_schedule(project_id="project-2")])
OTHER_PROJECT_MESSAGE = (
    "the state of search belongs to Pinecone project project-1, but Pinecone project project-2 was read; nothing"
    " was compared or recorded; store a key of project-1 in secret keys/search, or register project-2 under another"
    " name; if the state was recorded with a wrong key, discard it:"
    " backup-auditor state discard --all --project search --table TABLE"
)


def test_a_key_of_another_pinecone_project_fails_the_audit_and_records_nothing() -> None:
    """The audit fails with both ids and the remedy, and records no finding."""
    harness = AuditHarness()
    run_harness(harness)
    state_before, files_before = harness.store.load("search"), dict(harness.evidence.files)
    harness.case, harness.metrics, harness.now = OTHER_PROJECT_INDEX, [], harness.now + DAY
    assert run_and_fail(harness, ProjectMismatchError) == OTHER_PROJECT_MESSAGE
    assert harness.metrics == [("search", FAILED_METRICS, {})]
    assert harness.store.load("search") == state_before
    assert harness.evidence.files == files_before
    assert harness.notified_projects == ["search"]


def test_a_key_of_another_project_than_the_entry_names_fails_the_audit() -> None:
    """The audit fails with both ids and the secret, also before anything is recorded of the project."""
    harness = AuditHarness()
    harness.registry = Registry((replace(harness.registry.projects[0], project_id="project-1"),))
    harness.case = OTHER_PROJECT_INDEX
    assert run_and_fail(harness, EntryMismatchError) == (
        "the registry entry of search names Pinecone project project-1, but project-2 was read; nothing was compared or"
        " recorded; store a key of project-1 in secret keys/search, or correct project_id of the entry"
    )
    assert harness.metrics == [("search", FAILED_METRICS, {})]
    assert harness.evidence.files == {}
    harness.case, harness.metrics = build_index(), []
    assert run_harness(harness)["complete"] is True


def test_a_key_of_another_pinecone_project_that_was_replaced_since_is_read_again() -> None:
    """The audit succeeds with the current key if only the cached key was wrong."""
    harness = AuditHarness()
    run_harness(harness)
    harness.cases_by_key = {"key-0": OTHER_PROJECT_INDEX}
    harness.keys, harness.now = ["key-0", "key-1"], harness.now + DAY
    harness.accepted_key = None
    assert run_harness(harness)["complete"] is True


@pytest.mark.parametrize(
    "part, error",
    [
        pytest.param("policy", PolicyError("ssm:/policy:3: min_copies is -1"), id="policy"),
        pytest.param("key", SecretError("the secret keys/search is empty; put the key there"), id="secret"),
        pytest.param("indexes", ForbiddenError("403: this key may not list indexes"), id="forbidden"),
    ],
)
def test_a_failed_audit_is_measured_and_raised(part: str, error: Exception) -> None:
    """A failed audit counts as not completed, and not as incomplete, and its time and reason are recorded."""
    harness = AuditHarness(failures={part: error})
    assert run_and_fail(harness, type(error)) == str(error)
    assert harness.metrics == [("search", FAILED_METRICS, {})]
    assert harness.failed_audits == {"search": FailedAudit(NOW, str(error), "request-1")}
    assert harness.store.audits_by_project == {}


def test_a_service_that_is_down_makes_an_incomplete_audit() -> None:
    """An audit with read errors has a report, and emits no metrics of what was not read."""
    harness = AuditHarness(failures={"indexes": UnavailableError("503: no")})
    assert run_harness(harness)["complete"] is False
    assert harness.find_project_metrics()["AuditComplete"] == 0
    assert harness.find_project_metrics()["IndexesTotal"] is None


def test_a_mistake_in_its_entry_keeps_that_project_alone() -> None:
    """An invalid entry is measured under its name, and the error has its line."""
    harness = AuditHarness(
        registry=Registry((), (EntryError("search", 4, "the project has no secret"),), "ssm:/registry")
    )
    assert run_and_fail(harness, RegistryError) == "ssm:/registry:4: the project has no secret"
    assert harness.find_project_metrics() == FAILED_METRICS
    assert harness.failed_audits == {
        "search": FailedAudit(NOW, "ssm:/registry:4: the project has no secret", "request-1")
    }


def test_a_direct_invocation_that_fails_is_not_recorded() -> None:
    """Who invokes the function gets the error, and the owner of the project is not alerted."""
    harness = AuditHarness(failures={"key": SecretError("the secret keys/search is empty")})
    run_and_fail(harness, SecretError, AuditRequest("search"))
    assert harness.metrics == [("search", FAILED_METRICS, {})]
    assert harness.failed_audits == {}


def test_the_time_of_a_failed_audit_is_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit that began while the failed one was in progress is later than it."""
    harness = AuditHarness()

    def fail_later(*_given: object) -> None:
        harness.now += HOUR
        raise StateError("the table is gone")

    monkeypatch.setattr(harness.store, "record", fail_later)
    run_and_fail(harness, StateError)
    assert harness.now == NOW + HOUR
    assert harness.failed_audits["search"].failed_at == NOW


def test_a_failure_that_cannot_be_recorded_hides_no_error() -> None:
    """A table that cannot be reached is a warning, and the error of the audit is raised."""
    failures: dict[str, Exception] = {
        "key": SecretError("the secret keys/search is empty"),
        "failure": StateError("the table is gone"),
    }
    harness = AuditHarness(failures=failures)
    assert run_and_fail(harness, SecretError) == "the secret keys/search is empty"
    assert harness.log.get_messages("warning") == [
        "failure not recorded; the function watch reports the project when it is overdue"
    ]


def test_a_project_that_is_not_registered_is_no_metric() -> None:
    """An unknown project name becomes neither a metric dimension nor a recorded failure."""
    harness = AuditHarness()
    assert "does not contain the project 'other'" in run_and_fail(harness, RegistryError, AuditRequest("other"))
    assert (harness.metrics, harness.failed_audits) == ([], {})


def test_one_of_several_has_to_be_named() -> None:
    """A request without a name that fits several projects emits no metric."""
    harness = AuditHarness(registry=Registry((SEARCH_PROJECT, RegisteredProject("other"))))
    assert "name one of them" in run_and_fail(harness, RegistryError, AuditRequest(None))
    assert harness.metrics == []


def test_a_registry_that_cannot_be_read_is_raised() -> None:
    """If the registry cannot be read, no metric is emitted."""
    harness = AuditHarness(failures={"registry": RegistryError("ssm:/registry is not YAML")})
    assert run_and_fail(harness, RegistryError) == "ssm:/registry is not YAML"
    assert harness.metrics == []


def test_a_fault_of_ours_says_nothing_that_it_may_hold() -> None:
    """The text of another error is not logged, because it can hold secrets."""
    harness = AuditHarness(failures={"policy": ValueError("pcsk_" + "x" * 20)})
    message = run_and_fail(harness, ValueError)
    assert re.fullmatch(
        r"internal error of backup-auditor \(ValueError in [\w.]+:\d+\); report it as a defect", message
    )
    assert harness.find_project_metrics() == FAILED_METRICS


def test_a_key_that_was_rotated_is_fetched_again() -> None:
    """A rotated key is fetched again without a deployment."""
    harness = AuditHarness(keys=["key-0", "key-1"])
    assert run_harness(harness)["complete"] is True
    assert "retrying with the current key of its secret" in harness.log.get_messages("info")[0]
    assert harness.find_project_metrics()["AuditComplete"] == 1


@pytest.mark.parametrize(
    "keys", [pytest.param(["key-0"], id="still-the-same"), pytest.param(["key-0", "key-2"], id="another-bad-one")]
)
def test_a_key_that_stays_bad_is_named_by_its_secret(keys: list[str]) -> None:
    """The error says which secret to put a key into, and no key."""
    message = run_and_fail(AuditHarness(keys=keys), BadKeyError)
    assert message == "401: Invalid API key; store a key of the project in secret keys/search"


def test_an_audit_that_could_not_be_recorded_is_made_again() -> None:
    """An audit that could not be recorded emits no metrics and publishes no events."""
    harness = AuditHarness()
    harness.store.record = _make_raiser(StateError("the table is gone"))  # type: ignore[method-assign]
    assert run_and_fail(harness, StateError) == "the table is gone"
    assert harness.metrics == [("search", FAILED_METRICS, {})]
    assert harness.notified_projects == []


def test_an_audit_succeeds_without_events() -> None:
    """A failure after the recording is only logged."""
    harness = AuditHarness(failures={"publish": DeliveryError("it did not answer")})
    assert run_harness(harness)["complete"] is True
    assert harness.failed_audits == {}
    assert harness.log.get_messages("warning") == ["events not published; the function notify retries them within 15m"]


def _make_raiser(error: Exception) -> Any:
    def raise_error(*_given: object) -> None:
        raise error

    return raise_error
