"""What the exit code of an audit says."""

from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.cli.exit_codes import (
    choose_audit_exit_code,
    choose_discovery_exit_code,
    choose_doctor_exit_code,
    choose_drill_exit_code,
    choose_drill_plan_exit_code,
    choose_plan_exit_code,
    choose_worst_exit_code,
)
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.checkup import Check, fail_check, pass_check, skip_check
from backup_auditor.domain.discovery import DiscoveredProject, Discovery, ProjectStatus
from backup_auditor.domain.drills.drill import DeletionState, RestoreState, ValidationState
from backup_auditor.domain.drills.selection import SkippedDrill
from backup_auditor.domain.finding import Compliance, Severity
from support.builders.drills import build_drill
from support.builders.facts import NOW, READ_FAILURE
from support.builders.reports import EXEMPTION, build_finding, build_report

INSUFFICIENT_DATA = Compliance.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    "facts,fail_on,code",
    [
        pytest.param({"compliance": Compliance.COMPLIANT}, "low", 0, id="compliant"),
        pytest.param({"compliance": Compliance.NOT_APPLICABLE}, "low", 0, id="not-applicable"),
        pytest.param({"severity": Severity.LOW}, "low", 1, id="low-at-low"),
        pytest.param({"severity": Severity.LOW}, "medium", 0, id="low-below-medium"),
        pytest.param({"severity": Severity.MEDIUM}, "medium", 1, id="medium-at-medium"),
        pytest.param({"severity": Severity.HIGH}, "critical", 0, id="high-below-critical"),
        pytest.param({"severity": Severity.CRITICAL}, "critical", 1, id="critical-at-critical"),
        pytest.param({"severity": Severity.CRITICAL}, "never", 0, id="critical-never"),
        pytest.param({"exemption": EXEMPTION}, "low", 0, id="exempted"),
        pytest.param({"compliance": INSUFFICIENT_DATA}, "low", 3, id="unknown"),
        pytest.param(
            {"compliance": INSUFFICIENT_DATA, "severity": Severity.LOW}, "critical", 3, id="unknown-below-the-limit"
        ),
        pytest.param({"compliance": INSUFFICIENT_DATA}, "never", 3, id="unknown-never"),
        pytest.param({"compliance": INSUFFICIENT_DATA, "exemption": EXEMPTION}, "low", 0, id="unknown-exempted"),
    ],
)
def test_one_finding_decides(facts: dict[str, Any], fail_on: str, code: int) -> None:
    """The code follows from verdict, severity and exemption of a single finding."""
    assert choose_audit_exit_code(replace(build_report(), findings=(build_finding(**facts),)), fail_on) == code


def test_what_is_unread_wins_over_what_is_wrong() -> None:
    """With anything unread the code is 3, whatever was found besides, and `never` does not change that."""
    report = replace(
        build_report(), findings=(build_finding(severity=Severity.CRITICAL),), read_failures=(READ_FAILURE,)
    )
    assert choose_audit_exit_code(report, "low") == 3
    assert choose_audit_exit_code(report, "never") == 3


def test_unknown_wins_over_non_compliant() -> None:
    """An unknown verdict beside a failed one makes the code 3."""
    report = replace(
        build_report(), findings=(build_finding(), build_finding(compliance=INSUFFICIENT_DATA, name="other"))
    )
    assert choose_audit_exit_code(report, "low") == 3


@pytest.mark.parametrize(
    "codes,code",
    [
        pytest.param([0, 0], 0, id="all-well"),
        pytest.param([0, 1], 1, id="one-is-non-compliant"),
        pytest.param([1, 3, 0], 3, id="one-is-incomplete"),
        pytest.param([3, 2, 1], 2, id="one-was-not-audited"),
    ],
)
def test_the_worst_of_several_is_what_leaves_most_unknown(codes: list[int], code: int) -> None:
    """Not audited is worse than incomplete, incomplete worse than non-compliant."""
    assert choose_worst_exit_code(codes) == code


@pytest.mark.parametrize(
    "checks, code",
    [
        pytest.param([pass_check("a", "")], 0, id="all-pass"),
        pytest.param([pass_check("a", ""), skip_check("b", "")], 0, id="one-is-skipped"),
        pytest.param([pass_check("a", ""), fail_check("b", "", "")], 1, id="one-fails"),
    ],
)
def test_a_failed_check_is_exit_code_1(checks: list[Check], code: int) -> None:
    """Skipped checks do not change the exit code."""
    assert choose_doctor_exit_code(checks) == code


