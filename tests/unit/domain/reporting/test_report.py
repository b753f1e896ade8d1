"""A report has the verdicts, counts and ids of its audit."""

import json
from dataclasses import replace
from datetime import date

import pytest

from backup_auditor.domain.finding import Compliance, Exemption, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.state_change import LifecycleResult
from backup_auditor.domain.listing import Denial, DenialReason, Listing
from backup_auditor.domain.policy import Policy, Rule
from backup_auditor.domain.project_state import EMPTY_STATE, Drift, ResolvedFinding
from backup_auditor.domain.reporting.report import AppliedRule, Report, make_report
from support.builders.facts import (
    DAY,
    NOW,
    READ_FAILURE,
    build_backup,
    build_complete_listing,
    build_conflicting_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_planned_run,
    build_policy,
    build_run,
    build_schedule,
    evaluate_facts,
    rename_index,
)

HEALTHY_INVENTORY = build_inventory(build_index())
NEGLECTED_INVENTORY = build_inventory(build_index(schedules=()))
PARTIAL_INVENTORY = build_inventory(build_index(runs=build_failed_listing()))


def build_report(inventory: Inventory, policy: Policy | None = None) -> Report:
    """Evaluate an inventory and report on it."""
    policy = policy or build_policy()
    return make_report(inventory, policy, evaluate_facts(inventory, policy))


def build_control_exemption_policy(*controls: str) -> Policy:
    """Make a policy that accepts what these controls find."""
    return replace(build_policy(), exemptions=(Exemption(("*",), controls, "team", "because", date(2027, 1, 1)),))


@pytest.mark.parametrize(
    "inventory,policy,expected",
    [
        pytest.param(HEALTHY_INVENTORY, build_policy(), Compliance.COMPLIANT, id="healthy"),
        pytest.param(build_inventory(), build_policy(), Compliance.COMPLIANT, id="empty"),
        pytest.param(NEGLECTED_INVENTORY, build_policy(), Compliance.NON_COMPLIANT, id="neglected"),
        pytest.param(NEGLECTED_INVENTORY, build_control_exemption_policy("*"), Compliance.COMPLIANT, id="all-exempted"),
        pytest.param(
            NEGLECTED_INVENTORY, build_control_exemption_policy("index-*"), Compliance.NON_COMPLIANT, id="some-exempted"
        ),
        pytest.param(
            build_inventory(build_index(reads=1), backups=None, reads=1),
            build_policy(),
            Compliance.COMPLIANT,
            id="one-read",
        ),
        pytest.param(
            build_inventory(build_index(schedules=(), reads=1), reads=1),
            build_policy(),
            Compliance.INSUFFICIENT_DATA,
            id="in-doubt",
        ),
        pytest.param(PARTIAL_INVENTORY, build_policy(), Compliance.NON_COMPLIANT, id="half-read"),
    ],
)
def test_the_whole_is_as_good_as_its_worst_finding(inventory: Inventory, policy: Policy, expected: Compliance) -> None:
    """Those that are exempted are left out; non-compliant goes before insufficient data."""
    assert build_report(inventory, policy).compliance is expected


def test_findings_are_counted_by_verdict_and_the_open_ones_by_severity() -> None:
    """Every verdict and severity is named, those without a finding too."""
    summary = build_report(NEGLECTED_INVENTORY, build_control_exemption_policy("index-has-recovery-point")).summary
    assert summary.findings == {
        Compliance.COMPLIANT: 6,
        Compliance.NON_COMPLIANT: 3,
        Compliance.NOT_APPLICABLE: 31,
        Compliance.INSUFFICIENT_DATA: 0,
    }
    assert summary.open == {Severity.CRITICAL: 0, Severity.HIGH: 2, Severity.MEDIUM: 0, Severity.LOW: 0}
    assert list(summary.open) == [Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW]
    assert summary.exempted == 1


@pytest.mark.parametrize(
    "healthy_count,neglected_count,expected",
    [
        pytest.param(1, 0, 100.0, id="all"),
        pytest.param(0, 1, 0.0, id="none"),
        pytest.param(2, 1, 66.6, id="cut-not-rounded"),
        pytest.param(0, 0, None, id="no-index"),
    ],
)
def test_coverage_is_never_rounded_up(healthy_count: int, neglected_count: int, expected: float | None) -> None:
    """99.96 % is not 100 %."""
    cases = [rename_index(build_index(), f"good-{number}") for number in range(healthy_count)]
    cases += [rename_index(build_index(schedules=()), f"bad-{number}") for number in range(neglected_count)]
    assert build_report(build_inventory(*cases)).summary.coverage_percent == expected


def test_what_was_read_is_counted() -> None:
    """Backups without planned runs; runs with them."""
    inventory = build_inventory(
        build_index(runs=[build_run(DAY), build_planned_run()], backups=[build_backup(status="Failed")]),
        extra_backups=[build_planned_run()],
    )
    counts = build_report(replace(inventory, requests=4)).inventory
    assert (counts.indexes, counts.schedules, counts.backups, counts.recovery_points) == (1, 1, 2, 1)
    assert (counts.runs, counts.requests) == (2, 4)


def test_it_is_complete_when_nothing_is_unread() -> None:
    """Read errors are listed once, sorted."""
    assert build_report(HEALTHY_INVENTORY).is_complete
    assert build_report(PARTIAL_INVENTORY).read_failures == (READ_FAILURE,)
    assert not build_report(PARTIAL_INVENTORY).is_complete


def reverse_listing(listing: Listing[object]) -> Listing[object]:
    """Return a listing with its rows the other way round."""
    return replace(listing, rows=listing.rows[::-1])


