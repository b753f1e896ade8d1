"""The named projects of the simulator."""

from datetime import UTC, datetime

import pytest

from backup_auditor_simulator.api.messages import find_family, write_backup, write_run
from backup_auditor_simulator.model import IndexKind
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import SCENARIOS, build_organization_scenario, build_scenario
from support.neglected import FAILED_CONTROLS, FAILED_DELETED_INDEX_CONTROLS

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _serialize(project: SimulatedProject) -> list[bytes]:
    family = find_family("2026-07")
    rows = [write_backup(it, family, project.options) for it in project.backups.values()]
    runs = [write_run(run, family, project.options) for it in project.schedules.values() for run in it.runs.values()]
    return [project.project_id.encode(), *(it.encode() for it in project.indexes), *rows, *runs]


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "fleet"] + ["fleet:20x3"])
def test_the_same_scenario_at_the_same_moment_is_the_same(name: str) -> None:
    """Two builds of a scenario are the same to the byte, ids included."""
    assert _serialize(build_scenario(name, now=NOW)) == _serialize(build_scenario(name, now=NOW))


def test_another_seed_makes_other_ids() -> None:
    """Two projects of one scenario differ only in their ids."""
    first_project, second_project = build_scenario("healthy", now=NOW), build_scenario("healthy", now=NOW, seed=1)
    assert not first_project.backups.keys() & second_project.backups.keys()
    assert list(first_project.indexes) == list(second_project.indexes)


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_a_scenario_is_at_the_given_moment(name: str) -> None:
    """The clock of a scenario shows the moment, and no backup in it is younger."""
    project = build_scenario(name, now=NOW)
    assert project.now == NOW
    assert all(it.created_at <= NOW for it in project.backups.values())


def test_the_fleet_has_the_given_size() -> None:
    """The fleet has so many indexes, with so many backups each and a planned run."""
    project = build_scenario("fleet:30x7", now=NOW)
    assert len(project.indexes) == 30
    assert {len(it.backups) for it in project.indexes.values()} == {8}
    assert len(project.list_backups()) == 210


def test_every_neglected_index_says_what_it_fails() -> None:
    """The planted faults and the live indexes have the same names."""
    project = build_scenario("neglected", now=NOW)
    assert project.indexes.keys() == FAILED_CONTROLS.keys()
    assert FAILED_DELETED_INDEX_CONTROLS.keys() <= project.deleted_indexes.keys() - project.indexes.keys()


def test_the_neglected_project_fails_every_control_that_needs_no_policy_and_no_state() -> None:
    """The indexes of the neglected project fail these controls; those of the whole project are listed separately."""
    assert frozenset().union(*FAILED_CONTROLS.values()) == {
        "backup-size-is-stable",
        "backup-status-is-known",
        "backups-expire-on-time",
        "index-can-be-backed-up",
        "index-has-recovery-point",
        "index-has-schedule",
        "latest-run-succeeded",
        "namespace-count-is-stable",
        "no-run-is-stuck",
        "planned-run-started-on-time",
        "record-count-is-stable",
        "recovery-point-is-not-empty",
        "recovery-point-is-recent",
        "recovery-points-belong-to-index",
        "recovery-points-meet-minimum-copies",
        "recovery-points-outlast-horizon",
        "schedule-frequency-meets-policy",
        "schedule-guarantees-minimum-copies",
        "schedule-is-enabled",
        "schedule-is-unique",
        "schedule-name-is-runnable",
        "schedule-next-run-is-planned",
        "schedule-retention-meets-minimum",
        "schedule-retention-outlives-interval",
        "schedule-retention-within-maximum",
        "scheduled-runs-are-continuous",
    }


def test_the_healthy_project_has_every_kind_of_index() -> None:
    """The healthy project has serverless and BYOC indexes, with documents, dense and sparse vectors."""
    indexes = build_scenario("healthy", now=NOW).indexes.values()
    assert {it.kind for it in indexes} == set(IndexKind) - {IndexKind.POD}
    assert {field["type"] for it in indexes for field in it.fields.values()} == {
        "dense_vector",
        "sparse_vector",
        "string",
    }


def test_the_backups_of_the_drill_project_have_the_counts_of_their_index() -> None:
    """Every backup of a small index has exactly its records and namespaces."""
    project = build_scenario("drill", now=NOW)
    counts = {(it.index.name, it.record_count, it.namespace_count) for it in project.list_backups()}
    assert counts == {("orders", 900, 3), ("articles", 120, 2), ("search-terms", 300, 1), ("ledgers", 200, 2)}


def test_an_organization_has_projects_with_ids_and_keys_of_their_own() -> None:
    """The projects of an organization share neither ids nor keys, and two builds of it are the same."""
    organization, same_organization = (build_organization_scenario("organization", now=NOW) for _ in range(2))
    assert organization is not None
    assert same_organization is not None
    assert [it.name for it in organization.projects] == ["search", "support", "catalog", "playground", "payments"]
    assert len({it.id for it in organization.projects}) == len(organization.projects)
    assert len(organization.roles) == 3 * len(organization.projects)
    assert organization.roles == same_organization.roles
    assert organization.now == NOW


def test_an_organization_has_the_given_size() -> None:
    """A uniform organization has so many projects with so many indexes each."""
    organization = build_organization_scenario("organization:4x3", now=NOW)
    assert organization is not None
    assert [len(it.project.indexes) for it in organization.projects] == [3, 3, 3, 3]
    assert build_organization_scenario("organization:0x3", now=NOW) is None
    assert build_organization_scenario("healthy", now=NOW) is None


@pytest.mark.parametrize("name", ["nothing", "fleet:0x5", "fleet:5", "fleet:5x1000", ""])
def test_an_unknown_scenario_is_refused_by_name(name: str) -> None:
    """The error lists the known scenarios."""
    with pytest.raises(ValueError, match="healthy, neglected, empty, bare, fleet"):
        build_scenario(name, now=NOW)
