"""The proposals of an audit in its report, its digests, and its event."""

import json
from dataclasses import replace

import pytest

from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.remediation.plan import ActionKind, Proposal
from backup_auditor.domain.remediation.planner import make_proposals
from backup_auditor.domain.reporting.report import Report, make_report
from backup_auditor.rendering.digest import render_digest_text
from backup_auditor.rendering.events import build_audit_events
from backup_auditor.rendering.formats.json import load_report, render_json
from backup_auditor.rendering.slack import build_slack_payload
from backup_auditor.rendering.sns import build_publication
from support.builders.facts import DAY, build_inventory, evaluate_facts
from support.builders.notifications import SNS_CHANNEL, build_alert_report, build_digest, build_open_finding
from support.builders.plans import (
    build_remediation_policy,
    build_scheduled_index,
    build_unscheduled_index,
    plan_remediation,
)
from support.builders.reports import parse_report

STORED_REPORT = StoredReport("s3://reports/default/report.json", "5f" * 32)


def audit_two_indexes(policy: Policy) -> Report:
    """Audit two indexes without a schedule."""
    facts = build_inventory(build_unscheduled_index("carts"), build_unscheduled_index("orders"))
    report = make_report(facts, policy, evaluate_facts(facts, policy))
    return replace(report, proposals=make_proposals(facts, policy, report.findings))


@pytest.mark.parametrize("create_mode, mode", [(Mode.PROPOSE, "propose"), (Mode.APPLY, "apply")])
def test_proposals_are_the_actions_of_the_plan(create_mode: Mode, mode: str) -> None:
    """The report has the exact call of each and the id of the plan, also after it is loaded again."""
    policy = build_remediation_policy(create_mode, Mode.NEVER)
    report = audit_two_indexes(policy)
    plan = plan_remediation(policy, build_unscheduled_index("carts"), build_unscheduled_index("orders"))
    document = parse_report(render_json(report))
    assert [it["index"] for it in document["proposals"]] == [it.index for it in plan.actions]
    assert {(it["plan_id"], it["mode"]) for it in document["proposals"]} == {(plan.plan_id, mode)}
    assert [it["call"]["path"] for it in document["proposals"]] == [it.call.path for it in plan.actions]
    loaded_proposals = load_report(json.dumps(document).encode(), "here").proposals
    assert loaded_proposals == report.proposals
    assert {type(it.kind) for it in loaded_proposals or ()} == {ActionKind}


def test_the_mode_never_gives_no_proposals() -> None:
    """The report is the same as without remediation, and the event counts none."""
    report = audit_two_indexes(build_remediation_policy(Mode.NEVER, Mode.NEVER))
    document = parse_report(render_json(report))
    assert "proposals" not in document
    assert load_report(json.dumps(document).encode(), "here").proposals is None
    assert next(build_audit_events(report, STORED_REPORT))[1]["proposal_count"] == 0


def test_the_event_counts_the_proposals() -> None:
    """A rule can start the remediation by this number."""
    assert (
        next(build_audit_events(audit_two_indexes(build_remediation_policy(Mode.PROPOSE)), STORED_REPORT))[1][
            "proposal_count"
        ]
        == 2
    )


def test_nothing_is_proposed_for_an_unknown_project() -> None:
    """The list of indexes could not be read, or the project is not the expected one."""
    policy = build_remediation_policy(Mode.APPLY)
    facts = replace(build_inventory(build_unscheduled_index()), indexes_failure=ReadFailure("GET /indexes", "503"))
    assert make_proposals(facts, policy, evaluate_facts(facts, policy).findings) == ()


def test_nothing_is_proposed_for_another_project() -> None:
    """A project that is not the expected one gets no proposals, and a project whose indexes are unknown neither."""
    policy = build_remediation_policy(Mode.APPLY)
    policy = replace(policy, project=replace(policy.project, expected_id="project-2"))
    facts = build_inventory(build_unscheduled_index(), build_scheduled_index("carts"))
    assert facts.project_id == "project-1"
    assert make_proposals(facts, policy, evaluate_facts(facts, policy).findings) == ()
    expected_policy = replace(policy, project=replace(policy.project, expected_id="project-1"))
    assert make_proposals(facts, expected_policy, evaluate_facts(facts, expected_policy).findings) != ()


def test_each_kind_of_action_has_its_own_mode() -> None:
    """A created schedule has the mode of creations, and a changed one the mode of changes."""
    policy = build_remediation_policy(Mode.PROPOSE, Mode.APPLY)
    facts = build_inventory(build_unscheduled_index(), build_scheduled_index("slow", retention=3 * DAY))
    proposals = make_proposals(facts, policy, evaluate_facts(facts, policy).findings)
    assert proposals is not None
    assert {it.kind: it.mode for it in proposals} == {
        ActionKind.CREATE_SCHEDULE: "propose",
        ActionKind.UPDATE_SCHEDULE: "apply",
    }


def test_a_digest_shows_the_proposals() -> None:
    """E-mail and Slack have a section with the calls; JSON has the rows and the number of omitted ones."""
    row = Proposal(
        "0" * 16, ActionKind.CREATE_SCHEDULE, "orders", "propose", "It has none.", "POST", "/indexes/orders", {"a": 1}
    )
    proposals = (row, replace(row, index="carts", mode="apply"))
    report = build_alert_report(build_open_finding("orders", lifecycle="new"), proposals=proposals)
    text = render_digest_text(build_digest(report, SNS_CHANNEL), 1)
    assert "PROPOSED (2)\norders: create schedule (proposed only)\n  It has none.\n  POST /indexes/orders" in text
    assert "And 1 more." in text
    assert "the policy applies it" in json.dumps(build_slack_payload(build_digest(report, SNS_CHANNEL)))
    document = json.loads(json.loads(build_publication(build_digest(report, SNS_CHANNEL)).message)["sqs"])
    assert [it["index"] for it in document["proposals"]] == ["orders", "carts"]
    assert document["omitted"]["proposals"] == 0
