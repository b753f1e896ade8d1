"""Whole nights of the deployed application, from schedule to alerts: one, one with changes, one with faults."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.rendering.formats.json import load_report
from backup_auditor.rendering.summary import describe_verdict
from support.aws_local.application import CANARY, Application
from support.aws_local.nights import DAY, FIRST, PROJECTS, Nights, break_everything, change, worlds
from support.aws_local.recipients import changes, linked

NOT_MADE: dict[str, set[str]] = {
    "DispatchFunction": {"s3:GetObject"},  # the registry is a parameter here
    "AuditFunction": set(),
    "NotifyFunction": set(),
    "WatchFunction": {"s3:GetObject", "sqs:SendMessage"},  # as above; it did not fail to the end
}
"""What a function did not do in these nights, and why it is allowed all the same; `remediate` has nights of its own."""

_FINDING = re.compile(r'id="finding-([0-9a-f]+)"')


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """Let three nights come, in which events arrive twice and in any order."""
    with Application(tmp_path_factory.mktemp("cloud"), worlds(), FIRST - timedelta(hours=1), repeats=0.2) as app:
        found = Nights(app)
        found.come(FIRST)
        app.clock.set(FIRST + DAY / 2)
        change(app)
        found.come(FIRST + DAY)
        app.clock.set(FIRST + DAY * 3 / 2)
        break_everything(app)
        found.come(FIRST + 2 * DAY, sweeps=3)
        yield found


@pytest.fixture
def app(nights: Nights) -> Application:
    """Return what the nights came over."""
    return nights.app


def test_every_project_is_audited_once_a_night(nights: Nights) -> None:
    """Whatever arrives twice; but for the projects whose key or policy is none."""
    first, second, third = (it.audits for it in nights.all)
    assert first == dict.fromkeys(PROJECTS, 1)
    assert second == dict.fromkeys(PROJECTS, 1)
    assert third == {name: 1 for name in PROJECTS if name not in {"team-04", "team-05"}}


def test_reports_lie_where_they_are_looked_for_and_are_what_was_recorded(nights: Nights, app: Application) -> None:
    """Under project, date and audit, one version each, with the hash in the table."""
    kept = app.reports()
    bucket = app.stack.physical["EvidenceBucket"]
    records = {it["location"]["S"]: it for it in app.items() if "location" in it and "complete" in it}
    assert set(records) == {f"s3://{bucket}/{key}" for key in kept}
    for key, content in kept.items():
        project, date, audit_id, name = key.split("/")
        record = records[f"s3://{bucket}/{key}"]
        assert record["sha256"]["S"] == hashlib.sha256(content).hexdigest()
        assert record["PK"]["S"] == f"project#{project}"
        assert (date, audit_id, name) == (record["observed_at"]["S"][:10], record["audit_id"]["S"], "report.json")
    versions = app.client("s3").list_object_versions(Bucket=bucket)["Versions"]
    assert Counter(it["Key"] for it in versions) == dict.fromkeys([*kept, *app.pages()], 1)
    assert len(nights.all) == 3


def test_each_report_has_its_page_beside_it_as_it_was_recorded(app: Application) -> None:
    """Under the same name, as a browser takes it, with its hash in the same record."""
    pages, bucket = app.pages(), app.stack.physical["EvidenceBucket"]
    records = [it for it in app.items() if "location" in it and "complete" in it]
    assert {f"s3://{bucket}/{key}": hashlib.sha256(it).hexdigest() for key, it in pages.items()} == {
        it["page_location"]["S"]: it["page_sha256"]["S"] for it in records
    }
    for it in records:
        assert it["page_location"]["S"] == it["location"]["S"].replace("/report.json", "/report.html")
    types = {app.client("s3").head_object(Bucket=bucket, Key=it)["ContentType"] for it in pages}
    assert types == {"text/html; charset=utf-8"}


def test_pages_say_what_the_night_found(nights: Nights) -> None:
    """Its verdict, and each finding that is open or could not be judged, and no other."""
    for night in nights.all:
        assert night.pages.keys() == night.reports.keys()
        for project, report in night.reports.items():
            page = unescape(night.pages[project])
            told = load_report(json.dumps(report).encode(), project)
            assert f'<p class="sentence">{describe_verdict(told)}' in page
            assert report["audit_id"] in page
            unwell = [
                it for it in told.findings if it.compliance in {Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA}
            ]
            assert set(_FINDING.findall(page)) == {it.fingerprint for it in unwell}
            assert all(it.reason in page for it in unwell)


def test_every_message_leads_to_the_page_of_its_audit(nights: Nights, app: Application) -> None:
    """Whoever follows it finds it there."""
    pages = app.pages()
    told = [it for night in nights.all for it in (*night.topic, *night.webhook)]
    assert {it.channel.partition(":")[0] for it in told} == {"sns", "slack"}
    for it in told:
        project, _, audit_id, name = linked(it).split("/")
        assert linked(it) in pages
        assert (project, name) == (it.project, "report.html")
        assert not it.document or it.document["audit_id"] == audit_id


def test_everyone_is_told_of_every_change_once(nights: Nights) -> None:
    """One message by each channel for a project in which anything changed, and none for the others."""
    for night in nights.all:
        # criticals are told of every day
        wanted = {
            name for name, it in night.reports.items() if any(changes(it).values()) or it["summary"]["open"]["critical"]
        }
        assert Counter(it.document["project"] for it in night.topic) == dict.fromkeys(wanted, 1)
        for told in night.topic:
            report = night.reports[told.document["project"]]
            assert told.document["audit_id"] == report["audit_id"]
            assert told.document["opened"] == len(changes(report)["Backup Finding Opened"])
            assert told.document["resolved"] == len(changes(report)["Backup Finding Resolved"])


def is_severe(report: Any) -> bool:
    """Tell whether Slack is to hear of a report: of changes that are high or worse, and of criticals every day."""
    told = [it for it in report["findings"] if it["compliance"] == "NON_COMPLIANT" and it["lifecycle"] != "ongoing"]
    changed = {it["severity"] for it in (*told, *report["resolved"])}
    return bool(changed & {"high", "critical"} or report["summary"]["open"]["critical"])


def test_slack_hears_of_what_is_severe_enough(nights: Nights) -> None:
    """High and worse, by the webhook of the secret; each message once."""
    ids = [it.message_id for night in nights.all for it in night.webhook]
    assert max(Counter(ids).values()) == 1
    for night in nights.all:
        wanted = {name for name, it in night.reports.items() if is_severe(it)}
        assert {it.project for it in night.webhook} == wanted


def test_the_bus_hears_of_each_audit_and_of_each_finding_that_changed(nights: Nights) -> None:
    """And of nothing else; the event that an audit is complete says how many follow."""
    for night in nights.all:
        for project, report in night.reports.items():
            (completed,) = night.events_of("Backup Audit Completed", project)
            assert completed["audit_id"] == report["audit_id"]
            for kind, fingerprints in changes(report).items():
                told = [it["fingerprint"] for it in night.events_of(kind, project)]
                assert sorted(told) == sorted(fingerprints)


def test_metrics_are_the_figures_of_the_report(nights: Nights) -> None:
    """Emitted once, for each project and severity."""
    for night in nights.all:
        for project, report in night.reports.items():
            assert night.value("AuditComplete", project) == {float(report["complete"])}
            assert night.value("FindingsOpen", project) == {float(sum(report["summary"]["open"].values()))}
            assert night.value("IndexesTotal", project) == {float(report["inventory"]["indexes"])}
            by_severity = {
                it.dimensions["severity"]: it.value
                for it in night.metrics
                if it.name == "FindingsOpen"
                and it.dimensions.keys() == {"project", "severity"}
                and it.dimensions["project"] == project
            }
            # of a severity whose findings could not all be judged, nobody knows how many are open
            told = report["summary"]["open"]
            assert by_severity.items() <= told.items()
            assert by_severity == told or not report["complete"]


def test_alarms_ring_where_somebody_has_to_act_and_nowhere_else(nights: Nights) -> None:
    """In the second night an entry of the registry is wrong, in the third a key and a policy are, and one is unread."""
    first, second, third = (it.ringing for it in nights.all)
    assert first == set()
    assert second == {"DeadLettersAlarm"}
    more = {"IncompleteAuditAlarm", "ProjectsOverdueAlarm", "DispatchErrorsAlarm", "AuditErrorsAlarm"}
    assert third == second | more


def test_what_cannot_be_audited_says_why_and_is_kept(app: Application) -> None:
    """In the log, in a metric, and as a dead letter."""
    dead = {(it.function, it.event["detail"]["project"]) for it in app.flow.dead if it.event["detail"] != 1}
    assert dead == {("AuditFunction", it) for it in ("broken", "team-04", "team-05")}
    nonsense = {it.function for it in app.flow.dead if it.event["detail"] == 1}
    assert nonsense == {"DispatchFunction", "AuditFunction", "NotifyFunction"}


def test_a_rotated_key_is_picked_up_without_a_deployment(nights: Nights) -> None:
    """The old one is refused by then."""
    assert nights.all[1].reports["team-02"]["complete"]


def test_every_call_was_allowed_by_the_role_of_its_function(app: Application) -> None:
    """The door before AWS lets in by the statements of the template alone."""
    assert app.aws.denied == []


def test_each_action_that_a_role_allows_was_made_or_is_explained(app: Application) -> None:
    """What was not made here is made by Lambda itself, or where this run did not come."""
    idle = {name: app.idle(name) for name in app.stack.functions if name != "RemediateFunction"}
    assert idle == NOT_MADE


def test_every_function_stays_within_its_memory(app: Application) -> None:
    """Where no control group enforces it, too."""
    limits = {it.name: it.memory * 1024 * 1024 for it in app.stack.functions.values()}
    assert not [it.function for it in app.runner.done if it.peak >= limits[it.function]]


def test_no_secret_leaves(nights: Nights, app: Application) -> None:
    """Not in a log, an event, a metric, a report, the table, a topic, Slack, or a dead letter."""
    letters = [json.dumps(it.event) for it in app.flow.dead]
    left = [
        *(it.log + it.content.decode(errors="replace") for it in app.runner.done),
        *(json.dumps(it) for it in app.flow.events.values()),
        *(it.decode() for it in (*app.reports().values(), *app.pages().values())),
        *(repr(it) for it in app.items()),
        *(json.dumps(it) for it in app.published()),
        *(json.dumps(payload) for _, payload in app.slack.posted),
        *(it.call.content.decode(errors="replace") for it in app.aws.seen),
        *letters,
    ]
    assert not [it for it in left if CANARY in it]
    assert len(nights.all) == 3
