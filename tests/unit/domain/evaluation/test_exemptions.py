"""Exemptions of every kind, from the text of a policy to the findings, the report and what is proposed."""

import pytest

from backup_auditor.application.audit import compare_policies
from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.planner import make_plan
from backup_auditor.domain.reporting.report import Report
from support.builders.facts import (
    DAY,
    build_backup,
    build_complete_listing,
    build_index,
    build_inventory,
    evaluate_facts,
    rename_index,
)
from support.builders.policies import parse_policy
from support.builders.reports import build_report, render_document

EXEMPTION_FIELDS = "owner: o, reason: r, expires: 2027-03-31"
DEV_POLICY = "exemptions: [{tags: {env: [dev]}, controls: ['*'], ENDS}]".replace("ENDS", EXEMPTION_FIELDS)
PROJECT_POLICY = "exemptions: [{project: true, controls: [plan-allows-schedules], ENDS}]".replace(
    "ENDS", EXEMPTION_FIELDS
)
PLAN_DENIAL = Denial(DenialReason.PLAN, "403: the plan has no schedules")
CASES = [
    rename_index(build_index(schedules=(), tags={"env": env}, state="Ready"), name)
    for name, env in (("one", "dev"), ("two", "prod"))
]
BARE_INVENTORY = build_inventory(*CASES)
MANUAL_BACKUPS = [build_backup(it * DAY) for it in range(1, 8)]
MANUAL_INVENTORY = build_inventory(
    build_index(schedules=PLAN_DENIAL, backups=MANUAL_BACKUPS, own_backups=build_complete_listing(MANUAL_BACKUPS))
)


def find_finding(report: Report, control: str, name: str) -> Finding:
    """Return the finding of a control on a resource."""
    return next(it for it in report.findings if (it.control, it.resource.name) == (control, name))


def test_an_exemption_by_tag_is_carried_by_the_findings_of_the_indexes_that_have_it() -> None:
    """They keep their verdict; the findings of others stay open."""
    report = build_report(BARE_INVENTORY, parse_policy(DEV_POLICY))
    first_finding, second_finding = (find_finding(report, "index-has-schedule", it) for it in ("one", "two"))
    assert (first_finding.compliance, first_finding.is_open) == (Compliance.NON_COMPLIANT, False)
    assert second_finding.is_open
    open_names = {it.resource.name for it in report.findings if it.is_open}
    assert open_names == {"two"}


def test_an_index_that_is_exempted_by_tag_is_not_changed() -> None:
    """Remediation leaves it out with the exemption as its reason."""
    policy = parse_policy(
        f"{DEV_POLICY}\nremediation: {{create_schedules: apply, fix_schedules: apply, first_backup: true}}"
    )
    plan = make_plan(BARE_INVENTORY, policy, evaluate_facts(BARE_INVENTORY, policy).findings)
    assert {it.index for it in plan.actions} == {"two"}
    assert "Exempted by o until 2027-03-31: r" in {it.reason for it in plan.skipped_actions if it.index == "one"}


@pytest.mark.parametrize("policy,is_open", [(parse_policy(PROJECT_POLICY), False), (parse_policy("version: 1"), True)])
def test_a_plan_without_schedules_can_be_accepted_for_the_project(policy: Policy, is_open: bool) -> None:
    """The finding keeps its verdict, and leaves compliance and counts."""
    report = build_report(MANUAL_INVENTORY, policy)
    finding = find_finding(report, "plan-allows-schedules", "default")
    assert (finding.compliance, finding.is_open) == (Compliance.NON_COMPLIANT, is_open)
    assert report.compliance is (Compliance.NON_COMPLIANT if is_open else Compliance.COMPLIANT)
    assert report.summary.exempted == (not is_open)


@pytest.mark.parametrize(
    "subject,keys",
    [
        pytest.param("names: [one], tags: {env: [dev]}", {"names": ["one"], "tags": {"env": ["dev"]}}, id="both"),
        pytest.param("tags: {env: [dev]}", {"tags": {"env": ["dev"]}}, id="tags"),
        pytest.param("names: [one]", {"names": ["one"]}, id="names"),
        pytest.param("project: true", {"project": True}, id="project"),
    ],
)
def test_a_report_says_what_an_exemption_is_about(subject: str, keys: dict[str, object]) -> None:
    """An exemption in a report has the keys of the policy, as in the published schema."""
    text = f"project: {{expected_id: other}}\nexemptions: [{{{subject}, controls: ['*'], {EXEMPTION_FIELDS}}}]"
    facts = build_inventory(rename_index(build_index(), "three"), *CASES)
    document = render_document(build_report(facts, parse_policy(text)))
    shown_exemptions = [it["exemption"] for it in document["findings"] if it["exemption"]]
    assert shown_exemptions
    assert all({key: it[key] for key in it if key not in _COMMON_KEYS} == keys for it in shown_exemptions)


_COMMON_KEYS = {"controls", "owner", "reason", "expires"}


def test_a_policy_that_exempts_more_closes_what_it_accepts() -> None:
    """`policy diff` counts exemptions of tags and of the project."""
    assert {
        it.resource.name
        for it in compare_policies(BARE_INVENTORY, parse_policy("version: 1"), parse_policy(DEV_POLICY)).closed_findings
    } == {"one"}
    closed_findings = compare_policies(
        MANUAL_INVENTORY, parse_policy("version: 1"), parse_policy(PROJECT_POLICY)
    ).closed_findings
    assert [it.control for it in closed_findings] == ["plan-allows-schedules"]
