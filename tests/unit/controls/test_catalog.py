"""Every control has its module, its constant, its test and its place."""

import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from backup_auditor import controls
from backup_auditor.adapters.policy_file import read_default_policy
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.control import Family
from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.policy import find_default

TEST_FOLDER = Path(__file__).parent
CONTROL_FOLDER = Path(controls.__path__[0])
CONTROL_PARAMETERS = [pytest.param(it, id=it.id) for it in CATALOG.all_controls]
SECTION_ORDER = {
    "index-can-be-backed-up": "medium",
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
    "recovery-points-outlast-horizon": "high",
    "scheduled-runs-are-continuous": "high",
    "latest-run-succeeded": "high",
    "no-run-is-stuck": "high",
    "planned-run-started-on-time": "high",
    "recovery-point-is-not-empty": "critical",
    "record-count-is-stable": "high",
    "namespace-count-is-stable": "high",
    "backup-size-is-stable": "medium",
    "recovery-points-belong-to-index": "critical",
    "backups-expire-on-time": "medium",
    "backup-did-not-vanish": "critical",
    "backup-status-is-known": "medium",
    "deletion-protection-is-enabled": "medium",
    "backup-location-is-allowed": "high",
    "index-has-required-tags": "low",
    "backups-within-erasure-horizon": "high",
    "restore-is-proven": "high",
    "restore-time-meets-objective": "medium",
    "backups-have-live-source": "low",
    "backup-quota-has-headroom": "medium",
    "schedules-fit-quota": "high",
    "policy-fits-quota": "high",
    "exemptions-are-current": "medium",
    "plan-allows-schedules": "high",
    "project-is-expected": "critical",
    "inventory-is-complete": "high",
}
"""The contract's order and severities."""


def list_control_names(files: Iterable[Path], prefix: str = "") -> set[str]:
    """Return the ids that these modules are named after."""
    return {it.stem.removeprefix(prefix).replace("_", "-") for it in files}


def test_the_order_and_the_severities_are_those_of_the_contract() -> None:
    """Users know them by heart."""
    assert {it.id: it.severity.value for it in CATALOG.all_controls} == SECTION_ORDER
    assert [it.id for it in CATALOG.all_controls] == list(SECTION_ORDER)


def test_no_module_is_left_out_of_the_catalog() -> None:
    """A control that is not listed would be silent."""
    modules = list_control_names(it for it in CONTROL_FOLDER.glob("*.py") if it.stem not in {"__init__", "catalog"})
    assert modules == set(SECTION_ORDER)


@pytest.mark.parametrize("control", CONTROL_PARAMETERS)
def test_module_constant_and_test_share_its_name(control: AnyControl) -> None:
    """The module, the constant and the test of a control have its name."""
    name = control.id.replace("-", "_")
    assert getattr(import_module(f"backup_auditor.controls.{name}"), name.upper()) is control
    assert (TEST_FOLDER / f"test_{name}.py").exists()


@pytest.mark.parametrize("control", CONTROL_PARAMETERS)
def test_its_texts_are_sentences(control: AnyControl) -> None:
    """The title, which states the passing condition, is part of tables and ends without a full stop."""
    assert re.fullmatch(r"[A-Z][^.]*[^. ]", control.title)
    assert not re.search(r"\b(fails|failed|unless|too old)\b", control.title)
    for text in (control.fails_when, control.rationale, control.remediation):
        assert re.fullmatch(r"[A-Z].*\.", text)
        assert "  " not in text


@pytest.mark.parametrize("control", CONTROL_PARAMETERS)
def test_its_remediation_says_where_to_go(control: AnyControl) -> None:
    """A call of the API, a command, or a part of the report."""
    assert re.search(r"(GET|POST|PATCH|DELETE) ?/|backup-auditor |`read_errors`|documentation", control.remediation)


@pytest.mark.parametrize("control", CONTROL_PARAMETERS)
def test_its_parameters_are_keys_of_the_policy(control: AnyControl) -> None:
    """Written as in the file, each with a default that the file states, too."""
    policy_document = yaml.safe_load(read_default_policy())
    for key in control.parameters:
        sections = policy_document if key.startswith("project.") else policy_document["defaults"]
        for name in key.split("."):
            sections = sections[name]
        assert find_default(key) == sections


@pytest.mark.parametrize("control", CONTROL_PARAMETERS)
def test_it_says_what_a_person_needs(control: AnyControl) -> None:
    """The guidance of a control is written in whole sentences."""
    for text in (control.looks_at, control.false_positives, *control.console, *control.api):
        assert re.fullmatch(r"[A-Z].*\.", text)
        assert "  " not in text
    assert control.api
    assert len(set(control.frameworks)) == len(control.frameworks)


def test_the_family_of_schedules_is_what_a_plan_can_take_away() -> None:
    """Index-has-schedule, and those whose name begins with schedule."""
    family = {it.id for it in CATALOG.all_controls if it.family is Family.SCHEDULES}
    assert family == {it for it in SECTION_ORDER if it == "index-has-schedule" or it.startswith("schedule-")}


def test_scopes_fit_their_place() -> None:
    """A control is listed for each resource type that it evaluates, and for no other."""
    controls_by_scope: dict[ResourceType, Sequence[AnyControl]] = {
        ResourceType.PROJECT: CATALOG.project_controls,
        ResourceType.INDEX: CATALOG.index_controls,
        ResourceType.DELETED_INDEX: CATALOG.deleted_index_controls,
    }
    for control in CATALOG.all_controls:
        scopes = {
            scope
            for scope, scope_controls in controls_by_scope.items()
            if control.id in {it.id for it in scope_controls}
        }
        assert scopes == set(control.scopes)
    assert {it.severity for it in CATALOG.all_controls} <= set(Severity)
