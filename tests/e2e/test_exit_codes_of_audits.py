"""The exit codes of `audit`, as the contract lists them."""

from datetime import timedelta

import pytest

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.cli import build_access_environment, run_command
from support.simulator import SIMULATED_NOW, serve

MOMENT = SIMULATED_NOW.isoformat()
SHORT_DEADLINE = {"BACKUP_AUDITOR_DEADLINE": "1s"}
"""So that what will never be answered is given up soon."""


def test_all_well_is_zero(healthy_server: Server) -> None:
    """A complete audit that finds nothing ends with 0."""
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
def test_something_non_compliant_is_one(fail_on: tuple[str, ...], code: int, neglected_server: Server) -> None:
    """A complete audit that finds something at or above the limit ends with 1, and `never` forgives it."""
    result = run_command("audit", "--now", MOMENT, *fail_on, env=build_access_environment(neglected_server))
    assert (result.exit_code, result.error_output) == (code, "")


def test_a_severity_above_everything_found_is_zero(healthy_server: Server) -> None:
    """What is found below the limit does not change the exit code."""
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
    """One transient answer to GET /indexes costs one more request, and nothing else."""
    fault = Fault(path="/indexes", status=status, times=1, body="<html>oh</html>", content_type="text/html")
    faulty_server.faults.append(fault)
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=build_access_environment(faulty_server))
    assert (result.exit_code, result.error_output, fault.applied_count) == (0, "", 1)
    assert result.report["complete"] is True


@pytest.mark.parametrize("status", [401, 403])
def test_indexes_refused_is_two(status: int, faulty_server: Server) -> None:
    """A key that may not list the indexes audits nothing: one line, no report."""
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
        pytest.param(Fault(path="/indexes", kind="hang"), id="indexes-silent"),
        pytest.param(Fault(path="/indexes", kind="garbage"), id="indexes-not-understood"),
        pytest.param(Fault(path="/backups", status=403), id="backups-refused"),
        pytest.param(Fault(path="/backups", kind="truncate"), id="backups-cut-short"),
        pytest.param(Fault(path="/indexes/*/backup-schedules", status=500), id="schedules-unavailable"),
        pytest.param(Fault(path="/backup-schedules/*/history", kind="reset"), id="histories-reset"),
        pytest.param(Fault(status=503, after=4), id="service-dies"),
    ],
)
def test_something_unread_is_three(fault: Fault, faulty_server: Server) -> None:
    """What could not be read is reported as unread, and nothing that rests on it is called compliant."""
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
    """Under an older version the schedules are unread, not missing, and the error says what to set."""
    old_environment = build_access_environment(faulty_server, PINECONE_API_VERSION="2025-10")
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=old_environment)
    assert result.exit_code == 3
    remedy = "API version 2025-10 has no backup schedules: set PINECONE_SCHEDULES_API_VERSION to unstable"
    assert result.report["read_errors"]
    assert all(remedy in it["error"] for it in result.report["read_errors"])
    environment_with_both = old_environment | {"PINECONE_SCHEDULES_API_VERSION": "unstable"}
    assert run_command("audit", "--now", MOMENT, env=environment_with_both).exit_code == 0


def test_unread_schedules_leave_no_schedule_compliant(faulty_server: Server) -> None:
    """Where no schedule could be read, no control of schedules is compliant, and the recovery points still are."""
    faulty_server.faults.append(Fault(path="/indexes/*/backup-schedules", status=403, message="Access denied"))
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=build_access_environment(faulty_server))
    schedule_verdicts = {
        verdict for (control, _), verdict in result.find_verdicts().items() if control.startswith("schedule")
    }
    assert (result.exit_code, schedule_verdicts) == (3, {"INSUFFICIENT_DATA"})


def test_a_plan_without_schedules_is_known(empty_project: SimulatedProject) -> None:
    """A plan that has no schedules is an answer, not a gap: non-compliant, complete, exit 1."""
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


def test_backups_of_schedules_that_a_plan_lost_expire_at_no_known_time(faulty_server: Server) -> None:
    """The backups have names of runs, and their retention is unknown: exit 3."""
    faulty_server.faults.append(Fault(path="/indexes/*/backup-schedules", kind="refuse_plan"))
    result = run_command("audit", "--now", MOMENT, "--format", "json", env=build_access_environment(faulty_server))
    unknown_controls = {
        control for (control, _), verdict in result.find_verdicts().items() if verdict == "INSUFFICIENT_DATA"
    }
    assert (result.exit_code, result.report["complete"]) == (3, True)
    assert unknown_controls == {"recovery-points-outlast-horizon"}


def test_an_unexpected_answer_does_not_keep_the_rest(faulty_server: Server) -> None:
    """When the schedules of one index cannot be read, the others are evaluated as usual."""
    faulty_server.faults.append(Fault(path="/indexes/fleet-00001/backup-schedules", status=500))
    result = run_command(
        "audit", "--now", MOMENT, "--format", "json", env=build_access_environment(faulty_server, **SHORT_DEADLINE)
    )
    assert result.find_verdicts()["index-has-schedule", "fleet-00002"] == "COMPLIANT"
    assert result.find_verdicts()["index-has-schedule", "fleet-00001"] == "INSUFFICIENT_DATA"
