"""Test that the exit codes of `audit` are those of its documented contract."""

from datetime import timedelta

import pytest

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.cli import build_access_environment, run_command
from support.simulator import SIMULATED_NOW, serve

MOMENT = SIMULATED_NOW.isoformat()
SHORT_DEADLINE = {"BACKUP_AUDITOR_DEADLINE": "1s"}
"""Variables that end an audit soon if a request is never answered."""


def test_no_violations_is_exit_code_0(healthy_server: Server) -> None:
    """A complete audit without violations exits with 0."""
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=build_access_environment(healthy_server))
    assert (result.exit_code, result.error_output) == (0, "")
    assert (result.report["compliance"], result.report["complete"]) == ("COMPLIANT", True)


@pytest.mark.parametrize(
    "fail_on,code",
    [
        pytest.param((), 1, id="default"),
        pytest.param(("--fail-on", "low"), 1, id="low"),
        pytest.param(("--fail-on", "critical"), 1, id="critical"),
        pytest.param(("--fail-on", "never"), 0, id="never"),
    ],
)
def test_a_violation_is_exit_code_1(fail_on: tuple[str, ...], code: int, neglected_server: Server) -> None:
    """A complete audit with a violation at or above the severity limit exits with 1, except with `never`."""
    result = run_command("audit", "--now", MOMENT, *fail_on, env=build_access_environment(neglected_server))
    assert (result.exit_code, result.error_output) == (code, "")


def test_violations_below_the_limit_are_exit_code_0(healthy_server: Server) -> None:
    """A violation below the severity limit does not change the exit code."""
    late_moment = "2026-11-21T18:00:00Z"  # thirty hours after the newest runs: no recovery point is recent
    assert run_command("audit", "--now", late_moment, env=build_access_environment(healthy_server)).exit_code == 1
    assert (
        run_command(
            "audit", "--now", late_moment, "--fail-on", "never", env=build_access_environment(healthy_server)
        ).exit_code
        == 0
    )


@pytest.mark.parametrize("status", [408, 429, 500, 507, 520, 524, 530])
def test_one_gateway_error_is_retried(status: int, faulty_server: Server) -> None:
    """One transient error of GET /indexes causes one retry, and the audit is complete."""
    fault = Fault(path="/indexes", status=status, times=1, body="<html>oh</html>", content_type="text/html")
    faulty_server.faults.append(fault)
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=build_access_environment(faulty_server))
    assert (result.exit_code, result.error_output, fault.applied_count) == (0, "", 1)
    assert result.report["complete"] is True


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_list_of_indexes_is_exit_code_2(status: int, faulty_server: Server) -> None:
    """A key that must not list the indexes causes one error line and no report."""
    faulty_server.faults.append(Fault(path="/indexes", status=status, message="no"))
    result = run_command("audit", "--now", MOMENT, env=build_access_environment(faulty_server))
    assert (result.exit_code, result.output) == (2, "")
    assert len(result.error_output.splitlines()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(path="/indexes", status=429), id="indexes-throttled"),
        pytest.param(Fault(path="/indexes", status=503), id="indexes-unavailable"),
        pytest.param(Fault(path="/indexes", status=501), id="indexes-not-implemented"),
        pytest.param(Fault(path="/indexes", status=520, body="<html>oh</html>"), id="indexes-behind-a-gateway"),
        pytest.param(Fault(path="/indexes", kind="hang"), id="indexes-hang"),
        pytest.param(Fault(path="/indexes", kind="garbage"), id="indexes-invalid"),
        pytest.param(Fault(path="/backups", status=403), id="backups-refused"),
        pytest.param(Fault(path="/backups", kind="truncate"), id="backups-truncated"),
        pytest.param(Fault(path="/indexes/*/backup-schedules", status=500), id="schedules-unavailable"),
        pytest.param(Fault(path="/backup-schedules/*/history", kind="reset"), id="histories-reset"),
        pytest.param(Fault(status=503, after=4), id="service-dies"),
    ],
)
def test_a_read_error_is_exit_code_3(fault: Fault, faulty_server: Server) -> None:
    """A failed read is reported as a read error, and the audit is incomplete."""
    faulty_server.faults.append(fault)
    result = run_command(
        "audit",
        "--now",
        MOMENT,
        "--format",
        "json",
        "--fail-on",
        "never",
        env=build_access_environment(faulty_server, **SHORT_DEADLINE),
    )
    assert result.exit_code == 3
    assert result.report["complete"] is False
    assert result.report["read_errors"]
    assert result.find_verdicts()["inventory-is-complete", "default"] == "NON_COMPLIANT"


