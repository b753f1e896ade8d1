"""Compare every reason and evidence of a control in these tests with the approved ones.

`approved/` has a file for each control with every sentence it gives in its tests. After an intended change, run
`pytest tests/unit/controls --numprocesses 0 --approve` and review the difference.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup_auditor.domain.evaluation.evaluator import ControlCatalog, evaluate_controls
from backup_auditor.domain.evaluation.results import Evaluation
from backup_auditor.domain.finding import Finding
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from support.builders import facts

APPROVED_FOLDER = Path(__file__).parent / "approved"
STASH_KEY = pytest.StashKey[dict[str, set[str]]]()


@pytest.fixture(autouse=True)
def _collect_findings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    findings: list[Finding] = []

    def evaluate_and_collect(
        inventory: Inventory, policy: Policy, catalog: ControlCatalog, state: ProjectState = EMPTY_STATE
    ) -> Evaluation:
        evaluation = evaluate_controls(inventory, policy, catalog, state)
        if len(catalog.all_controls) == 1:
            findings.extend(evaluation.findings)
        return evaluation

    monkeypatch.setattr(facts, "evaluate_controls", evaluate_and_collect)
    yield
    if request.node.get_closest_marker("hypothesis"):
        return
    lines_by_control = request.config.stash.setdefault(STASH_KEY, {})
    for finding in findings:
        line = _format_line(finding)
        if request.config.getoption("--approve"):
            lines_by_control.setdefault(finding.control, set()).add(line)
        else:
            assert line in _load_approved(finding.control), f"{finding.control} never gave that: see {__file__}"


def _format_line(finding: Finding) -> str:
    evidence = json.dumps(finding.evidence, ensure_ascii=False)
    return f"{finding.compliance} {finding.resource.type} {finding.severity}: {finding.reason} {evidence}"


def _load_approved(control: str) -> set[str]:
    path = APPROVED_FOLDER / f"{control}.txt"
    return set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the approved files, with `--approve`."""
    for control, lines in session.config.stash.get(STASH_KEY, {}).items():
        APPROVED_FOLDER.mkdir(exist_ok=True)
        (APPROVED_FOLDER / f"{control}.txt").write_text("".join(f"{it}\n" for it in sorted(lines)), encoding="utf-8")
