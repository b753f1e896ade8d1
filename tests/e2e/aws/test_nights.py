"""Test three nights of the deployed stack from schedule to alerts: unchanged, changed, and with faults."""

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
from backup_auditor.domain.outbox import FLEET
from backup_auditor.rendering.formats.json import load_report
from backup_auditor.rendering.summary import describe_verdict
from support.aws_local.application import CANARY, Application
from support.aws_local.nights import (
    DAY,
    FIRST_NIGHT,
    PROJECTS,
    NightlyRuns,
    apply_changes,
    build_projects,
    inject_faults,
)
from support.aws_local.recipients import find_changes, find_linked_key

UNUSED_ACTIONS: dict[str, set[str]] = {
    "DispatchFunction": {"s3:GetObject"},  # the registry is a parameter here
    "AuditFunction": set(),
    # `test_corrected_channel.py` corrects a channel, and `test_doctor.py` checks the topics
    "NotifyFunction": {"dynamodb:ConditionCheckItem", "sns:GetTopicAttributes"},
    # as above; `test_failing_projects.py` has ping URLs
    "WatchFunction": {"s3:GetObject", "secretsmanager:GetSecretValue"},
}
"""The allowed actions that a function did not use in these nights, with the reason.

`test_remediating.py` tests the remediation function.
"""

_FINDING_PATTERN = re.compile(r'id="finding-([0-9a-f]+)"')


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NightlyRuns]:
    """Run three nights, in which events are delivered twice and in any order."""
    with Application(
        tmp_path_factory.mktemp("cloud"), build_projects(), FIRST_NIGHT - timedelta(hours=1), repeat_probability=0.2
    ) as app:
        nightly_runs = NightlyRuns(app)
        nightly_runs.run_night(FIRST_NIGHT)
        app.clock.set(FIRST_NIGHT + DAY / 2)
        apply_changes(app)
        nightly_runs.run_night(FIRST_NIGHT + DAY)
        app.clock.set(FIRST_NIGHT + DAY * 3 / 2)
        inject_faults(app)
        nightly_runs.run_night(FIRST_NIGHT + 2 * DAY)
        yield nightly_runs


@pytest.fixture
def app(nights: NightlyRuns) -> Application:
    """Return the application that ran the nights."""
    return nights.app


def test_every_project_is_audited_once_a_night(nights: NightlyRuns) -> None:
    """Duplicate events cause no second audit, and a project with an invalid key or policy has no audit."""
    first_counts, second_counts, third_counts = (it.audit_counts for it in nights.results)
    assert first_counts == dict.fromkeys(PROJECTS, 1)
    assert second_counts == dict.fromkeys(PROJECTS, 1)
    assert third_counts == {name: 1 for name in PROJECTS if name not in {"team-04", "team-05"}}


def test_each_report_is_stored_once_with_its_recorded_hash(nights: NightlyRuns, app: Application) -> None:
    """Each report is stored under project, date and audit, in one version, with the hash in the table."""
    stored_reports = app.load_reports()
    bucket = app.stack.physical_ids["EvidenceBucket"]
    records = {it["location"]["S"]: it for it in app.list_items() if "location" in it and "complete" in it}
    assert set(records) == {f"s3://{bucket}/{key}" for key in stored_reports}
    for key, content in stored_reports.items():
        project, date, audit_id, name = key.split("/")
        record = records[f"s3://{bucket}/{key}"]
        assert record["sha256"]["S"] == hashlib.sha256(content).hexdigest()
        assert record["PK"]["S"] == f"project#{project}"
        assert (date, audit_id, name) == (record["observed_at"]["S"][:10], record["audit_id"]["S"], "report.json")
    versions = app.open_client("s3").list_object_versions(Bucket=bucket)["Versions"]
    fleet_pages = app.load_reports(FLEET) | app.load_pages(FLEET)
    assert Counter(it["Key"] for it in versions) == dict.fromkeys([*stored_reports, *app.load_pages(), *fleet_pages], 1)
    assert len(nights.results) == 3


def test_each_report_has_a_page_with_its_recorded_hash(app: Application) -> None:
    """A page has the name of its report and an HTML content type, and the audit's record has its hash."""
    pages, bucket = app.load_pages(), app.stack.physical_ids["EvidenceBucket"]
    records = [it for it in app.list_items() if "location" in it and "complete" in it]
    assert {f"s3://{bucket}/{key}": hashlib.sha256(it).hexdigest() for key, it in pages.items()} == {
        audit_record["page_location"]["S"]: audit_record["page_sha256"]["S"] for audit_record in records
    }
    for audit_record in records:
        assert audit_record["page_location"]["S"] == audit_record["location"]["S"].replace(
            "/report.json", "/report.html"
        )
    types = {app.open_client("s3").head_object(Bucket=bucket, Key=it)["ContentType"] for it in pages}
    assert types == {"text/html; charset=utf-8"}


