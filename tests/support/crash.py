"""A program that kills a process while it records audits, and checks the stored state.

`python crash.py FOLDER KILL_COUNT SEED` prints how many audits each process had recorded when it was killed. It forks,
and is therefore a separate program.
"""

import os
import random
import signal
import sys
import time
from datetime import timedelta
from functools import cache
from pathlib import Path

from backup_auditor.adapters.sqlite.state_store import open_state
from backup_auditor.domain.finding import Resource, ResourceType, Severity
from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.project_state import EMPTY_STATE, FindingState, KnownBackup, KnownFinding, ProjectState
from support.builders.facts import NOW
from support.fakes.stores import PROJECT

ROW_COUNT = 150
MAX_SECONDS = 0.2
"""The maximum life of a process in seconds: enough to create the file and record about twenty audits."""
MAX_RECORDINGS = 500


@cache
def build_state(revision: int) -> ProjectState:
    """Return the state after this many audits: every row names the audit that wrote it."""
    if revision == 0:
        return EMPTY_STATE
    moment = NOW + timedelta(days=revision)
    resource = Resource(ResourceType.INDEX, PROJECT, "orders", f"id-{revision}")
    numbers = range(revision, revision + ROW_COUNT)
    findings = {
        f"{number}": KnownFinding(
            f"{number}", "control", resource, Severity.LOW, FindingState.OPEN, moment, revision, moment, f"{revision}"
        )
        for number in numbers
    }
    backups = {
        f"{number}": KnownBackup(f"{number}", "id", "orders", None, f"{revision}", moment, True, moment, moment)
        for number in numbers
    }
    return ProjectState(revision, f"{revision}", moment, moment, f"{revision}", findings, backups)


def record_forever(path: Path) -> None:
    """Record one audit after another."""
    with open_state(path) as store:
        for revision in range(MAX_RECORDINGS):
            change = diff_states(build_state(revision), build_state(revision + 1))
            assert change is not None
            store.record(PROJECT, change)


def count_after_kill(path: Path, delay_seconds: float) -> int:
    """Kill a process that records audits, and return how many audits are completely stored."""
    child = os.fork()
    if child == 0:
        try:
            record_forever(path)
        finally:
            os._exit(1)
    time.sleep(delay_seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        raise RuntimeError("the process recorded all audits before it was killed")
    with open_state(path) as store:
        state = store.load(PROJECT)
    if state != build_state(state.revision):
        raise RuntimeError(f"a part of an audit is recorded, of revision {state.revision}")
    return state.revision


def main(folder: Path, kill_count: int, seed: int) -> None:
    """Kill this many processes at random times, each with its own file."""
    rng = random.Random(seed)  # noqa: S311  not a secret
    for revision in range(60):
        build_state(revision)
    for number in range(kill_count):
        print(count_after_kill(folder / f"{number}.sqlite3", rng.uniform(0, MAX_SECONDS)))  # noqa: T201  the result of the program


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
