"""The report of one audit."""

import json
from dataclasses import replace
from datetime import date

import pytest

from backup_auditor.domain.finding import Compliance, Exemption, Severity
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import LifecycleResult
from backup_auditor.domain.listing import Denial, DenialReason, Listing
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE, Drift, ResolvedFinding
from backup_auditor.domain.reporting.report import Report, make_report
from support.builders.facts import (
    BROKEN,
    DAY,
    NOW,
    backup,
    broken,
    disputed,
    index,
    inventory,
    judged,
    planned_run,
    policy,
    renamed,
    run,
    schedule,
    whole,
)

HEALTHY = inventory(index())
NEGLECTED = inventory(index(schedules=()))
HALF_READ = inventory(index(runs=broken()))


def report(told: Inventory, required: Policy | None = None) -> Report:
    """Judge an inventory and report on it."""
    required = required or policy()
    return make_report(told, required, judged(told, required))


def exempting(*controls: str) -> Policy:
    """Make a policy that accepts what these controls find."""
    return replace(policy(), exemptions=(Exemption(("*",), controls, "team", "because", date(2027, 1, 1)),))


@pytest.mark.parametrize(
    "told,required,expected",
    [
        pytest.param(HEALTHY, policy(), Compliance.COMPLIANT, id="healthy"),
        pytest.param(inventory(), policy(), Compliance.COMPLIANT, id="empty"),
        pytest.param(NEGLECTED, policy(), Compliance.NON_COMPLIANT, id="neglected"),
        pytest.param(NEGLECTED, exempting("*"), Compliance.COMPLIANT, id="all-exempted"),
        pytest.param(NEGLECTED, exempting("index-*"), Compliance.NON_COMPLIANT, id="some-exempted"),
        pytest.param(inventory(index(walks=1), backups=None, walks=1), policy(), Compliance.COMPLIANT, id="one-walk"),
        pytest.param(
            inventory(index(schedules=(), walks=1), walks=1), policy(), Compliance.INSUFFICIENT_DATA, id="in-doubt"
        ),
        pytest.param(HALF_READ, policy(), Compliance.NON_COMPLIANT, id="half-read"),
    ],
)
def test_the_whole_is_as_good_as_its_worst_finding(told: Inventory, required: Policy, expected: Compliance) -> None:
    """Those that are exempted are left out; non-compliant goes before insufficient data."""
    assert report(told, required).compliance is expected


def test_findings_are_counted_by_verdict_and_the_open_ones_by_severity() -> None:
    """Every verdict and severity is named, those without a finding too."""
    summary = report(NEGLECTED, exempting("index-has-recovery-point")).summary
    assert summary.findings == {
        Compliance.COMPLIANT: 6,
        Compliance.NON_COMPLIANT: 3,
        Compliance.NOT_APPLICABLE: 29,
        Compliance.INSUFFICIENT_DATA: 0,
    }
    assert summary.open == {Severity.CRITICAL: 0, Severity.HIGH: 2, Severity.MEDIUM: 0, Severity.LOW: 0}
    assert list(summary.open) == [Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW]
    assert summary.exempted == 1


@pytest.mark.parametrize(
    "healthy,neglected,expected",
    [
        pytest.param(1, 0, 100.0, id="all"),
        pytest.param(0, 1, 0.0, id="none"),
        pytest.param(2, 1, 66.6, id="cut-not-rounded"),
        pytest.param(0, 0, None, id="no-index"),
    ],
)
def test_coverage_is_never_rounded_up(healthy: int, neglected: int, expected: float | None) -> None:
    """99.96 % is not 100 %."""
    cases = [renamed(index(), f"good-{number}") for number in range(healthy)]
    cases += [renamed(index(schedules=()), f"bad-{number}") for number in range(neglected)]
    assert report(inventory(*cases)).summary.coverage_percent == expected


def test_what_was_read_is_counted() -> None:
    """Backups without planned runs; runs with them."""
    told = inventory(index(runs=[run(DAY), planned_run()], backups=[backup(status="Failed")]), more=[planned_run()])
    counts = report(replace(told, requests=4)).inventory
    assert (counts.indexes, counts.schedules, counts.backups, counts.recovery_points) == (1, 1, 2, 1)
    assert (counts.runs, counts.requests) == (2, 4)


