"""Every control has its module, its constant, its test and its place."""

import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import pytest

from backup_auditor import controls
from backup_auditor.controls.catalogue import CATALOGUE
from backup_auditor.domain.control import Family
from backup_auditor.domain.evaluation import AnyControl
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.policy import Policy

HERE = Path(__file__).parent
FOLDER = Path(controls.__path__[0])
EACH = [pytest.param(it, id=it.id) for it in CATALOGUE.all]
ORDER = {
    "index-has-schedule": "high",
    "schedule-is-enabled": "high",
    "schedule-is-unique": "medium",
    "schedule-frequency-meets-policy": "high",
    "schedule-retention-meets-minimum": "high",
    "schedule-retention-within-maximum": "medium",
    "schedule-retention-outlives-interval": "critical",
    "schedule-guarantees-minimum-copies": "high",
    "schedule-next-run-is-planned": "high",
    "schedule-name-is-runnable": "critical",
    "index-has-recovery-point": "critical",
    "recovery-point-is-recent": "critical",
    "recovery-points-meet-minimum-copies": "high",
    "scheduled-runs-are-continuous": "high",
    "latest-run-succeeded": "high",
    "no-run-is-stuck": "high",
    "planned-run-started-on-time": "high",
    "recovery-points-belong-to-index": "critical",
    "backup-status-is-known": "medium",
    "plan-allows-schedules": "high",
    "inventory-is-complete": "high",
}
"""The contract's order and severities."""


def named(files: Iterable[Path], prefix: str = "") -> set[str]:
    """Return the ids that these modules are named after."""
    return {it.stem.removeprefix(prefix).replace("_", "-") for it in files}


def test_the_order_and_the_severities_are_those_of_the_contract() -> None:
    """Users know them by heart."""
    assert {it.id: it.severity.value for it in CATALOGUE.all} == ORDER
    assert [it.id for it in CATALOGUE.all] == list(ORDER)


def test_no_module_is_left_out_of_the_catalogue() -> None:
    """A control that is not listed would be silent."""
    modules = named(it for it in FOLDER.glob("*.py") if it.stem not in {"__init__", "announced", "catalogue"})
    assert modules == set(ORDER)


@pytest.mark.parametrize("control", EACH)
def test_module_constant_and_test_share_its_name(control: AnyControl) -> None:
    """So that each is found from the other."""
    name = control.id.replace("-", "_")
    assert getattr(import_module(f"backup_auditor.controls.{name}"), name.upper()) is control
    assert (HERE / f"test_{name}.py").exists()


@pytest.mark.parametrize("control", EACH)
def test_its_texts_are_sentences(control: AnyControl) -> None:
    """The title, which states the passing state, stands in tables and ends without a stop."""
    assert re.fullmatch(r"[A-Z][^.]*[^. ]", control.title)
    assert not re.search(r"\b(fails|failed|unless|too old)\b", control.title)
    for text in (control.fails_when, control.rationale, control.remediation):
        assert re.fullmatch(r"[A-Z].*\.", text)
        assert "  " not in text


@pytest.mark.parametrize("control", EACH)
def test_its_remediation_says_where_to_go(control: AnyControl) -> None:
    """A call of the API, or a part of the report."""
    assert re.search(r"(GET|POST|PATCH|DELETE) /|`unread`|documentation", control.remediation)


@pytest.mark.parametrize("control", EACH)
def test_its_parameters_are_keys_of_the_policy(control: AnyControl) -> None:
    """Under `defaults`, written as in the file."""
    defaults = Policy("built-in", "").defaults
    for key in control.parameters:
        section, _, name = key.partition(".")
        name = name.replace("retention_days.", "retention_")
        assert hasattr(getattr(defaults, section), name)


def test_the_family_of_schedules_is_what_a_plan_can_take_away() -> None:
    """Index-has-schedule, and those whose name begins with schedule."""
    family = {it.id for it in CATALOGUE.all if it.family is Family.SCHEDULES}
    assert family == {it for it in ORDER if it == "index-has-schedule" or it.startswith("schedule-")}


def test_scopes_fit_their_place() -> None:
    """Project controls judge the project, index controls an index."""
    assert {it.scope for it in CATALOGUE.project} == {ResourceType.PROJECT}
    assert {it.scope for it in CATALOGUE.index} == {ResourceType.INDEX}
    assert {it.severity for it in CATALOGUE.all} <= set(Severity)
