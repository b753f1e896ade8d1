"""Test what `backup-auditor drill` shows, asks, restores, verifies, deletes and returns."""

import hashlib
import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_auditor_simulator.damages import Damage, DamageKind
from backup_auditor_simulator.model import Index
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios import build_scenario
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from simulator_process import COMMAND
from support.cli import CompletedCommand, build_access_environment, run_command
from support.clock import read_real_clock

pytestmark = pytest.mark.writes
APPLY_POLICY = "defaults: {recovery: {restore_drill_within: 90d}}\nrestore_drills: {mode: apply}\n"
INDEXES = {"articles", "ledgers", "orders", "search-terms"}


@dataclass
class DrillHome:
    """A project at the present time, and a folder with a policy and a state."""

    server: Server
    folder: Path
    started_processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def write_policy(self, text: str) -> None:
        """Write another policy."""
        (self.folder / "backup-auditor.yaml").write_text(f"version: 1\n{text}")

    def build_environment(self, **variables: str) -> dict[str, str]:
        """Return the environment with the key for drills."""
        return build_access_environment(
            self.server, **{"PINECONE_API_KEY": Server.drill_key, "COLUMNS": "100", **variables}
        )

    def drill(self, *flags: str, **variables: str) -> CompletedCommand:
        """Run the command until it ends."""
        return run_command(
            "drill", "--state", "state.db", *flags, env=self.build_environment(**variables), cwd=self.folder
        )

    def drill_into(self, streams: str) -> "subprocess.CompletedProcess[str]":
        """Run the command for one index, with redirected streams, in a shell."""
        script = f'"{COMMAND}" drill --state state.db --index orders --apply --yes --format json {streams}'
        return subprocess.run(
            ["/bin/sh", "-c", script],
            env=self.build_environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *flags: str) -> "subprocess.Popen[bytes]":
        """Start the command. Its restores take long enough to interrupt them."""
        self.server.project.options.restore_duration = max(
            self.server.project.options.restore_duration, timedelta(seconds=2)
        )
        line = [str(COMMAND), "drill", "--state", "state.db", *flags]
        process = subprocess.Popen(
            line, env=self.build_environment(), cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.started_processes.append(process)
        return process

    def wait_for_write(self, count: int = 1) -> None:
        """Wait until so many requests that write have arrived."""
        while len(self.write_requests) < count:
            time.sleep(0.01)

    @property
    def write_requests(self) -> list[str]:
        """Return the requests that write to the project, without ids and random characters."""
        return [f"{it.method} {it.path}" for it in self.server.requests if it.is_write]

    @property
    def live_names(self) -> set[str]:
        """The names of the live indexes."""
        return set(self.server.project.indexes)

    def list_created_indexes(self) -> list[Index]:
        """Return every index that was ever restored."""
        project = self.server.project
        names = {*project.indexes, *project.deleted_indexes}
        return [it for name in names for it in project.list_indexes_named(name) if it.source_backup_id is not None]

    def list_recorded_drills(self) -> list[dict[str, Any]]:
        """Return the newest document of each drill that is beside the state."""
        documents = [json.loads(it.read_bytes()) for it in (self.folder / "state-drills").iterdir()]
        documents.sort(key=lambda it: it["revision"])
        return list({it["drill_id"]: it for it in documents}.values())


@pytest.fixture
def home(tmp_path: Path) -> Iterator[DrillHome]:
    """Serve four small indexes on the real clock, whose backups are restored at once."""
    project = build_scenario("drill", now=read_real_clock())
    project.options.restore_duration = timedelta()
    with Server(project, clock=read_real_clock) as server:
        drill_home = DrillHome(server, tmp_path)
        drill_home.write_policy(APPLY_POLICY)
        yield drill_home
        for process in drill_home.started_processes:
            process.kill()
            process.communicate()


def find_backup(home: DrillHome, index: str) -> str:
    """Return the newest backup of an index."""
    backups = [it for it in home.server.project.backups.values() if it.index.name == index and it.captured_at]
    return max(backups, key=lambda it: it.created_at).id


def test_a_plan_is_shown_without_a_write(home: DrillHome) -> None:
    """A viewer key is enough to show the backup, its size, its duration, and why the index is due."""
    result = home.drill(PINECONE_API_KEY=Server.viewer_key)
    assert (result.exit_code, result.error_output, home.write_requests) == (0, "", [])
    assert "1 restore drill" in result.output
    assert f"backup {find_backup(home, 'articles')}" in result.output
    assert "No drill of the index has passed." in result.output
    assert "temporary index drill-articles-" in result.output
    assert result.output.count("The limit of drills per run is 1") == 3
    assert not (home.folder / "state.db").exists()


def test_a_drill_restores_verifies_and_deletes(home: DrillHome) -> None:
    """The index is restored under another name and deleted, and the document of the drill is beside the state."""
    result = home.drill("--index", "orders", "--apply", "--yes")
    assert result.exit_code == 0, result
    assert "1 restore drill: 1 passed" in result.output
    assert "in 3 namespaces as in the backup; 100 records read and checked." in " ".join(result.output.split())
    restore, deletion = home.write_requests
    assert restore == f"POST /backups/{find_backup(home, 'orders')}/create-index"
    assert deletion.startswith("DELETE /indexes/drill-orders-")
    assert home.live_names == INDEXES
    (document_path,) = (home.folder / "state-drills").iterdir()
    document = json.loads(document_path.read_bytes())
    assert (document["result"], document["index"]["name"]) == ("passed", "orders")
    phases = [it.split(": ", 2)[2].split(" ")[0] for it in result.error_output.splitlines()]
    assert phases == ["restoring", "verifying", "passed;", "passed;"]


def test_a_drilled_index_is_not_due_and_is_proven(home: DrillHome) -> None:
    """The next plan leaves it out, and an audit with the state finds the proof."""
    assert home.drill("--index", "orders", "--apply", "--yes").exit_code == 0
    assert "It is not due before" in home.drill().output
    env = home.build_environment(PINECONE_API_KEY=Server.viewer_key)
    audit = run_command("audit", "--state", "state.db", "--format", "json", env=env, cwd=home.folder)
    findings = {it["resource"]["name"]: it for it in audit.report["findings"] if it["control"] == "restore-is-proven"}
    assert findings["orders"]["compliance"] == "COMPLIANT"


def test_json_is_one_document(home: DrillHome) -> None:
    """A shown plan and a run are each one JSON document; the results name the stored documents and their hashes."""
    shown: Any = json.loads(home.drill("--format", "json").output)
    assert (shown["results"], shown["open_drills"]) == (None, [])
    assert [it["index"]["name"] for it in shown["plan"]["drills"]] == ["articles"]
    applied: Any = json.loads(home.drill("--apply", "--yes", "--format", "json").output)
    (result,) = applied["results"]
    assert (result["result"], result["index"]["name"], result["deletion"]["state"]) == (
        "passed",
        "articles",
        "confirmed",
    )
    content = Path(result["document"]["location"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == result["document"]["sha256"]


def test_every_kind_of_index_is_drilled_until_nothing_is_due(home: DrillHome) -> None:
    """Dense, sparse and document indexes pass; a BYOC index is restored and not read, and is not due again."""
    home.write_policy(APPLY_POLICY.replace("mode: apply", "mode: apply, max_per_run: 4"))
    result = home.drill("--apply", "--yes", "--format", "json")
    results = {it["index"]["name"]: it["result"] for it in json.loads(result.output)["results"]}
    assert results == {"articles": "passed", "ledgers": "not_verified", "orders": "passed", "search-terms": "passed"}
    assert (result.exit_code, home.live_names) == (1, INDEXES)
    next_result = home.drill("--format", "json")
    next_plan = json.loads(next_result.output)["plan"]
    assert (next_result.exit_code, next_plan["drills"]) == (0, [])
    assert all("It is not due before" in it["reason"] for it in next_plan["skipped"])


@pytest.mark.parametrize("flags", [(), ("--apply", "--yes")], ids=["shown", "applied"])
def test_due_indexes_that_are_too_large_are_exit_code_1(home: DrillHome, flags: tuple[str, ...]) -> None:
    """No later run starts their drills, so the policy stays violated until someone changes something."""
    home.write_policy(APPLY_POLICY.replace("mode: apply", "mode: apply, max_size_gib: 0.00001"))
    result = home.drill(*flags)
    assert (result.exit_code, home.write_requests) == (1, []), result
    assert "no drill can start" in result.output


@pytest.mark.parametrize(
    "damage,code,words",
    [
        pytest.param(DamageKind.NAN_VALUES, 1, "has a value that is not finite", id="nan"),
        pytest.param(DamageKind.WRONG_SCHEMA, 1, "The dimension is 9 (backup: 8).", id="wrong-schema"),
        pytest.param(
            DamageKind.FAILED_RESTORE,
            1,
            "The state of the restored index is InitializationFailed.",
            id="failed-restore",
        ),
    ],
)
def test_a_damaged_restore_is_exit_code_1(home: DrillHome, damage: DamageKind, code: int, words: str) -> None:
    """The result names what is wrong, and the index is deleted."""
    home.server.project.damages.append(Damage(kind=damage))
    result = home.drill("--index", "orders", "--apply", "--yes")
    assert (result.exit_code, home.live_names) == (code, INDEXES), result
    assert "1 failed" in result.output
    assert words in " ".join(result.output.split())


def test_a_read_error_of_one_index_is_exit_code_3(home: DrillHome) -> None:
    """What could not be read is skipped with the reason, and the others are planned."""
    home.server.faults.append(Fault(kind="garbage", path="/indexes/orders/backup-schedules", method="GET"))
    home.server.faults.append(Fault(kind="garbage", path="/backups", method="GET"))
    result = home.drill()
    assert (result.exit_code, home.write_requests) == (3, [])
    assert "read error" in result.error_output


@pytest.mark.parametrize(
    "policy,flags,words",
    [
        pytest.param(APPLY_POLICY, ("--apply",), ("needs a terminal", "--yes"), id="no-terminal"),
        pytest.param(APPLY_POLICY, ("--yes",), ("--apply",), id="yes-without-apply"),
        pytest.param("", ("--apply", "--yes"), ("restore_drills.mode: never", "set it to apply"), id="never"),
        pytest.param(
            "restore_drills: {mode: propose}\n", ("--apply", "--yes"), ("restore_drills.mode: propose",), id="propose"
        ),
        pytest.param("restore_drills: {max_duration: 59s}\n", (), ("max_duration",), id="under-a-minute"),
        pytest.param("restore_drills: {price_per_gib: -1}\n", (), ("price_per_gib",), id="no-price"),
        pytest.param(APPLY_POLICY, ("--index", "a", "--backup", "b"), ("not allowed with",), id="index-and-backup"),
    ],
)
def test_an_invalid_command_is_refused_before_the_first_request(
    home: DrillHome, policy: str, flags: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """An invalid flag or policy is exit code 2 and one error line, and no request is sent."""
    home.write_policy(policy)
    result = home.drill(*flags)
    assert (result.exit_code, result.output, home.server.requests) == (2, "", []), result
    assert len(result.error_output.splitlines()) == 1
    assert all(it in result.error_output for it in words), result.error_output


def assert_refused(home: DrillHome, result: CompletedCommand, words: str) -> None:
    """Assert that a run was refused before the first write, with one line."""
    assert (result.exit_code, home.write_requests) == (2, []), result
    assert words in result.error_output.splitlines()[-1]


@pytest.mark.parametrize(
    "flags,words",
    [
        pytest.param(("--index", "unknown"), "unknown: The project has no such index", id="index"),
        pytest.param(("--backup", "unknown"), "unknown: The project has no such backup", id="backup"),
    ],
)
def test_what_the_project_does_not_have_is_refused(home: DrillHome, flags: tuple[str, ...], words: str) -> None:
    """An index or a backup of another project is unknown here, with and without --apply."""
    assert_refused(home, home.drill(*flags), words)
    assert_refused(home, home.drill(*flags, "--apply", "--yes"), words)


def test_a_backup_that_is_not_ready_is_refused(home: DrillHome) -> None:
    """The error names the backup and its status."""
    with home.server.project.lock:
        backup = home.server.project.create_backup("orders", "by-hand")
    assert_refused(home, home.drill("--backup", backup.id, "--apply", "--yes"), f"The backup {backup.id} is not Ready")


@pytest.mark.parametrize("flags", [(), ("--index", "orders")])
def test_a_project_without_a_free_index_is_refused(home: DrillHome, flags: tuple[str, ...]) -> None:
    """One index must be free beside that of the drill, for what is due and for what is requested."""
    with home.server.project.lock:
        for number in range(15):
            home.server.project.create_index(f"more-{number}")
    result = home.drill(*flags, "--apply", "--yes")
    assert_refused(home, result, "The project has 19 of 20 indexes; one must be free beside that of a drill")


@pytest.mark.parametrize(
    "variables,words",
    [
        pytest.param({"PINECONE_API_KEY": Server.editor_key}, "DataPlaneViewer", id="no-data-plane"),
        pytest.param(
            {"PINECONE_API_VERSION": "2025-10", "PINECONE_SCHEDULES_API_VERSION": "unstable"},
            "set PINECONE_API_VERSION to 2026-07",
            id="older-version",
        ),
        pytest.param({"PINECONE_API_KEY": ""}, "PINECONE_API_KEY is not set", id="no-key"),
    ],
)
def test_a_key_or_version_that_cannot_drill_is_refused(home: DrillHome, variables: dict[str, str], words: str) -> None:
    """The missing role or version is named before anything is created."""
    assert_refused(home, home.drill("--index", "orders", "--apply", "--yes", **variables), words)


def test_a_key_that_cannot_create_leaves_no_index(home: DrillHome) -> None:
    """A refusal of the restore itself is a drill without a result."""
    home.server.faults.append(Fault(status=403, path="/backups/*/create-index", method="POST", message="No."))
    result = home.drill("--index", "orders", "--apply", "--yes")
    assert (result.exit_code, home.live_names) == (3, INDEXES)
    assert "Pinecone refused the restore" in result.output


def test_the_state_of_another_pinecone_project_is_refused(home: DrillHome) -> None:
    """The error names both ids."""
    env = home.build_environment(PINECONE_API_KEY=Server.viewer_key)
    run_command("audit", "--state", "state.db", env=env, cwd=home.folder)
    recorded_id, home.server.project.project_id = home.server.project.project_id, "another"
    result = home.drill("--index", "orders", "--apply", "--yes")
    assert_refused(home, result, f"belongs to Pinecone project {recorded_id}, but Pinecone project another was read")


@pytest.mark.parametrize("mode,note", [("never", "not allowed to run"), ("propose", "proposed only")])
def test_nothing_is_written_unless_the_policy_says_apply(home: DrillHome, mode: str, note: str) -> None:
    """Neither a shown plan nor a refused run sends a request that writes, or creates a state."""
    home.write_policy(APPLY_POLICY.replace("mode: apply", f"mode: {mode}"))
    shown_result = home.drill("--index", "orders")
    assert shown_result.exit_code == 0
    assert f"{note}: restore_drills.mode is {mode}" in shown_result.output
    assert home.drill("--index", "orders", "--apply", "--yes").exit_code == 2
    assert (home.write_requests, (home.folder / "state.db").exists()) == ([], False)


def read_terminal(descriptor: int) -> str:
    """Return everything that is shown on a terminal until its program ends."""
    pieces = []
    with suppress(OSError):  # Linux reports the end as an error
        while piece := os.read(descriptor, 1 << 16):
            pieces.append(piece)
    return b"".join(pieces).decode()


def run_on_terminal(home: DrillHome, typed: str, *flags: str) -> tuple[int, str, str]:
    """Run with --apply on a terminal; return the exit code, standard output and what the terminal shows."""
    main, terminal_end = pty.openpty()
    line = [str(COMMAND), "drill", "--state", "state.db", "--index", "orders", "--apply", *flags]
    env = home.build_environment(TERM="xterm")
    with subprocess.Popen(
        line, env=env, cwd=home.folder, stdin=terminal_end, stderr=terminal_end, stdout=subprocess.PIPE
    ) as process:
        os.close(terminal_end)
        os.write(main, typed.encode())
        with ThreadPoolExecutor() as pool:
            reading = pool.submit(read_terminal, main)
            output, _ = process.communicate(timeout=60)
            shown = reading.result()
        os.close(main)
    return process.returncode, output.decode(), shown


@pytest.mark.parametrize("confirmation,code,writes", [("y", 0, 2), ("n", 2, 0), ("", 2, 0)])
def test_applying_asks_for_confirmation_on_a_terminal(
    home: DrillHome, confirmation: str, code: int, writes: int
) -> None:
    """The drills run only if the answer is yes, and a terminal shows their progress."""
    exit_code, output, shown = run_on_terminal(home, f"{confirmation}\n")
    assert (exit_code, len(home.write_requests)) == (code, writes)
    assert "plan " in output
    assert "Run 1 restore drill of plan" in shown
    if confirmation == "y":
        assert "orders: restoring" in shown


def test_declining_the_plan_keeps_the_results_of_a_continued_drill(home: DrillHome) -> None:
    """The drill of the earlier run is finished and shown, and exit code 1 says that the plan was not run."""
    process = home.start("--index", "orders", "--apply", "--yes")
    home.wait_for_write()
    process.kill()
    process.communicate(timeout=60)
    code, output, shown = run_on_terminal(home, "y\nn\n", "--format", "json")
    document = json.loads(output)
    assert (code, [it["result"] for it in document["results"]]) == (1, ["passed"])
    assert document["plan"]["drills"]
    assert "nothing more was changed" in shown
    assert home.live_names == INDEXES


def test_a_shown_plan_has_the_drills_that_a_run_continues(home: DrillHome) -> None:
    """An index that exists again after its deletion was confirmed is not finished."""
    assert home.drill("--index", "orders", "--apply", "--yes").exit_code == 0
    (deleted_index,) = home.list_created_indexes()
    assert "NOT FINISHED" not in home.drill().output
    project = home.server.project
    with project.lock:
        source_id = deleted_index.source_backup_id
        assert source_id is not None
        project.create_index_from_backup(source_id, deleted_index.name, tags=deleted_index.tags)
    assert "NOT FINISHED (1)" in home.drill().output


def test_an_interrupted_run_says_what_the_next_run_does(home: DrillHome) -> None:
    """The record is kept, and the next run finishes the drill without a second index."""
    home.server.project.options.restore_duration = timedelta(hours=1)
    process = home.start("--index", "orders", "--apply", "--yes", "--format", "json")
    home.wait_for_write()
    process.send_signal(signal.SIGINT)
    output, error_output = process.communicate(timeout=60)
    assert process.returncode == 130
    (result,) = json.loads(output)["results"]
    assert (result["result"], result["restore"]["state"]) == (None, "requested")
    target_name = result["temporary_index"]["name"]
    remedy = f"`backup-auditor drill --apply` continues it and deletes the temporary index {target_name}"
    assert remedy in error_output.decode()
    shown_result = home.drill()
    assert "NOT FINISHED (1)" in shown_result.output
    assert f"Restore drill {result['drill_id']} of orders is running" in " ".join(shown_result.output.split())
    finish_after_interruption(home, result["drill_id"])


@pytest.mark.parametrize("writes", [1, 2])
def test_a_killed_run_is_continued_by_the_next(home: DrillHome, writes: int) -> None:
    """A run that is killed after the restore, or while it deletes, leaves nothing that the next does not delete."""
    home.server.project.options.index_deletion_duration = timedelta(seconds=2)
    process = home.start("--index", "orders", "--apply", "--yes")
    home.wait_for_write(writes)
    process.kill()
    process.communicate(timeout=60)
    finish_after_interruption(home, None)


@pytest.mark.parametrize(
    "has_schedule,code,words",
    [
        pytest.param(True, 2, "but Pinecone project", id="another-id"),
        pytest.param(False, 3, "use the key with which the drill was started; the next run", id="unknown-id"),
    ],
)
def test_a_drill_is_not_continued_in_another_project(
    home: DrillHome, *, has_schedule: bool, code: int, words: str
) -> None:
    """There the temporary index is missing, and its deletion is not confirmed."""
    process = home.start("--index", "orders", "--apply", "--yes")
    home.wait_for_write()
    process.kill()
    process.communicate(timeout=60)
    other_project = SimulatedProject(read_real_clock(), seed=9)
    other_project.create_index("orders")
    if has_schedule:
        other_project.create_schedule("orders", "daily")
    with Server(other_project, clock=read_real_clock) as other_server:
        result = home.drill("--apply", "--yes", PINECONE_CONTROLLER_HOST=other_server.url)
        assert [it for it in other_server.requests if it.is_write] == []
    assert (result.exit_code, words in result.error_output) == (code, True), result
    finish_after_interruption(home, None)


def finish_after_interruption(home: DrillHome, drill_id: str | None) -> None:
    """Run again, and assert that the same drill passed and that nothing is left."""
    project = home.server.project
    with project.lock:
        for index in home.list_created_indexes():
            index.ready_at = project.now
        for job in project.restore_jobs.values():
            job.completed_at = project.now
    home.write_policy(APPLY_POLICY.replace("90d", "null"))
    result = home.drill("--apply", "--yes", "--format", "json")
    (finished_result,) = json.loads(result.output)["results"]
    assert (result.exit_code, finished_result["result"]) == (0, "passed"), result
    assert drill_id in {None, finished_result["drill_id"]}
    assert (len(home.list_created_indexes()), home.live_names) == (1, INDEXES)


def test_two_commands_at_once_create_one_index(home: DrillHome) -> None:
    """One starts the drill; the other continues the same one, or is refused."""
    processes = [home.start("--index", "orders", "--apply", "--yes") for _ in range(2)]
    codes = []
    for process in processes:
        process.communicate(timeout=120)
        codes.append(process.returncode)
    assert 0 in codes
    assert set(codes) <= {0, 2}
    assert home.live_names == INDEXES
    created_names = sorted(it.name for it in home.list_created_indexes())
    assert created_names == sorted(it["temporary_index"]["name"] for it in home.list_recorded_drills())


def test_an_index_that_cannot_be_deleted_is_left_to_the_next_run(home: DrillHome) -> None:
    """The exit code is 1, an audit warns of the index, and the next run deletes it."""
    fault = Fault(status=412, path="/indexes/drill-*", method="DELETE", message="A collection is pending.")
    home.server.faults.append(fault)
    result = home.drill("--index", "orders", "--apply", "--yes")
    assert result.exit_code == 1
    assert "Pinecone refused to delete the index" in result.output
    home.server.faults.clear()
    next_result = home.drill("--index", "orders", "--apply", "--yes", "--format", "json")
    results = json.loads(next_result.output)["results"]
    assert [it["result"] for it in results] == ["passed", "passed"]
    assert (next_result.exit_code, home.live_names) == (0, INDEXES)


def test_a_request_that_is_refused_after_an_earlier_drill_was_continued_is_exit_code_1(home: DrillHome) -> None:
    """The results of the earlier drill are shown, and the refusal is one line."""
    process = home.start("--index", "orders", "--apply", "--yes")
    home.wait_for_write()
    process.kill()
    process.communicate(timeout=60)
    result = home.drill("--index", "unknown", "--apply", "--yes", "--format", "json")
    document = json.loads(result.output)
    assert (result.exit_code, document["plan"]) == (1, None)
    assert [it["result"] for it in document["results"]] == ["passed"]
    assert "unknown: The project has no such index" in result.error_output.splitlines()[-1]


def test_results_that_cannot_be_written_are_exit_code_3(home: DrillHome) -> None:
    """The drill is finished and recorded, and the error says what shows it."""
    process = home.drill_into(">/dev/full")
    assert (process.returncode, home.live_names) == (3, INDEXES)
    assert process.stderr.splitlines()[-1] == (
        "backup-auditor: standard output cannot be written: No space left on device;"
        " `backup-auditor evidence list` shows the recorded drills"
    )
    assert [it["result"] for it in home.list_recorded_drills()] == ["passed"]
    home.write_policy(APPLY_POLICY.replace("90d", "null"))
    shown_flags = "--apply --yes --format json >/dev/full"
    script = f'"{COMMAND}" drill --state state.db {shown_flags}'
    env = home.build_environment()
    nothing_due = subprocess.run(["/bin/sh", "-c", script], env=env, cwd=home.folder, capture_output=True, check=False)
    assert nothing_due.returncode == 2, "nothing was changed"


def test_closed_output_is_refused_before_the_first_write(home: DrillHome) -> None:
    """The results could not be read."""
    process = home.drill_into(">&-")
    assert (process.returncode, home.write_requests) == (2, [])
    assert process.stderr == "backup-auditor: standard output is closed; open it\n"


def test_full_standard_error_does_not_stop_a_drill(home: DrillHome) -> None:
    """The results are complete without the messages."""
    process = home.drill_into("2>/dev/full")
    assert (process.returncode, home.live_names) == (0, INDEXES)
    assert [it["result"] for it in json.loads(process.stdout)["results"]] == ["passed"]
