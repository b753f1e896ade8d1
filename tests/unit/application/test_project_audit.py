"""One audit on AWS: what is recorded, measured and told of it, and what becomes of it when something is wrong."""

import json
from typing import Any

import pytest

from backup_auditor.application.project_audit import audit_project
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.events import AuditRequest
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from backup_auditor.errors import (
    BadKeyError,
    DeliveryError,
    EvidenceError,
    ForbiddenError,
    FutureAuditError,
    PolicyError,
    ProjectMismatchError,
    RegistryError,
    SecretError,
    StateError,
    UnavailableError,
)
from support.builders.facts import DAY, broken, index, schedule
from support.builders.reports import bare
from support.fakes.project_audit import SEARCH, Night
from support.fakes.stores import FakeEvidence


class Pageless(FakeEvidence):
    """A place where no page can be kept."""

    def store_page(self, report: Report, stored_report: StoredReport) -> StoredFile:
        """Fail."""
        raise EvidenceError(f"the bucket takes none of {report.project} beside {stored_report.location}")


FAILED = {"AuditCompleted": 0}
REQUEST = AuditRequest("search", "nightly", "request-1")


def audited(night: Night, request: AuditRequest = REQUEST) -> dict[str, Any]:
    """Audit one project of a world."""
    return dict(audit_project(request, night.world()))


def refused(night: Night, error: type[Exception], request: AuditRequest = REQUEST) -> str:
    """Audit a project that cannot be, and return what is said of that."""
    with pytest.raises(error):
        audit_project(request, night.world())
    (told,) = night.log.of("error")
    return told


def test_an_audit_is_recorded_measured_and_told_of() -> None:
    """Its report is kept, its figures are emitted, its events are sent, and whoever waits for it is called."""
    night = Night()
    summary = audited(night)
    (kept,) = night.store.recorded["search"]
    assert kept.report is not None
    assert summary["project"] == "search"
    assert summary["audit_id"] == kept.audit_id
    assert summary["complete"] is True
    assert summary["report"] == {"location": kept.report.location, "sha256": kept.report.sha256, "page": None}
    assert night.measured()["AuditComplete"] == 1
    assert night.measured()["IndexesProtected"] == 1
    assert night.measured()["ApiThrottles"] == 3
    assert night.measured()["AuditDurationMs"] == 1500
    assert (night.told, night.pings) == (["search"], 1)
    assert night.log.keys == {"project": "search", "request_reason": "nightly", "audit_id": kept.audit_id}


def test_an_audit_without_a_page_says_so_and_is_no_failure() -> None:
    """In one line that somebody looks at: the report stands, and all are told of it."""
    night = Night(evidence=Pageless())
    summary = audited(night)
    (kept,) = night.store.recorded["search"]
    assert kept.report is not None
    assert kept.report.page is None
    assert summary["report"] == {"location": kept.report.location, "sha256": kept.report.sha256, "page": None}
    place = kept.report.location
    assert night.log.of("error") == [f"{place} has no page beside it: the bucket takes none of search beside {place}"]
    assert (night.measured()["AuditComplete"], night.told, night.pings) == (1, ["search"], 1)


def test_open_findings_are_measured_by_severity_and_logged_the_worst_first() -> None:
    """Somebody who looks at the log sees what is open, and of each project alone."""
    night = Night(bare("main"))
    summary = audited(night)
    by_severity = {more["severity"]: values for _, values, more in night.metrics if more}
    assert by_severity["critical"] == {"FindingsOpen": 1}
    assert by_severity["low"] == {"FindingsOpen": 0}
    found = [facts["severity"] for _, text, facts in night.log.lines if text == "open finding"]
    assert found == ["critical", "high", "high"]
    assert summary["changes"] == {"opened": 3, "reopened": 0, "resolved": 0}


def test_the_only_project_need_not_be_named() -> None:
    """A payload without a project is for the one that there is."""
    night = Night()
    assert audited(night, AuditRequest(None))["project"] == "search"