def test_pages_show_the_findings_of_the_night(nights: NightlyRuns) -> None:
    """A page shows the verdict, and exactly the open and unknown findings."""
    for night in nights.results:
        assert night.pages.keys() == night.reports.keys()
        for project, report in night.reports.items():
            page = unescape(night.pages[project])
            loaded_report = load_report(json.dumps(report).encode(), project)
            assert f'<p class="sentence">{describe_verdict(loaded_report)}' in page
            assert report["audit_id"] in page
            unhealthy_findings = [
                it
                for it in loaded_report.findings
                if it.compliance in {Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA}
            ]
            assert set(_FINDING_PATTERN.findall(page)) == {it.fingerprint for it in unhealthy_findings}
            assert all(it.reason in page for it in unhealthy_findings)


def test_every_message_links_to_the_page_of_its_audit(nights: NightlyRuns, app: Application) -> None:
    """The link of each message names the stored page of the audit."""
    pages = app.load_pages()
    messages = [it for night in nights.results for it in (*night.topic_messages, *night.webhook_messages)]
    assert {it.channel.partition(":")[0] for it in messages} == {"sns", "slack"}
    for message in messages:
        project, _, audit_id, name = find_linked_key(message).split("/")
        assert find_linked_key(message) in pages
        assert (project, name) == (message.project, "report.html")
        assert not message.document or message.document["audit_id"] == audit_id


def test_every_channel_receives_every_change_once(nights: NightlyRuns) -> None:
    """A channel receives one message for each project with a change, and none for other projects."""
    for night in nights.results:
        # open critical findings are sent every day
        expected_projects = {
            name
            for name, it in night.reports.items()
            if any(find_changes(it).values()) or it["summary"]["open"]["critical"]
        }
        assert Counter(it.document["project"] for it in night.topic_messages) == dict.fromkeys(expected_projects, 1)
        for message in night.topic_messages:
            report = night.reports[message.document["project"]]
            assert message.document["audit_id"] == report["audit_id"]
            assert message.document["opened"] == len(find_changes(report)["Backup Finding Opened"])
            assert message.document["resolved"] == len(find_changes(report)["Backup Finding Resolved"])


def is_severe(report: Any) -> bool:
    """Return whether Slack must receive a report: one with a change of at least high severity, or an open critical."""
    changed_findings = [
        it for it in report["findings"] if it["compliance"] == "NON_COMPLIANT" and it["lifecycle"] != "ongoing"
    ]
    severities = {it["severity"] for it in (*changed_findings, *report["resolved"])}
    return bool(severities & {"high", "critical"} or report["summary"]["open"]["critical"])


def test_slack_receives_severe_findings(nights: NightlyRuns) -> None:
    """Slack receives findings of severity high or above once, at the webhook of the secret."""
    ids = [it.message_id for night in nights.results for it in night.webhook_messages]
    assert max(Counter(ids).values()) == 1
    for night in nights.results:
        expected_projects = {name for name, it in night.reports.items() if is_severe(it)}
        assert {it.project for it in night.webhook_messages} == expected_projects


def test_each_audit_and_changed_finding_is_an_event(nights: NightlyRuns) -> None:
    """Each audit publishes one completion event and one event per changed finding."""
    for night in nights.results:
        for project, report in night.reports.items():
            (completed_details,) = night.find_events("Backup Audit Completed", project)
            assert completed_details["audit_id"] == report["audit_id"]
            for kind, fingerprints in find_changes(report).items():
                event_fingerprints = [it["fingerprint"] for it in night.find_events(kind, project)]
                assert sorted(event_fingerprints) == sorted(fingerprints)


def test_metrics_are_those_of_the_report(nights: NightlyRuns) -> None:
    """Each metric is emitted once, for each project and severity."""
    for night in nights.results:
        for project, report in night.reports.items():
            assert night.find_values("AuditComplete", project) == {float(report["complete"])}
            assert night.find_values("FindingsOpen", project) == {float(sum(report["summary"]["open"].values()))}
            assert night.find_values("IndexesTotal", project) == {float(report["inventory"]["indexes"])}
            values_by_severity = {
                it.dimensions["severity"]: it.value
                for it in night.metrics
                if it.name == "FindingsOpen"
                and it.dimensions.keys() == {"stack", "project", "severity"}
                and it.dimensions["project"] == project
            }
            # if a finding of a severity could not be evaluated, the number of open findings is unknown
            open_counts = report["summary"]["open"]
            assert values_by_severity.items() <= open_counts.items()
            assert values_by_severity == open_counts or not report["complete"]


