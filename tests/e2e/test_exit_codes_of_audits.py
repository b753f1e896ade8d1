"""The exit codes of `audit`, as the contract lists them."""

from datetime import timedelta

import pytest

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.cli import access, command
from support.simulator import NOW, serving

MOMENT = NOW.isoformat()
HASTE = {"BACKUP_AUDITOR_DEADLINE": "1s"}
"""So that what will never be answered is given up soon."""


def test_all_well_is_zero(healthy: Server) -> None:
    """A complete audit that finds nothing ends with 0."""
    done = command("audit", "--now", MOMENT, "--format", "json", env=access(healthy))
    assert (done.code, done.err) == (0, "")
    assert (done.report["compliance"], done.report["complete"]) == ("COMPLIANT", True)


@pytest.mark.parametrize(
    "fail_on,code",
    [
        pytest.param((), 1, id="default"),
        pytest.param(("--fail-on", "low"), 1, id="low"),
        pytest.param(("--fail-on", "critical"), 1, id="critical"),
        pytest.param(("--fail-on", "never"), 0, id="never"),
    ],
)
def test_something_non_compliant_is_one(fail_on: tuple[str, ...], code: int, neglected: Server) -> None:
    """A complete audit that finds something at or above the limit ends with 1, and `never` forgives it."""
    done = command("audit", "--now", MOMENT, *fail_on, env=access(neglected))
    assert (done.code, done.err) == (code, "")


def test_a_severity_above_everything_found_is_zero(healthy: Server) -> None:
    """What is found below the limit does not change the exit code."""
    late = "2026-11-21T18:00:00Z"  # thirty hours after the newest runs: no recovery point is recent
    assert command("audit", "--now", late, env=access(healthy)).code == 1
    assert command("audit", "--now", late, "--fail-on", "never", env=access(healthy)).code == 0


@pytest.mark.parametrize("status", [408, 429, 500, 507, 520, 524, 530])
def test_one_gateway_error_is_retried(status: int, failing: Server) -> None:
    """One transient answer to GET /indexes costs one more request, and nothing else."""
    fault = Fault(path="/indexes", status=status, times=1, body="<html>oh</html>", content_type="text/html")
    failing.faults.append(fault)
    done = command("audit", "--now", MOMENT, "--format", "json", env=access(failing))
    assert (done.code, done.err, fault.applied_count) == (0, "", 1)
    assert done.report["complete"] is True


@pytest.mark.parametrize("status", [401, 403])
def test_indexes_refused_is_two(status: int, failing: Server) -> None:
    """A key that may not list the indexes audits nothing: one line, no report."""
    failing.faults.append(Fault(path="/indexes", status=status, message="no"))
    done = command("audit", "--now", MOMENT, env=access(failing))
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1


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
def test_something_unread_is_three(fault: Fault, failing: Server) -> None:
    """What could not be read is reported as unread, and nothing that rests on it is called compliant."""
    failing.faults.append(fault)
    done = command("audit", "--now", MOMENT, "--format", "json", "--fail-on", "never", env=access(failing, **HASTE))
    assert done.code == 3
    assert done.report["complete"] is False
    assert done.report["read_errors"]
    assert done.verdicts()["inventory-is-complete", "default"] == "NON_COMPLIANT"


def test_a_version_without_schedules_names_the_variable(failing: Server) -> None:
    """Under an older version the schedules are unread, not missing, and the error says what to set."""
    old = access(failing, PINECONE_API_VERSION="2025-10")
    done = command("audit", "--now", MOMENT, "--format", "json", env=old)
    assert done.code == 3
    remedy = "API version 2025-10 has no backup schedules: set PINECONE_SCHEDULES_API_VERSION to unstable"
    assert done.report["read_errors"]
    assert all(remedy in it["error"] for it in done.report["read_errors"])
    both = old | {"PINECONE_SCHEDULES_API_VERSION": "unstable"}
    assert command("audit", "--now", MOMENT, env=both).code == 0


def test_unread_schedules_leave_no_schedule_compliant(failing: Server) -> None:
    """Where no schedule could be read, no control of schedules is compliant, and the recovery points still are."""
    failing.faults.append(Fault(path="/indexes/*/backup-schedules", status=403, message="Access denied"))
    done = command("audit", "--now", MOMENT, "--format", "json", env=access(failing))
    of_schedules = {verdict for (control, _), verdict in done.verdicts().items() if control.startswith("schedule")}
    assert (done.code, of_schedules) == (3, {"INSUFFICIENT_DATA"})


def test_a_plan_without_schedules_is_known(world: SimulatedProject) -> None:
    """A plan that has no schedules is an answer, not a gap: non-compliant, complete, exit 1."""
    world.create_index("orders")
    for _ in range(2):
        world.create_backup("orders")
        world.advance(timedelta(hours=1))
    with serving(world) as server:
        server.faults.append(Fault(path="/indexes/*/backup-schedules", kind="refuse_plan"))
        done = command("audit", "--now", world.now.isoformat(), "--format", "json", env=access(server))
    assert done.verdicts()["plan-allows-schedules", "default"] == "NON_COMPLIANT"
    assert (done.code, done.report["complete"]) == (1, True)


def test_backups_of_schedules_that_a_plan_lost_expire_at_no_known_time(failing: Server) -> None:
    """Their names are those of runs, and nothing tells the retention any more: exit 3."""
    failing.faults.append(Fault(path="/indexes/*/backup-schedules", kind="refuse_plan"))
    done = command("audit", "--now", MOMENT, "--format", "json", env=access(failing))
    unknown = {control for (control, _), verdict in done.verdicts().items() if verdict == "INSUFFICIENT_DATA"}
    assert (done.code, done.report["complete"]) == (3, True)
    assert unknown == {"recovery-points-outlast-horizon"}


def test_an_unexpected_answer_does_not_keep_the_rest(failing: Server) -> None:
    """When the schedules of one index cannot be read, the others are judged as ever."""
    failing.faults.append(Fault(path="/indexes/fleet-00001/backup-schedules", status=500))
    done = command("audit", "--now", MOMENT, "--format", "json", env=access(failing, **HASTE))
    assert done.verdicts()["index-has-schedule", "fleet-00002"] == "COMPLIANT"
    assert done.verdicts()["index-has-schedule", "fleet-00001"] == "INSUFFICIENT_DATA"