def test_a_version_without_schedules_names_the_variable(faulty_server: Server) -> None:
    """With an API version without schedules, the schedules are a read error that names the variable to set."""
    old_environment = build_access_environment(faulty_server, PINECONE_API_VERSION="2025-10")
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=old_environment)
    assert result.exit_code == 3
    remedy = "API version 2025-10 has no backup schedules: set PINECONE_SCHEDULES_API_VERSION to unstable"
    assert result.report["read_errors"]
    assert all(remedy in it["error"] for it in result.report["read_errors"])
    environment_with_both = old_environment | {"PINECONE_SCHEDULES_API_VERSION": "unstable"}
    assert run_command("audit", "--now", MOMENT, env=environment_with_both).exit_code == 0


def test_unread_schedules_leave_no_schedule_compliant(faulty_server: Server) -> None:
    """If no schedule could be read, the verdict of every schedule control is unknown."""
    faulty_server.faults.append(Fault(path="/indexes/*/backup-schedules", status=403, message="Access denied"))
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=build_access_environment(faulty_server))
    schedule_verdicts = {
        verdict for (control, _), verdict in result.find_verdicts().items() if control.startswith("schedule")
    }
    assert (result.exit_code, schedule_verdicts) == (3, {"INSUFFICIENT_DATA"})


def test_a_plan_without_schedules_is_a_violation(empty_project: SimulatedProject) -> None:
    """A Pinecone plan without schedules is non-compliant, and the audit is complete."""
    empty_project.create_index("orders")
    for _ in range(2):
        empty_project.create_backup("orders")
        empty_project.advance(timedelta(hours=1))
    with serve(empty_project) as server:
        server.faults.append(Fault(path="/indexes/*/backup-schedules", kind="refuse_plan"))
        result = run_command(
            "audit", "--now", empty_project.now.isoformat(), "--format", "json", env=build_access_environment(server)
        )
    assert result.find_verdicts()["plan-allows-schedules", "default"] == "NON_COMPLIANT"
    assert (result.exit_code, result.report["complete"]) == (1, True)


def test_the_expiry_of_backups_is_unknown_after_a_plan_lost_its_schedules(faulty_server: Server) -> None:
    """Backups with the name of a run have an unknown retention if the plan has no schedules: exit code 3."""
    faulty_server.faults.append(Fault(path="/indexes/*/backup-schedules", kind="refuse_plan"))
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=build_access_environment(faulty_server))
    unknown_controls = {
        control for (control, _), verdict in result.find_verdicts().items() if verdict == "INSUFFICIENT_DATA"
    }
    assert (result.exit_code, result.report["complete"]) == (3, True)
    assert unknown_controls == {"recovery-points-outlast-horizon"}


def test_a_read_error_of_one_index_does_not_affect_the_others(faulty_server: Server) -> None:
    """If the schedules of one index cannot be read, the other indexes are evaluated normally."""
    faulty_server.faults.append(Fault(path="/indexes/fleet-00001/backup-schedules", status=500))
    result = run_command(
        "audit", "--now", MOMENT, "--format", "json", env=build_access_environment(faulty_server, **SHORT_DEADLINE)
    )
    assert result.find_verdicts()["index-has-schedule", "fleet-00002"] == "COMPLIANT"
    assert result.find_verdicts()["index-has-schedule", "fleet-00001"] == "INSUFFICIENT_DATA"
