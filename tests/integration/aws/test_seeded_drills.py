"""Drill a project by invocations that are killed, repeated, late and concurrent, with faults of Pinecone, by seed.

`make soak` runs 60 seeds.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.aws.messaging import EventBus
from backup_auditor.adapters.dynamodb.drill_ledger import DynamoDrillLedger
from backup_auditor.adapters.pinecone import restores
from backup_auditor.adapters.pinecone.client import Runtime
from backup_auditor.adapters.pinecone.restores import PineconeDrillProject
from backup_auditor.domain.drills.drill import DeletionState
from backup_auditor.domain.project_state import DrillResult
from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.web.faults import Fault
from support.aws.drills import LATE_SWEEP_FACTOR, MAX_SWEEPS, DrillFunction, open_drill_function
from support.fakes.project_drill import KilledError

pytestmark = pytest.mark.writes
KILL_PROBABILITY = 0.04
"""How likely an invocation is killed before a call, and again after it."""
REPEAT_PROBABILITY = 0.3
DAMAGES = ("missing_records", "nan_values", "failed_restore")
TROUBLED_SWEEPS = 25
RUN_ID = "2026-11-23T09:15:00Z"
FAULTS: tuple[Mapping[str, Any], ...] = (
    {"kind": "reset_after_effect", "path": "*/create-index", "times": 1},
    {"kind": "reset_after_effect", "method": "DELETE", "times": 1},
    {"kind": "reset", "method": "GET", "path": "/indexes/*", "probability": 0.2},
    {"status": 404, "path": "/restore-jobs/*", "times": 3},
    {"status": 503, "path": "/data/*", "times": 8},
    {"status": 429, "path": "/indexes/*", "probability": 0.2},
)


class Trouble:
    """Kills invocations before or after a call, repeats requests, and processes some at once."""

    def __init__(self, function: DrillFunction, seed: int) -> None:
        """Take the function, and the seed of what happens."""
        self.rng = random.Random(seed)  # noqa: S311  a seeded choice, not a secret
        self.is_over = False
        self._function = function

    def wrap[**Arguments, Result](self, work: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """Return a call that sometimes ends its invocation, before or after its effect."""

        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            self._kill()
            result = work(*args, **kwargs)
            self._kill()
            return result

        return call

    def _kill(self) -> None:
        if not self.is_over and self.rng.random() < KILL_PROBABILITY:
            raise KilledError

    def request(self, payload: Mapping[str, object]) -> None:
        """Let the function send requests, and process them: some twice, some at once, and an earlier one again."""
        function = self._function
        with suppress(KilledError):
            function.process(payload) if "request_id" in payload else function.invoke(payload)
        for request in function.take_requests():
            deliveries = [request]
            if not self.is_over and self.rng.random() < REPEAT_PROBABILITY:
                deliveries.append(self.rng.choice(function.requests))
            threads = [Thread(target=self._process, args=(it,)) for it in deliveries]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _process(self, request: Mapping[str, object]) -> None:
        with suppress(KilledError):
            self._function.process(request)

    def sweep(self) -> None:
        """Advance the clock by some minutes, by more once the trouble is over, and sweep."""
        minutes = self.rng.randint(1, 9) * (LATE_SWEEP_FACTOR if self.is_over else 1)
        self._function.project.advance(timedelta(minutes=minutes))
        self.request({"sweep": True})


def drill_in_trouble(function: DrillFunction, trouble: Trouble) -> None:
    """Request a run twice, sweep in trouble, then without, and let a last run find what was left."""
    for _ in range(2):
        trouble.request({"request_id": RUN_ID})
    for _ in range(TROUBLED_SWEEPS):
        trouble.sweep()
    trouble.is_over = True
    function.pinecone.faults.clear()
    trouble.request({"request_id": RUN_ID})
    for _ in range(MAX_SWEEPS):
        trouble.sweep()
        if not any(it.is_in_progress for it in function.records):
            break
    function.put_policy("propose")
    trouble.request({"request_id": "the-next"})
    trouble.sweep()


def check_drilled(function: DrillFunction, *, is_damaged: bool) -> None:
    """Check that one drill was recorded, restored once at most, published, and deleted, and nothing else was."""
    (record,) = function.records
    requests = [it for it in function.pinecone.requests if it.is_write]
    restores_by_name = Counter(
        json.loads(it.content)["name"] for it in requests if it.method == "POST" and it.status != 429
    )
    assert all(count == 1 for count in restores_by_name.values())
    assert restores_by_name.keys() <= {record.target_name}
    assert {it.path for it in requests if it.method == "DELETE"} <= {f"/indexes/{record.target_name}"}
    assert list(function.project.indexes) == ["orders"]
    assert (record.deletion, record.is_open) == (DeletionState.CONFIRMED, False)
    assert record.result is not None
    assert not (is_damaged and record.result is DrillResult.PASSED)
    assert {(it["detail"]["drill_id"], it["detail"]["result"]) for it in function.events} == {
        (record.drill_id, record.result.value)
    }


def drill(
    seed: int, aws_variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Drill one project in the trouble of a seed, and check the result."""
    monkeypatch.setattr(restores, "Runtime", lambda: Runtime(sleep=lambda _: None))
    with open_drill_function(f"seed {seed}", aws_variables, monkeypatch, capsys) as function:
        trouble = Trouble(function, seed)
        damages = [Damage(kind=it) for it in DAMAGES if trouble.rng.random() < 1 / 6]
        function.project.damages.extend(damages[:1])
        function.pinecone.faults.extend(
            Fault(seed=seed, **it) for it in trouble.rng.sample(FAULTS, k=trouble.rng.randint(0, 3))
        )
        with monkeypatch.context() as patches:
            for owner, name in (
                (DynamoDrillLedger, "create_drill"),
                (DynamoDrillLedger, "replace_drill"),
                (PineconeDrillProject, "confirm_project"),
                (PineconeDrillProject, "make_call"),
                (EvidenceBucket, "store_drill"),
                (EventBus, "put"),
            ):
                patches.setattr(owner, name, trouble.wrap(getattr(owner, name)))
            drill_in_trouble(function, trouble)
        check_drilled(function, is_damaged=bool(damages))


@pytest.mark.parametrize("seed", range(3))
def test_a_drill_in_trouble_leaves_nothing(
    seed: int, aws_variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is never a second index, nothing else is deleted, damage never passes, and nothing is left."""
    drill(seed, aws_variables, monkeypatch, capsys)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 60))
def test_many_drills_in_trouble_leave_nothing(
    seed: int, aws_variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same holds for each other seed of `make soak`."""
    drill(seed, aws_variables, monkeypatch, capsys)