PASSED, DELETED = {"validation": ValidationState.PASSED}, {"deletion": DeletionState.CONFIRMED}
SETTLED = {"evidence": StoredFile("document", "hash"), "published_at": NOW}


@pytest.mark.parametrize(
    "facts,code",
    [
        pytest.param({**PASSED, **DELETED, **SETTLED}, 0, id="passed"),
        pytest.param({**PASSED, **DELETED}, 3, id="without-a-document"),
        pytest.param({**PASSED, "deletion": DeletionState.FAILED, **SETTLED}, 1, id="index-left"),
        pytest.param({"validation": ValidationState.FAILED, **DELETED, **SETTLED}, 1, id="failed"),
        pytest.param({"validation": ValidationState.NOT_VERIFIED, **DELETED, **SETTLED}, 1, id="not-verified"),
        pytest.param({"validation": ValidationState.SKIPPED, **DELETED, **SETTLED}, 3, id="unknown"),
        pytest.param({"restore": RestoreState.REQUESTED}, 3, id="not-finished"),
    ],
)
def test_the_worst_drill_decides(facts: dict[str, Any], code: int) -> None:
    """One drill that passed does not hide another one."""
    passed_drill = build_drill(**PASSED, **DELETED, **SETTLED)
    assert choose_drill_exit_code([passed_drill, build_drill(**facts)]) == code


def test_no_drill_is_no_failure() -> None:
    """With nothing to do the code is 0."""
    assert choose_drill_exit_code([]) == 0


@pytest.mark.parametrize("is_unknown,code", [(False, 0), (True, 3)])
def test_a_plan_that_skips_what_could_not_be_read_is_incomplete(is_unknown: bool, code: int) -> None:
    """What is skipped for another reason does not count."""
    assert choose_plan_exit_code([SkippedDrill("orders", "A reason.", is_unknown)]) == code


@pytest.mark.parametrize(
    "facts,code",
    [
        pytest.param({"is_due": True}, 0, id="due"),
        pytest.param({"is_due": True, "violates_policy": True}, 1, id="violates-policy"),
        pytest.param({"is_due": True, "violates_policy": True, "is_unknown": True}, 3, id="unknown"),
    ],
)
def test_a_plan_that_leaves_a_violation_of_the_policy_is_not_done(facts: dict[str, Any], code: int) -> None:
    """A drill that the next run starts by itself does not count."""
    assert (
        choose_drill_plan_exit_code([SkippedDrill("articles", "A reason."), SkippedDrill("b", "A.", **facts)]) == code
    )


def test_a_plan_that_skips_nothing_is_done() -> None:
    """Nothing to do is no failure."""
    assert choose_drill_plan_exit_code(()) == 0


@pytest.mark.parametrize(
    "statuses,failures,code",
    [
        pytest.param([ProjectStatus.REGISTERED, ProjectStatus.RENAMED, ProjectStatus.IGNORED], (), 0, id="registered"),
        pytest.param([ProjectStatus.REGISTERED, ProjectStatus.UNREGISTERED], (), 1, id="unregistered"),
        pytest.param([ProjectStatus.GONE], (), 1, id="gone"),
        pytest.param([ProjectStatus.UNREGISTERED, ProjectStatus.UNKNOWN], (), 3, id="unknown"),
        pytest.param([ProjectStatus.GONE, ProjectStatus.NO_ACCESS], (), 3, id="no-access"),
        pytest.param([ProjectStatus.UNREGISTERED], (READ_FAILURE,), 3, id="read-error"),
        pytest.param([], (), 0, id="nothing"),
    ],
)
def test_an_unknown_of_a_discovery_wins_over_a_difference(
    statuses: list[ProjectStatus], failures: tuple[Any, ...], code: int
) -> None:
    """A discovery is 3 if anything is unknown, else 1 if a project is unregistered or gone."""
    projects = tuple(DiscoveredProject(it, "p-1", "search") for it in statuses)
    assert choose_discovery_exit_code(Discovery((), projects, failures)) == code
