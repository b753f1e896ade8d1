"""The reports of a project that changes night after night: opened and resolved findings, losses and drift."""

from pathlib import Path

from backup_auditor_simulator.project import SimulatedProject
from support.cli import audit_nightly
from support.simulator import SIMULATED_NOW

INDEX_NAME = "orders"


def find_schedule_id(project: SimulatedProject, name: str = INDEX_NAME) -> str:
    """Return the id of the only schedule of an index."""
    (schedule,) = project.get_index(name).schedules
    return schedule


def test_a_finding_is_opened_kept_resolved_and_reopened(tmp_path: Path) -> None:
    """A schedule is paused, resumed, and paused again."""
    with audit_nightly(tmp_path / "home") as project:
        first_result = project.audit()
        assert (
            first_result.exit_code,
            first_result.error_output,
            first_result.find_lifecycles(),
            first_result.list_drift(),
        ) == (0, "", {}, [])

        project.simulated_project.update_schedule(find_schedule_id(project.simulated_project), enabled=False)
        project.advance()
        opened_result = project.audit()
        paused_key = ("schedule-is-enabled", INDEX_NAME)
        assert opened_result.exit_code == 1
        assert opened_result.find_lifecycles()[paused_key] == "new"
        assert opened_result.list_drift() == [("schedule paused", INDEX_NAME)]
        first_seen = opened_result.report["observed_at"]

        project.advance()
        second_result = project.audit()
        assert second_result.find_lifecycles()[paused_key] == "ongoing"
        assert second_result.list_drift() == []

        project.simulated_project.update_schedule(find_schedule_id(project.simulated_project), enabled=True)
        project.advance()
        resolved_result = project.audit()
        assert paused_key in resolved_result.find_resolved()
        assert paused_key not in resolved_result.find_lifecycles()
        assert resolved_result.list_drift() == [("schedule resumed", INDEX_NAME)]

        project.simulated_project.update_schedule(find_schedule_id(project.simulated_project), enabled=False)
        project.advance()
        reopened_result = project.audit()
        assert reopened_result.find_lifecycles()[paused_key] == "reopened"
        (finding,) = (
            it for it in reopened_result.report["findings"] if (it["control"], it["resource"]["name"]) == paused_key
        )
        assert finding["first_seen"] == first_seen


def test_a_deleted_backup_is_distinguished_from_one_that_expired(tmp_path: Path) -> None:
    """Every night one backup expires, and one night the newest is deleted by hand."""
    with audit_nightly(tmp_path / "home") as project:
        for _ in range(3):
            project.advance()
            assert project.audit().exit_code == 0
        backups = sorted(
            project.simulated_project.get_index(INDEX_NAME).backups.values(), key=lambda it: str(it.captured_at)
        )
        deleted_backup = next(it for it in reversed(backups) if it.state.name == "READY")
        project.simulated_project.delete_backup(deleted_backup.id)
        project.advance()
        deletion_result = project.audit()
        vanished_key = ("backup-did-not-vanish", INDEX_NAME)
        assert deletion_result.find_lifecycles()[vanished_key] == "new"
        (finding,) = (
            it for it in deletion_result.report["findings"] if (it["control"], it["resource"]["name"]) == vanished_key
        )
        assert [it["backup_id"] for it in finding["evidence"]["vanished"]] == [deleted_backup.id]
        project.advance(7)
        later_result = project.audit()
        assert vanished_key in later_result.find_resolved()


def test_a_lowered_retention_deletes_and_nothing_vanished(tmp_path: Path) -> None:
    """The report says that existing backups now expire earlier; raising it again loses nothing."""
    with audit_nightly(tmp_path / "home") as project:
        project.audit()
        project.simulated_project.update_schedule(find_schedule_id(project.simulated_project), retention_days=3)
        project.advance()
        lowered_result = project.audit()
        assert lowered_result.list_drift() == [
            ("schedule retention lowered: existing backups now expire earlier", INDEX_NAME)
        ]
        assert ("backup-did-not-vanish", INDEX_NAME) not in lowered_result.find_lifecycles()
        project.simulated_project.update_schedule(find_schedule_id(project.simulated_project), retention_days=30)
        project.advance()
        assert ("backup-did-not-vanish", INDEX_NAME) not in project.audit().find_lifecycles()


def test_findings_end_with_their_index(tmp_path: Path) -> None:
    """It is deleted with its schedules; a complete audit shows that it is gone."""
    simulated_project = SimulatedProject(SIMULATED_NOW)
    simulated_project.create_index("bare")
    with audit_nightly(tmp_path / "home", simulated_project) as project:
        assert ("index-has-schedule", "bare") in project.audit().find_lifecycles()
        simulated_project.delete_index("bare")
        project.advance()
        ended_result = project.audit()
        assert {it["reason"] for it in ended_result.report["resolved"]} == {"the index is gone"}
        assert ended_result.list_drift() == [("index disappeared", "bare")]


def test_a_schedule_is_called_deleted_after_a_second_read(tmp_path: Path) -> None:
    """A paused one beside the enabled one, which no control misses."""
    simulated_project = SimulatedProject(SIMULATED_NOW)
    simulated_project.create_index("orders")
    paused_schedule = simulated_project.create_schedule("orders", "old")
    simulated_project.update_schedule(paused_schedule.id, enabled=False)
    simulated_project.create_schedule("orders", "nightly")
    with audit_nightly(tmp_path / "home", simulated_project) as project:
        project.audit()
        simulated_project.delete_schedule(paused_schedule.id)
        project.advance()
        request_count = len(project.server.requests)
        assert project.audit().list_drift() == [("schedule deleted", "orders")]
        listings = [it for it in project.server.requests[request_count:] if it.path.endswith("/backup-schedules")]
        assert len(listings) == 2
