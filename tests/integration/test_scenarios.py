"""Test every control with projects that violate it and projects that only seem to, over HTTP with the real client."""

from collections.abc import Iterator
from functools import cache

import pytest

from backup_auditor.adapters.pinecone.client import Runtime
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.application.audit import run_audit
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.finding import Compliance, ResourceType
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.reporting.report import Report
from backup_auditor.ports.pinecone import NoProgress
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from scenarios.all import CASES, COMBINED_CONTROLS
from scenarios.case import PROJECT, Case, Violation
from support.builders.policies import parse_policy
from support.fakes.stores import FakeStore
from support.simulator import NEW_VERSION, OLD_VERSION, SIMULATED_NOW, UNSTABLE_VERSION, build_empty_project, serve

SEVERITY_BY_CONTROL = {it.id: it.severity.value for it in CATALOG.all_controls}
VERSION_PARAMETERS = [
    pytest.param((NEW_VERSION, NEW_VERSION), id=NEW_VERSION),
    pytest.param((OLD_VERSION, UNSTABLE_VERSION), id=f"{OLD_VERSION}-{UNSTABLE_VERSION}"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Serve one project after the other."""
    with serve(build_empty_project()) as running_server:
        yield running_server


@cache
def load_case_policy(text: str) -> Policy:
    """Load a policy once."""
    return parse_policy(f"version: 1\n{text}\n")


def audit_case(server: Server, case: Case, versions: tuple[str, str], store: FakeStore) -> Report:
    """Audit the served project at the time of its clock, minus the lag of the case."""
    version, schedules_version = versions
    connection = Connection(
        server.viewer_key,
        server.url,
        api_version=version,
        schedules_api_version=schedules_version,
        max_concurrency=4,
    )
    with open_reader(connection, Runtime(sleep=lambda _: None)) as reader:
        return run_audit(
            reader,
            load_case_policy(case.policy),
            project=PROJECT,
            observed_at=server.project.now - case.clock_lag,
            progress=NoProgress(),
            store=store if case.change or case.build_drills else None,
        ).report


def list_findings(report: Report, compliance: Compliance) -> list[Violation]:
    """Return the findings with this verdict."""
    findings = (it for it in report.findings if it.compliance is compliance)
    return sorted((it.control, it.resource.type.value, it.resource.name) for it in findings)


def list_live_names(project: SimulatedProject) -> list[str]:
    """Return the names of the indexes that are not being deleted."""
    return [name for name, it in project.indexes.items() if not it.is_terminating]


@pytest.mark.parametrize("versions", VERSION_PARAMETERS)
@pytest.mark.parametrize("case", [pytest.param(it, id=it.label) for it in CASES])
def test_an_audit_finds_exactly_the_planted_violations(server: Server, case: Case, versions: tuple[str, str]) -> None:
    """An audit finds exactly the planted violations and unknown checks, with their severities."""
    store = FakeStore()
    project = server.project = case.build_project()
    expected_failures = (
        case.violations
        if versions[0] == NEW_VERSION or case.old_family_violations is None
        else case.old_family_violations
    )
    server.faults[:] = [Fault(**it) for it in case.faults]
    for drill in case.build_drills(project) if case.build_drills else ():
        store.ledger.create_drill(drill)
    if case.change:
        assert list_findings(audit_case(server, case, versions, store), Compliance.NON_COMPLIANT) == sorted(
            case.first_audit_violations
        )
    project.advance(case.audit_delay)
    if case.change:
        case.change(project)
    report = audit_case(server, case, versions, store)
    failed_findings = [it for it in report.findings if it.compliance is Compliance.NON_COMPLIANT]
    reasons = {(it.control, it.resource.name): it.reason for it in failed_findings}
    assert list_findings(report, Compliance.NON_COMPLIANT) == sorted(expected_failures), reasons
    assert list_findings(report, Compliance.INSUFFICIENT_DATA) == sorted(case.unknown_checks)
    assert {it.control: it.severity.value for it in failed_findings} == {
        control: case.severities.get(control, SEVERITY_BY_CONTROL[control]) for control, _, _ in expected_failures
    }
    exempted_keys = {(it.control, it.resource.type.value, it.resource.name) for it in failed_findings if it.exemption}
    assert exempted_keys == case.exempted_violations
    live_keys = sorted(
        (it.control, it.resource.name) for it in report.findings if it.resource.type is ResourceType.INDEX
    )
    assert live_keys == sorted(
        (control.id, name) for control in CATALOG.index_controls for name in list_live_names(project)
    )
    assert report.is_complete is (("inventory-is-complete", "project", PROJECT) not in expected_failures)


@pytest.mark.parametrize("versions", VERSION_PARAMETERS)
def test_the_healthy_project_has_no_violations(server: Server, versions: tuple[str, str]) -> None:
    """The healthy project has no violation and no unknown check."""
    server.project, server.faults[:] = build_scenario("healthy", now=SIMULATED_NOW), []
    report = audit_case(server, Case(label="healthy", steps=()), versions, FakeStore())
    assert list_findings(report, Compliance.NON_COMPLIANT) == list_findings(report, Compliance.INSUFFICIENT_DATA) == []


def test_every_control_is_violated_alone_by_a_case() -> None:
    """Each control is the only violated one of a case, except controls that cannot be violated alone."""
    lone_controls = {control for case in CASES if len(case.violations) == 1 for control, _, _ in case.violations}
    assert lone_controls == SEVERITY_BY_CONTROL.keys() - COMBINED_CONTROLS
    assert {control for case in CASES for control, _, _ in case.violations} >= COMBINED_CONTROLS


def test_every_case_has_a_unique_label() -> None:
    """The labels, which identify failed cases, are unique."""
    assert len({it.label for it in CASES}) == len(CASES)
