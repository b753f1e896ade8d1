"""Every control against worlds that violate it, and worlds that look as if they did, over HTTP by the real client."""

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
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from scenarios.all import CASES, COMBINED_CONTROLS
from scenarios.case import PROJECT, Case, Violation
from support.builders.policies import policy
from support.fakes.stores import FakeStore
from support.simulator import NEW, NOW, OLD, UNSTABLE, empty_world, serving

SEVERITIES = {it.id: it.severity.value for it in CATALOG.all_controls}
FAMILIES = [pytest.param((NEW, NEW), id=NEW), pytest.param((OLD, UNSTABLE), id=f"{OLD}-{UNSTABLE}")]


class Unseen:
    """Shows nobody how far an audit has come."""

    def expect(self, label: str, count: int) -> None:
        """Say nothing."""

    def advance(self, label: str) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Serve one world after the other."""
    with serving(empty_world()) as found:
        yield found


@cache
def required(text: str) -> Policy:
    """Load a policy, once."""
    return policy(f"version: 1\n{text}\n")


def audited(server: Server, case: Case, versions: tuple[str, str], store: FakeStore) -> Report:
    """Audit the world that is served, at the moment of its clock."""
    connection = Connection(server.viewer_key, server.url, *versions, max_concurrency=4)
    with open_reader(connection, Runtime(sleep=lambda _: None)) as reader:
        return run_audit(
            reader,
            required(case.policy),
            project=PROJECT,
            observed_at=server.project.now - case.clock_lag,
            progress=Unseen(),
            store=store if case.change else None,
        ).report


def found(report: Report, compliance: Compliance) -> list[Violation]:
    """Return the findings of one verdict."""
    alike = (it for it in report.findings if it.compliance is compliance)
    return sorted((it.control, it.resource.type.value, it.resource.name) for it in alike)


def audited_names(world: SimulatedProject) -> list[str]:
    """Return the names of the indexes that are live, and not being deleted."""
    return [name for name, it in world.indexes.items() if not it.is_terminating]


@pytest.mark.parametrize("versions", FAMILIES)
@pytest.mark.parametrize("case", [pytest.param(it, id=it.label) for it in CASES])
def test_an_audit_finds_what_is_wrong_and_nothing_else(server: Server, case: Case, versions: tuple[str, str]) -> None:
    """Exactly the planted faults, with their severities, and nothing that could not be judged."""
    store = FakeStore()
    world = server.project = case.build_project()
    fails = case.violations if versions[0] == NEW or case.old_family_violations is None else case.old_family_violations
    server.faults[:] = [Fault(**it) for it in case.faults]
    if case.change:
        assert found(audited(server, case, versions, store), Compliance.NON_COMPLIANT) == sorted(
            case.first_audit_violations
        )
    world.advance(case.audit_delay)
    if case.change:
        case.change(world)
    report = audited(server, case, versions, store)
    failed = [it for it in report.findings if it.compliance is Compliance.NON_COMPLIANT]
    told = {(it.control, it.resource.name): it.reason for it in failed}
    assert found(report, Compliance.NON_COMPLIANT) == sorted(fails), told
    assert found(report, Compliance.INSUFFICIENT_DATA) == sorted(case.unknown_checks)
    assert {it.control: it.severity.value for it in failed} == {
        control: case.severities.get(control, SEVERITIES[control]) for control, _, _ in fails
    }
    exempted = {(it.control, it.resource.type.value, it.resource.name) for it in failed if it.exemption}
    assert exempted == case.exempted_violations
    live = sorted((it.control, it.resource.name) for it in report.findings if it.resource.type is ResourceType.INDEX)
    assert live == sorted((control.id, name) for control in CATALOG.index_controls for name in audited_names(world))
    assert report.is_complete is (("inventory-is-complete", "project", PROJECT) not in fails)


@pytest.mark.parametrize("versions", FAMILIES)
def test_the_healthy_project_has_nothing_wrong(server: Server, versions: tuple[str, str]) -> None:
    """Not even its quota, or its pod."""
    server.project, server.faults[:] = build_scenario("healthy", now=NOW), []
    report = audited(server, Case(label="healthy", steps=()), versions, FakeStore())
    assert found(report, Compliance.NON_COMPLIANT) == found(report, Compliance.INSUFFICIENT_DATA) == []


def test_every_control_is_the_only_one_that_some_world_violates() -> None:
    """But for those that nothing can violate alone."""
    alone = {control for case in CASES if len(case.violations) == 1 for control, _, _ in case.violations}
    assert alone == SEVERITIES.keys() - COMBINED_CONTROLS
    assert {control for case in CASES for control, _, _ in case.violations} >= COMBINED_CONTROLS


def test_every_case_has_a_label_of_its_own() -> None:
    """It is what a failure is known by."""
    assert len({it.label for it in CASES}) == len(CASES)