def test_it_is_complete_when_nothing_is_unread() -> None:
    """What is unread is listed, sorted and once."""
    assert report(HEALTHY).is_complete
    assert report(HALF_READ).read_failures == (BROKEN,)
    assert not report(HALF_READ).is_complete


def shuffled(listing: Listing[object]) -> Listing[object]:
    """Return a listing with its rows the other way round."""
    return replace(listing, rows=listing.rows[::-1])


def test_the_audit_id_is_made_of_project_moment_facts_and_policy() -> None:
    """The same ones give the same id, in whatever order; how many requests and walks it took is no fact."""
    same = [
        HEALTHY,
        inventory(index()),
        replace(HEALTHY, requests=9),
        inventory(index(walks=1), walks=1),
        replace(HEALTHY, backups=disputed(HEALTHY.backups.rows, HEALTHY.backups.rows[1:])),
        replace(HEALTHY, backups=shuffled(HEALTHY.backups)),  # type: ignore[arg-type]  # rows keep their type
    ]
    assert len({report(told).audit_id for told in same}) == 1
    others = [
        replace(HEALTHY, project="other"),
        replace(HEALTHY, observed_at=NOW + DAY),
        replace(HEALTHY, indexes_failure=BROKEN),
        inventory(index(tags={"env": "prod"})),
        replace(HEALTHY, backups=replace(HEALTHY.backups, failure=BROKEN)),
        replace(HEALTHY, backups=replace(HEALTHY.backups, confirmation_failure=BROKEN)),
        inventory(index(), more=[backup()]),
        inventory(index(), more=[backup(size_bytes=1)]),
        inventory(index(schedules=[schedule(enabled=False)])),
        inventory(index(schedules=[schedule(name="weekly")])),
        inventory(index(schedules=Denial(DenialReason.PLAN, "no such plan"))),
        inventory(index(schedules=Denial(DenialReason.UNSUPPORTED, "no such plan"))),
        replace(HEALTHY, histories={}),
        replace(HEALTHY, histories={"schedule-1": whole([run(DAY)])}),
        replace(HEALTHY, histories={"schedule-2": whole([run(DAY)])}),
        inventory(index(own=whole(()))),
        inventory(index(own=whole([backup()]))),
        NEGLECTED,
    ]
    ids = {report(told).audit_id for told in [HEALTHY, *others]}
    ids.add(report(HEALTHY, replace(policy(), sha256="1" * 64)).audit_id)
    assert len(ids) == len(others) + 2
    assert {len(it) for it in ids} == {32}


def test_a_report_says_what_was_audited_and_by_what() -> None:
    """Project, moment and policy are those of the inventory and of the policy file."""
    required = replace(policy(), source="policy.yaml", sha256="1" * 64)
    told = replace(NEGLECTED, project="shop")
    found = report(told, required)
    assert (found.project, found.project_id, found.observed_at) == ("shop", None, NOW)
    assert (found.policy_source, found.policy_sha256) == ("policy.yaml", "1" * 64)
    assert (found.resolved_findings, found.drift, found.findings) == ((), (), judged(told, required).findings)
    assert report(HEALTHY).project_id == "project-1"


def test_a_report_says_what_is_remembered() -> None:
    """The lifecycle of findings, what was resolved, and drift are those of the outcome, and so is the id."""
    judgement = judged(NEGLECTED)
    known = replace(judgement.findings[0], lifecycle="new")
    resolved = ResolvedFinding(
        "f" * 32, "index-has-schedule", known.resource, Severity.HIGH, NOW, NOW, "found compliant: it is there"
    )
    drifted = Drift("index appeared", known.resource, None, {})
    outcome = LifecycleResult("a" * 32, EMPTY_STATE, (known,), (resolved,), (drifted,))
    found = make_report(NEGLECTED, policy(), judgement, outcome)
    assert (found.audit_id, found.findings, found.resolved_findings, found.drift) == (
        "a" * 32,
        (known,),
        (resolved,),
        (drifted,),
    )


def test_evidence_is_made_of_json_values() -> None:
    """Whatever the verdict."""
    for told in (HEALTHY, NEGLECTED, HALF_READ):
        for found in report(told).findings:
            assert json.loads(json.dumps(found.evidence)) == found.evidence
