"""A digest as a topic is given it: within the limits of SNS, and of one mind with the report."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.notifications.digest import ChannelView
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import escape_control_characters
from backup_auditor.rendering.sns import MAX_PUBLICATION_BYTES, Publication, build_publication
from support.builders.notifications import (
    SNS_CHANNEL,
    build_alert_report,
    build_digest,
    build_open_finding,
    build_resolved_finding,
    hostile_reports,
)
from support.builders.reports import EXEMPTION

MACHINE_PROTOCOLS = ("firehose", "http", "https", "lambda", "sqs")
LARGE_REPORT = build_alert_report(
    *(build_open_finding(f"index-{number}", list(Severity)[number % 4]) for number in range(5000))
)


def split_parts(publication: Publication) -> Any:
    """Return what each way of being read gets."""
    return json.loads(publication.message)


def parse_machine_message(report: Report) -> Any:
    """Return what a queue gets of a report."""
    return json.loads(split_parts(build_publication(build_digest(report)))["sqs"])


def test_people_get_text_and_machines_get_json() -> None:
    """E-mail has all of it, what is not named has the first line and where the rest is, machines have one document."""
    parts_by_protocol = split_parts(build_publication(build_digest(build_alert_report(build_open_finding()))))
    assert set(parts_by_protocol) == {"default", "email", *MACHINE_PROTOCOLS}
    assert (
        parts_by_protocol["email"].splitlines()[0]
        == parts_by_protocol["default"].splitlines()[0]
        == json.loads(parts_by_protocol["sqs"])["headline"]
    )
    assert len({parts_by_protocol[it] for it in MACHINE_PROTOCOLS}) == 1
    assert "Report: s3://evidence/" in parts_by_protocol["default"]


def test_attributes_are_there_to_be_filtered_by() -> None:
    """The attributes are project, worst severity, compliance, most urgent event and message id."""
    severity_digest = build_digest(
        build_alert_report(build_open_finding(), build_open_finding("carts", Severity.CRITICAL, "ongoing", days=1))
    )
    assert build_publication(severity_digest).attributes == {
        "project": "search",
        "severity": "critical",
        "compliance": "NON_COMPLIANT",
        "event": "Backup Finding Opened",
        "message_id": severity_digest.message.message_id,
    }


@pytest.mark.parametrize(
    "report,severity,event",
    [
        pytest.param(build_alert_report(build_open_finding()), "high", "Backup Finding Opened", id="opened"),
        pytest.param(
            build_alert_report(
                build_open_finding(lifecycle="reopened", days=3),
                resolved=(build_resolved_finding("carts", Severity.CRITICAL),),
            ),
            "critical",
            "Backup Finding Reopened",
            id="reopened",
        ),
        pytest.param(
            build_alert_report(resolved=(build_resolved_finding(),)),
            "high",
            "Backup Finding Resolved",
            id="its-end-is-kept-in-its-place",
        ),
        pytest.param(
            build_alert_report(build_open_finding(lifecycle="ongoing", days=3)),
            "high",
            "Backup Audit Completed",
            id="a-reminder",
        ),
        pytest.param(build_alert_report(), "none", "Backup Audit Completed", id="all-is-well"),
    ],
)
def test_severity_and_event_are_those_of_what_is_reported(report: Report, severity: str, event: str) -> None:
    """Opened goes before reopened, reopened before resolved; who filters by severity hears of the end, too."""
    attributes = build_publication(build_digest(report)).attributes
    assert (attributes["severity"], attributes["event"]) == (severity, event)


def test_a_first_night_of_thousands_is_one_message() -> None:
    """A message has all counts, the worst findings in full, and the number of omitted ones."""
    publication = build_publication(build_digest(LARGE_REPORT))
    assert publication.size <= MAX_PUBLICATION_BYTES
    document = json.loads(split_parts(publication)["sqs"])
    assert document["opened"] == 5000
    assert document["open"] == {"critical": 1250, "high": 1250, "medium": 1250, "low": 1250}
    assert len(document["findings"]) + document["omitted"]["findings"] == 5000
    assert {it["severity"] for it in document["findings"]} == {"critical"}
    assert len(document["findings"]) > 50
    shown_count = len(document["findings"])
    assert (
        f"And {5000 - shown_count:,} more: {1250 - shown_count:,} critical, 1,250 high"
        in split_parts(publication)["email"]
    )


def test_it_is_cut_by_whole_findings() -> None:
    """With long names fewer findings are listed; none is cut, and the omitted ones are counted."""
    long_report = build_alert_report(
        *(
            replace(build_open_finding(f"{number}", reason="\U0001f600" * 3000), fingerprint=f"{number:032x}")
            for number in range(300)
        )
    )
    publication = build_publication(build_digest(long_report))
    document = json.loads(split_parts(publication)["sqs"])
    assert MAX_PUBLICATION_BYTES // 2 < publication.size <= MAX_PUBLICATION_BYTES
    assert document["omitted"]["findings"] == 300 - len(document["findings"])
    assert 0 < len(document["findings"]) < 100


@pytest.mark.parametrize(
    "project,subject",
    [
        pytest.param("search", "HIGH: search: 1 finding opened on orders", id="plain"),
        pytest.param("a\r\nBcc: b", r"HIGH: a\r\nBcc: b: 1 finding opened on orders", id="a-line-break"),
        pytest.param("é\u202e", r"HIGH: e\u202e: 1 finding opened on orders", id="accents"),
        pytest.param("\uff21\uff11-é", "HIGH: A1-e: 1 finding opened on orders", id="full-width"),
        pytest.param("search-検索-1", "HIGH: search-?-1: 1 finding opened on orders", id="partly-another-script"),
        pytest.param("本番　環境", "HIGH: 1 finding opened on orders", id="all-another-script"),
        pytest.param("👩\u200d💻" * 30, "HIGH: 1 finding opened on orders", id="emoji"),
        pytest.param("x" * 82, "HIGH: " + "x" * 62 + "...: 1 finding opened on orders", id="too-long"),
    ],
)
def test_a_subject_is_one_short_line_of_ascii(project: str, subject: str) -> None:
    """Fewer than 100 characters that print, whatever the project is called."""
    assert build_publication(build_digest(build_alert_report(build_open_finding(), project=project))).subject == subject


@given(hostile_reports())
def test_nothing_that_a_report_holds_breaks_a_limit(report: Report) -> None:
    """Sizes, characters and shapes are those that SNS takes."""
    publication = build_publication(build_digest(report))
    assert publication.size <= MAX_PUBLICATION_BYTES
    assert publication.subject.isascii()
    assert publication.subject.isprintable()
    assert publication.subject[0].isalnum()
    assert len(publication.subject) < 100
    parts_by_protocol = split_parts(publication)
    assert all(
        escape_control_characters(line) == line
        for text in ("default", "email")
        for line in parts_by_protocol[text].splitlines()
    )
    assert all(parts_by_protocol[it].isascii() for it in MACHINE_PROTOCOLS)
    assert all(it and escape_control_characters(it) == it for it in publication.attributes.values())


@given(hostile_reports())
def test_no_part_contradicts_the_report(report: Report) -> None:
    """Every part has the counts of the report, lists only its findings, and counts the rest."""
    document = parse_machine_message(report)
    channel_view = ChannelView(report, Severity.LOW)
    assert document["open"] == dict(report.summary.open)
    assert document["opened"] + document["reopened"] == len(channel_view.opened_findings)
    assert (
        document["resolved"]
        == len(report.resolved_findings)
        == len(document["resolved_findings"]) + document["omitted"]["resolved_findings"]
    )
    assert (
        document["read_error_count"]
        == len(report.read_failures)
        == len(document["read_errors"]) + document["omitted"]["read_errors"]
    )
    assert (document["complete"], document["compliance"]) == (report.is_complete, report.compliance)
    findings_by_fingerprint = {it.fingerprint: it for it in report.findings}
    assert all(findings_by_fingerprint[it["fingerprint"]].severity == it["severity"] for it in document["findings"])
    assert len(document["findings"]) + document["omitted"]["findings"] == len(channel_view.opened_findings) + len(
        channel_view.unresolved_findings
    )


@pytest.mark.parametrize("min_severity", list(Severity))
def test_findings_below_the_limit_of_a_channel_are_only_counted(min_severity: Severity) -> None:
    """What it does not want to hear of is not named; that there is something is not kept back."""
    report = build_alert_report(*(build_open_finding(it.value, it) for it in Severity))
    text = split_parts(build_publication(build_digest(report, replace(SNS_CHANNEL, min_severity=min_severity))))[
        "email"
    ]
    assert {it for it in Severity if f" {it.value}: index-has-schedule" in text} == {
        it for it in Severity if it.rank >= min_severity.rank
    }
    min_rank = min_severity.rank
    assert (f"{min_rank} open finding" in text) is (min_rank > 0)


def test_an_exempted_finding_is_counted_alone() -> None:
    """An exempted finding is counted and not listed."""
    report = build_alert_report(
        build_open_finding(), build_open_finding("scratch", exemption=EXEMPTION, lifecycle=None)
    )
    text = split_parts(build_publication(build_digest(report)))["email"]
    assert "scratch" not in text
    assert "Accepted by exemptions: 1 finding." in text


def test_an_unknown_verdict_is_not_well() -> None:
    """With no open but an unknown finding, the first line does not report success."""
    report = build_alert_report(
        build_open_finding(compliance=Compliance.INSUFFICIENT_DATA, lifecycle=None),
        resolved=(build_resolved_finding("carts"),),
        failure_count=1,
    )
    subject = build_publication(build_digest(report)).subject
    assert subject == "RESOLVED (audit incomplete): search: 1 finding resolved on carts; no open findings"
    assert parse_machine_message(report)["headline"].endswith("1 read error. 1 check could not be evaluated.")
