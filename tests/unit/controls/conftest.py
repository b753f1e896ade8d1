"""Holds every sentence and every figure that a control tells in these tests against those that were approved.

`approved/` has a file for each control with every sentence it gives in its tests. After an intended change, run
`pytest tests/unit/controls --numprocesses 0 --approve` and review the difference.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup_auditor.domain.evaluation.evaluator import ControlCatalog, Evaluation, evaluate_controls
from backup_auditor.domain.finding import Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from support.builders import facts

FOLDER = Path(__file__).parent / "approved"
EVERYTHING = pytest.StashKey[dict[str, set[str]]]()


@pytest.fixture(autouse=True)
def _told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    told: list[Finding] = []

    def listening(
        inventory: Inventory, policy: Policy, catalogue: ControlCatalog, memory: ProjectState = EMPTY_STATE
    ) -> Evaluation:
        judgement = evaluate_controls(inventory, policy, catalogue, memory)
        if len(catalogue.all_controls) == 1:
            told.extend(judgement.findings)
        return judgement

    monkeypatch.setattr(facts, "evaluate_controls", listening)
    yield
    if request.node.get_closest_marker("hypothesis"):
        return
    everything = request.config.stash.setdefault(EVERYTHING, {})
    for finding in told:
        line = _line(finding)
        if request.config.getoption("--approve"):
            everything.setdefault(finding.control, set()).add(line)
        else:
            assert line in _approved(finding.control), f"{finding.control} never told that: see {__file__}"


def _line(finding: Finding) -> str:
    evidence = json.dumps(finding.evidence, ensure_ascii=False)
    return f"{finding.compliance} {finding.resource.type} {finding.severity}: {finding.reason} {evidence}"


def _approved(control: str) -> set[str]:
    path = FOLDER / f"{control}.txt"
    return set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what was told, where that was asked for."""
    for control, lines in session.config.stash.get(EVERYTHING, {}).items():
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{control}.txt").write_text("".join(f"{it}\n" for it in sorted(lines)), encoding="utf-8")