def test_an_incomplete_audit_is_measured_and_not_made_again() -> None:
    """Its metric raises an alarm; another attempt would not be another night. Nobody who waits for it is called."""
    night = Night(index(schedules=broken()))
    assert audited(night)["complete"] is False
    assert night.measured()["AuditComplete"] == 0
    assert night.measured()["AuditCompleted"] == 1
    assert night.log.of("warning") == ["could not be read"]
    assert (night.told, night.pings) == (["search"], 0)


def test_an_audit_older_than_the_last_is_told_to_nobody() -> None:
    """It changes nothing, keeps no report, and says so."""
    night = Night()
    audited(night)
    night.now -= CLOCK_TOLERANCE
    summary = audited(night)
    assert summary["report"] is None
    assert (night.told, night.pings) == (["search"], 1)
    assert any("changes nothing" in it for it in night.log.of("info"))


def test_a_recorded_audit_of_the_future_fails_every_audit_before_it() -> None:
    """Nothing is recorded until then, so somebody has to know, and how to end it."""
    night = Night()
    audited(night)
    before = night.store.load("search")
    night.metrics, night.now = [], night.now - DAY
    told = refused(night, FutureAuditError)
    assert told.startswith("the last recorded audit of search, of 2026-11-22T12:00:00Z, lies in the future")
    assert told.endswith("backup-auditor state discard --project search --table TABLE")
    assert night.metrics == [("search", FAILED, {})]
    assert (night.store.load("search"), night.told, night.pings) == (before, ["search"], 1)


