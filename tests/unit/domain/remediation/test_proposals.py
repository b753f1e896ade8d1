"""What an audit proposes is in its report, in what is told of it, and in the event that completes it."""

import json
from dataclasses import replace

import pytest

from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.policy import Mode, Policy
from backup_auditor.domain.remediation.actions import ActionKind
from backup_auditor.domain.remediation.proposals import Proposal
from backup_auditor.domain.reporting.report import Report, make_report
from backup_auditor.rendering.digest import render_digest_text
from backup_auditor.rendering.events import build_audit_events
from backup_auditor.rendering.formats.json import load_report, render_json
from backup_auditor.rendering.slack import build_slack_payload
from backup_auditor.rendering.sns import build_publication
from support.builders.facts import inventory, judged
from support.builders.notifications import TOPIC, digest, found, told
from support.builders.plans import bare, planned, remedial
from support.builders.reports import as_document

KEPT = StoredReport("s3://reports/default/report.json", "5f" * 32)


def reported(required: Policy) -> Report:
    """Audit two indexes without a schedule."""
    facts = inventory(bare("carts"), bare("orders"))
    return make_report(facts, required, judged(facts, required))


@pytest.mark.parametrize("create, mode", [(Mode.PROPOSE, "propose"), (Mode.APPLY, "apply")])
def test_proposals_are_the_actions_of_the_plan(create: Mode, mode: str) -> None:
    """The report has each with its exact call, under the id of the plan; read back, it has the same."""
    required = remedial(create, Mode.NEVER)
    report = reported(required)
    plan = planned(required, bare("carts"), bare("orders"))
    document = as_document(render_json(report))
    assert [it["index"] for it in document["proposals"]] == [it.index for it in plan.actions]
    assert {(it["plan_id"], it["mode"]) for it in document["proposals"]} == {(plan.plan_id, mode)}
    assert [it["call"]["path"] for it in document["proposals"]] == [it.call.path for it in plan.actions]
    assert load_report(json.dumps(document).encode(), "here").proposals == report.proposals


def test_who_wants_none_hears_of_none() -> None:
    """With never the report is as it was without remediation, and the event says that nothing is proposed."""
    report = reported(remedial(Mode.NEVER, Mode.NEVER))
    document = as_document(render_json(report))
    assert "proposals" not in document
    assert load_report(json.dumps(document).encode(), "here").proposals is None
    assert next(build_audit_events(report, KEPT))[1]["proposal_count"] == 0


def test_the_event_counts_them() -> None:
    """By the count a rule starts remediation, or does not."""
    assert next(build_audit_events(reported(remedial(Mode.PROPOSE)), KEPT))[1]["proposal_count"] == 2


def test_nothing_is_proposed_for_what_is_not_known() -> None:
    """Where the list of indexes could not be read, or the project is another than was expected."""
    required = remedial(Mode.APPLY)
    facts = replace(inventory(bare()), indexes_failure=ReadFailure("GET /indexes", "503"))
    assert make_report(facts, required, judged(facts, required)).proposals == ()


def test_a_digest_shows_them() -> None:
    """Mail and Slack have a section with the call and its fate, JSON has the rows and how many are left out."""
    row = Proposal(
        "0" * 16, ActionKind.CREATE_SCHEDULE, "orders", "propose", "It has none.", "POST", "/indexes/orders", {"a": 1}
    )
    proposals = (row, replace(row, index="carts", mode="apply"))
    report = told(found("orders", lifecycle="new"), proposals=proposals)
    text = render_digest_text(digest(report, TOPIC), 1)
    assert "PROPOSED (2)\norders: create schedule (proposed alone)\n  It has none.\n  POST /indexes/orders" in text
    assert "And 1 more." in text
    assert "the policy has it carried out" in json.dumps(build_slack_payload(digest(report, TOPIC)))
    document = json.loads(json.loads(build_publication(digest(report, TOPIC)).message)["sqs"])
    assert [it["index"] for it in document["proposals"]] == ["orders", "carts"]
    assert document["omitted"]["proposals"] == 0