def test_only_nights_with_a_fault_raise_alarms(nights: NightlyRuns) -> None:
    """An invalid registry entry, key or policy and a read error raise alarms, and a normal night raises none."""
    first_alarms, second_alarms, third_alarms = (it.alarms for it in nights.results)
    assert first_alarms == set()
    assert second_alarms >= {"DeadLettersAlarm", "ProjectsNewlyFailedAlarm"}
    assert third_alarms >= second_alarms | {"IncompleteAuditAlarm", "ProjectsOverdueAlarm"}


def test_every_night_with_a_new_fault_is_one_message(nights: NightlyRuns) -> None:
    """The faults of a night are one message; those of the night before still stand, which is another."""
    messages = [[it.alarm for it in night.alarm_messages] for night in nights.results]
    assert messages == [[], ["NewFailureAlarm"], ["NeedsAttentionAlarm", "NewFailureAlarm"]]


def test_each_failed_audit_is_reported_to_its_channels(nights: NightlyRuns) -> None:
    """The channels of a failing or overdue project receive one message each; an invalid entry has only the bus."""
    assert [it.notices for it in nights.results[:2]] == [[], []]
    (_, second_night, third_night) = nights.results
    notices = Counter((it.project, it.channel.partition(":")[0], it.notice) for it in third_night.notices)
    failing_projects = ("team-03", "team-04", "team-05")  # the first is incomplete, and overdue in the morning
    assert notices == {(name, channel, "opened"): 1 for name in failing_projects for channel in ("sns", "slack")}
    assert len(second_night.find_events("Backup Audit Failed", "broken")) == 1
    assert all(len(third_night.find_events("Backup Audit Failed", it)) == 1 for it in failing_projects)


def test_a_failed_audit_becomes_a_dead_letter(app: Application) -> None:
    """Each failed audit and each invalid event is in the dead-letter queue."""
    dead_letters = {
        (it.queue, it.event["detail"]["project"]) for it in app.flow.dead_letters if it.event["detail"] != 1
    }
    assert dead_letters == {("AuditQueue", it) for it in ("broken", "team-04", "team-05")}
    invalid_event_queues = {it.queue for it in app.flow.dead_letters if it.event["detail"] == 1}
    assert invalid_event_queues == {"DispatchQueue", "AuditQueue"}


def test_a_rotated_key_is_used_without_a_deployment(nights: NightlyRuns) -> None:
    """An audit after the rotation is complete, although Pinecone refuses the old key."""
    assert nights.results[1].reports["team-02"]["complete"]


def test_every_call_was_allowed_by_the_role_of_its_function(app: Application) -> None:
    """The loopback AWS allows only what the template's statements allow."""
    assert app.aws.denied_permissions == []


def test_each_action_that_a_role_allows_is_used_or_explained(app: Application) -> None:
    """An unused action is one that Lambda itself uses, or one for a case that these nights do not have."""
    unused_actions = {
        name: app.find_unused_actions(name) for name in app.stack.functions if name != "RemediateFunction"
    }
    assert unused_actions == UNUSED_ACTIONS


def test_every_function_stays_within_its_memory(app: Application) -> None:
    """The peak memory of each invocation is below the limit of its function."""
    limits = {it.name: it.memory * 1024 * 1024 for it in app.stack.functions.values()}
    assert not [it.function for it in app.runner.invocations if it.peak_memory >= limits[it.function]]


def test_no_output_has_a_secret(nights: NightlyRuns, app: Application) -> None:
    """No secret is in a log, event, metric, report, table, topic, Slack message or dead letter."""
    dead_letter_texts = [json.dumps(it.event) for it in app.flow.dead_letters]
    exposed_places = [
        *(it.log + it.content.decode(errors="replace") for it in app.runner.invocations),
        *(json.dumps(it) for it in app.flow.events.values()),
        *(it.decode() for it in (*app.load_reports().values(), *app.load_pages().values())),
        *(repr(it) for it in app.list_items()),
        *(json.dumps(it) for it in app.list_published()),
        *(json.dumps(payload) for _, payload in app.slack.posted_messages),
        *(it.call.content.decode(errors="replace") for it in app.aws.requests),
        *dead_letter_texts,
    ]
    assert not [it for it in exposed_places if CANARY in it]
    assert len(nights.results) == 3