def test_entries_that_share_a_secret_are_no_success() -> None:
    """The report of each warns of it, its audit counts as incomplete, and nobody who waits for it is called."""
    other = RegisteredProject("billing", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys/search-AbCdEf")
    night = Night(registered=Registry((SEARCH, other)))
    audited(night)
    (kept,) = night.evidence.kept.values()
    warning = (
        'Registry entries "search" and "billing" lead to one Pinecone project (their key is in the secret keys/search),'
        " so the project that one of them is meant for is not audited; give each entry a key of its own project."
    )
    assert json.loads(kept)["warnings"] == [warning]
    assert night.measured()["AuditComplete"] == 0
    assert (night.told, night.pings) == (["search"], 0)
    assert night.log.of("error") == [warning]


OTHER = index(schedules=[schedule(project_id="project-2")])
OTHER_PROJECT = (
    "the state of search belongs to Pinecone project project-1, but Pinecone project project-2 was read; nothing"
    " was compared or recorded; put a key of project-1 into the secret keys/search, or register project-2 under another"
    " name; if the state was recorded with a wrong key, discard it:"
    " backup-auditor state discard --all --project search --table TABLE"
)


def test_a_key_of_another_pinecone_project_fails_the_audit_and_records_nothing() -> None:
    """Nobody is told of false findings: the audit fails with both ids and what to do, as every failure does."""
    night = Night()
    audited(night)
    before, kept = night.store.load("search"), dict(night.evidence.kept)
    night.case, night.metrics, night.now = OTHER, [], night.now + DAY
    assert refused(night, ProjectMismatchError) == OTHER_PROJECT
    assert night.metrics == [("search", FAILED, {})]
    assert night.store.load("search") is before
    assert night.evidence.kept == kept
    assert (night.told, night.pings) == (["search"], 1)


def test_a_key_of_another_pinecone_project_that_was_replaced_since_is_read_again() -> None:
    """The secret holds the right key by now; only the one that is still remembered was wrong."""
    night = Night()
    audited(night)
    night.cases = {"key-0": OTHER}
    night.keys, night.now = ["key-0", "key-1"], night.now + DAY
    night.accepted = None
    assert audited(night)["complete"] is True


@pytest.mark.parametrize(
    "part, error",
    [
        pytest.param("policy", PolicyError("ssm:/policy:3: min_copies is -1"), id="policy"),
        pytest.param("key", SecretError("the secret keys/search is empty; put the key there"), id="secret"),
        pytest.param("indexes", ForbiddenError("403: this key may not list indexes"), id="forbidden"),
    ],
)
def test_what_keeps_a_project_from_being_audited_is_measured_logged_and_raised(part: str, error: Exception) -> None:
    """Whoever asked will ask again, and in the end the request is kept. Until then nothing is incomplete."""
    night = Night(failing={part: error})
    assert refused(night, type(error)) == str(error)
    assert night.metrics == [("search", FAILED, {})]
    assert night.store.recorded == {}


def test_a_service_that_is_down_makes_an_incomplete_audit() -> None:
    """There is a report, which says so; the figures of what was not read are not emitted."""
    night = Night(failing={"indexes": UnavailableError("503: no")})
    assert audited(night)["complete"] is False
    assert night.measured()["AuditComplete"] == 0
    assert night.measured()["IndexesTotal"] is None


def test_a_mistake_in_its_entry_keeps_that_project_alone() -> None:
    """It is registered, so it is measured, and the error says where the mistake is."""
    night = Night(registered=Registry((), (EntryError("search", 4, "the project has no secret"),), "ssm:/registry"))
    assert refused(night, RegistryError) == "ssm:/registry:4: the project has no secret"
    assert night.measured() == FAILED


def test_a_project_that_is_not_registered_is_no_metric() -> None:
    """Anybody may ask for any name: none is made a dimension."""
    night = Night()
    assert "registers no project 'other'" in refused(night, RegistryError, AuditRequest("other"))
    assert night.metrics == []


def test_one_of_several_has_to_be_named() -> None:
    """Without a name nobody knows which; nothing is measured of any."""
    night = Night(registered=Registry((SEARCH, RegisteredProject("other"))))
    assert "name one of them" in refused(night, RegistryError, AuditRequest(None))
    assert night.metrics == []


def test_a_registry_that_cannot_be_read_is_logged_and_raised() -> None:
    """Nobody knows then which projects there are, so nothing is measured."""
    night = Night(failing={"registry": RegistryError("ssm:/registry is not YAML")})
    assert refused(night, RegistryError) == "ssm:/registry is not YAML"
    assert night.metrics == []


def test_a_fault_of_ours_says_nothing_that_it_may_hold() -> None:
    """The text of a foreign error may hold anything."""
    night = Night(failing={"policy": ValueError("pcsk_" + "x" * 20)})
    assert refused(night, ValueError) == "this is a fault of backup-auditor itself (ValueError); please report it"
    assert night.measured() == FAILED


def test_a_key_that_was_rotated_is_fetched_afresh() -> None:
    """The one that is remembered is refused; the secret holds another by now, and no deploy is needed."""
    night = Night(keys=["key-0", "key-1"])
    assert audited(night)["complete"] is True
    assert "its secret holds another one by now" in night.log.of("info")[0]
    assert night.measured()["AuditComplete"] == 1


@pytest.mark.parametrize(
    "keys", [pytest.param(["key-0"], id="still-the-same"), pytest.param(["key-0", "key-2"], id="another-bad-one")]
)
def test_a_key_that_stays_bad_is_named_by_its_secret(keys: list[str]) -> None:
    """The error says which secret to put a key into, and no key."""
    told = refused(Night(keys=keys), BadKeyError)
    assert told == "401: Invalid API key; put a key of the project into the secret keys/search"


def test_an_audit_that_could_not_be_recorded_is_made_again() -> None:
    """Its figures are not emitted, for they will be, and nobody is told of what the next audit does not know."""
    night = Night()
    night.store.record = _raising(StateError("the table is gone"))  # type: ignore[method-assign]
    assert refused(night, StateError) == "the table is gone"
    assert night.metrics == [("search", FAILED, {})]
    assert (night.told, night.pings) == ([], 0)


@pytest.mark.parametrize(
    "part, told",
    [
        pytest.param("tell", "the events were not sent, the next sweep does it", id="events"),
        pytest.param("ping", "nobody was told that the audit is complete", id="ping"),
    ],
)
def test_an_audit_stands_whoever_cannot_be_told(part: str, told: str) -> None:
    """What an audit that is recorded does not depend on is logged, and no more."""
    night = Night(failing={part: DeliveryError("it did not answer")})
    assert audited(night)["complete"] is True
    assert night.log.of("warning") == [told]


def _raising(error: Exception) -> Any:
    def act(*_given: object) -> None:
        raise error

    return act
