"""Exemptions of every kind, from the text of a policy to the findings, the report and what is proposed."""

import pytest

from backup_auditor.application.audit import compare_policies
from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.listing import Denial, DenialReason
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.planner import make_plan
from backup_auditor.domain.reporting.report import Report
from support.builders.facts import DAY, backup, index, inventory, judged, renamed, whole
from support.builders.policies import policy
from support.builders.reports import document_of, report

ENDS = "owner: o, reason: r, expires: 2027-03-31"
DEV = "exemptions: [{tags: {env: [dev]}, controls: ['*'], ENDS}]".replace("ENDS", ENDS)
PROJECT = "exemptions: [{project: true, controls: [plan-allows-schedules], ENDS}]".replace("ENDS", ENDS)
NO_PLAN = Denial(DenialReason.PLAN, "403: the plan has no schedules")
CASES = [
    renamed(index(schedules=(), tags={"env": env}, state="Ready"), name)
    for name, env in (("one", "dev"), ("two", "prod"))
]
BARE = inventory(*CASES)
BY_HAND = [backup(it * DAY) for it in range(1, 8)]
MANUAL = inventory(index(schedules=NO_PLAN, backups=BY_HAND, own=whole(BY_HAND)))


def found(shown: Report, control: str, name: str) -> Finding:
    """Return the finding of a control on a resource."""
    return next(it for it in shown.findings if (it.control, it.resource.name) == (control, name))


def test_an_exemption_by_tag_is_carried_by_the_findings_of_the_indexes_that_have_it() -> None:
    """They keep their verdict; the findings of others stay open."""
    shown = report(BARE, policy(DEV))
    one, two = (found(shown, "index-has-schedule", it) for it in ("one", "two"))
    assert (one.compliance, one.is_open) == (Compliance.NON_COMPLIANT, False)
    assert two.is_open
    open_on = {it.resource.name for it in shown.findings if it.is_open}
    assert open_on == {"two"}


def test_an_index_that_is_exempted_by_tag_is_not_changed() -> None:
    """Remediation leaves it out with the exemption as its reason."""
    required = policy(f"{DEV}\nremediation: {{create_schedules: apply, fix_schedules: apply, first_backup: true}}")
    plan = make_plan(BARE, required, judged(BARE, required).findings)
    assert {it.index for it in plan.actions} == {"two"}
    assert "It is exempted until 2027-03-31 by o: r" in {it.reason for it in plan.skipped_actions if it.index == "one"}


@pytest.mark.parametrize("required,is_open", [(policy(PROJECT), False), (policy("version: 1"), True)])
def test_a_plan_without_schedules_can_be_accepted_for_the_project(required: Policy, is_open: bool) -> None:
    """The finding keeps its verdict, and leaves compliance and counts."""
    shown = report(MANUAL, required)
    it = found(shown, "plan-allows-schedules", "default")
    assert (it.compliance, it.is_open) == (Compliance.NON_COMPLIANT, is_open)
    assert shown.compliance is (Compliance.NON_COMPLIANT if is_open else Compliance.COMPLIANT)
    assert shown.summary.exempted == (not is_open)


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
    """By the keys that the policy says it with, in the shape of the published schema."""
    text = f"project: {{expected_id: other}}\nexemptions: [{{{subject}, controls: ['*'], {ENDS}}}]"
    facts = inventory(renamed(index(), "three"), *CASES)
    document = document_of(report(facts, policy(text)))
    shown = [it["exemption"] for it in document["findings"] if it["exemption"]]
    assert shown
    assert all({key: it[key] for key in it if key not in _ALWAYS} == keys for it in shown)


_ALWAYS = {"controls", "owner", "reason", "expires"}


def test_a_policy_that_exempts_more_closes_what_it_accepts() -> None:
    """`policy diff` counts exemptions of tags and of the project."""
    assert {it.resource.name for it in compare_policies(BARE, policy("version: 1"), policy(DEV)).closed_findings} == {
        "one"
    }
    closed = compare_policies(MANUAL, policy("version: 1"), policy(PROJECT)).closed_findings
    assert [it.control for it in closed] == ["plan-allows-schedules"]