def test_the_audit_id_is_made_of_project_moment_facts_and_policy() -> None:
    """The same facts in any order give the same id; requests and reads are not part of it."""
    same_inventories = [
        HEALTHY_INVENTORY,
        build_inventory(build_index()),
        replace(HEALTHY_INVENTORY, requests=9),
        build_inventory(build_index(reads=1), reads=1),
        replace(
            HEALTHY_INVENTORY,
            backups=build_conflicting_listing(HEALTHY_INVENTORY.backups.rows, HEALTHY_INVENTORY.backups.rows[1:]),
        ),
        replace(HEALTHY_INVENTORY, backups=reverse_listing(HEALTHY_INVENTORY.backups)),  # type: ignore[arg-type]  # rows keep their type
    ]
    assert len({build_report(inventory).audit_id for inventory in same_inventories}) == 1
    other_reports = [
        replace(HEALTHY_INVENTORY, project="other"),
        replace(HEALTHY_INVENTORY, observed_at=NOW + DAY),
        replace(HEALTHY_INVENTORY, indexes_failure=READ_FAILURE),
        build_inventory(build_index(tags={"env": "prod"})),
        replace(HEALTHY_INVENTORY, backups=replace(HEALTHY_INVENTORY.backups, failure=READ_FAILURE)),
        replace(HEALTHY_INVENTORY, backups=replace(HEALTHY_INVENTORY.backups, confirmation_failure=READ_FAILURE)),
        build_inventory(build_index(), extra_backups=[build_backup()]),
        build_inventory(build_index(), extra_backups=[build_backup(size_bytes=1)]),
        build_inventory(build_index(schedules=[build_schedule(enabled=False)])),
        build_inventory(build_index(schedules=[build_schedule(name="weekly")])),
        build_inventory(build_index(schedules=Denial(DenialReason.PLAN, "no such plan"))),
        build_inventory(build_index(schedules=Denial(DenialReason.UNSUPPORTED, "no such plan"))),
        replace(HEALTHY_INVENTORY, histories={}),
        replace(HEALTHY_INVENTORY, histories={"schedule-1": build_complete_listing([build_run(DAY)])}),
        replace(HEALTHY_INVENTORY, histories={"schedule-2": build_complete_listing([build_run(DAY)])}),
        build_inventory(build_index(own_backups=build_complete_listing(()))),
        build_inventory(build_index(own_backups=build_complete_listing([build_backup()]))),
        NEGLECTED_INVENTORY,
    ]
    ids = {build_report(inventory).audit_id for inventory in [HEALTHY_INVENTORY, *other_reports]}
    ids.add(build_report(HEALTHY_INVENTORY, replace(build_policy(), sha256="1" * 64)).audit_id)
    assert len(ids) == len(other_reports) + 2
    assert {len(it) for it in ids} == {32}


def test_a_report_says_what_was_audited_and_by_what() -> None:
    """Project, moment and policy are those of the inventory and of the policy file."""
    policy = replace(build_policy(), source="policy.yaml", sha256="1" * 64)
    inventory = replace(NEGLECTED_INVENTORY, project="shop")
    report = build_report(inventory, policy)
    assert (report.project, report.project_id, report.observed_at) == ("shop", None, NOW)
    assert (report.policy_source, report.policy_sha256) == ("policy.yaml", "1" * 64)
    assert (report.resolved_findings, report.drift, report.findings) == (
        (),
        (),
        evaluate_facts(inventory, policy).findings,
    )
    assert build_report(HEALTHY_INVENTORY).project_id == "project-1"


def test_a_report_says_what_is_recorded() -> None:
    """The lifecycle of findings, what was resolved, and drift are those of the outcome, and so is the id."""
    evaluation = evaluate_facts(NEGLECTED_INVENTORY)
    known_finding = replace(evaluation.findings[0], lifecycle="new")
    resolved_finding = ResolvedFinding(
        "f" * 32, "index-has-schedule", known_finding.resource, Severity.HIGH, NOW, NOW, "found compliant: it is there"
    )
    drift = Drift("index appeared", known_finding.resource, None, {})
    outcome = LifecycleResult("a" * 32, EMPTY_STATE, (known_finding,), (resolved_finding,), (drift,))
    report = make_report(NEGLECTED_INVENTORY, build_policy(), evaluation, outcome)
    assert (report.audit_id, report.findings, report.resolved_findings, report.drift) == (
        "a" * 32,
        (known_finding,),
        (resolved_finding,),
        (drift,),
    )


def test_evidence_is_made_of_json_values() -> None:
    """Evidence of any verdict is made of JSON values."""
    for inventory in (HEALTHY_INVENTORY, NEGLECTED_INVENTORY, PARTIAL_INVENTORY):
        for finding in build_report(inventory).findings:
            assert json.loads(json.dumps(finding.evidence)) == finding.evidence


def test_a_report_has_the_rules_of_its_policy() -> None:
    """Each rule has the number of its indexes, and the defaults come last with the number of the others."""
    weekly, strict = build_policy(min_copies=1).defaults, build_policy(min_copies=9).defaults
    rules = (
        Rule("by-tag", (), {"env": ("dev",)}, weekly),
        Rule("same-name", ("a-*",), {}, strict),
        Rule("same-name", ("b-*",), {}, weekly),
    )
    inventory = build_inventory(
        rename_index(build_index(tags={"env": "dev"}), "a-1"),
        rename_index(build_index(), "a-2"),
        rename_index(build_index(), "a-3"),
        rename_index(build_index(), "other"),
    )
    policy = replace(build_policy(), rules=rules)
    assert build_report(inventory, policy).rules == (
        AppliedRule("by-tag", 1, weekly),
        AppliedRule("same-name", 2, strict),
        AppliedRule("same-name", 0, weekly),
        AppliedRule(None, 1, policy.defaults),
    )
