"""A digest as a webhook of Slack is given it: within its limits, and harmless whatever things are called."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import escape_control_characters
from backup_auditor.rendering.slack import build_slack_payload, count_units, fit_text
from support.builders.notifications import (
    SLACK_CHANNEL,
    build_alert_report,
    build_digest,
    build_open_finding,
    build_resolved_finding,
    hostile_reports,
)

BLOCK_KEYS = {"header": {"type", "text"}, "section": {"type", "text"}, "context": {"type", "elements"}}
HEADING_PATTERN = re.compile(r"\*[A-Z][A-Za-z ,]+ \([0-9,]+(: ([0-9,]+ (critical|high|medium|low)(, )?)+)?\)\*")


def render_payload(report: Report, **options: Any) -> Any:
    """Return what a webhook gets of a report, as it arrives."""
    return json.loads(json.dumps(build_slack_payload(build_digest(report, SLACK_CHANNEL, **options))))


def iterate_texts(payload: Mapping[str, Any]) -> Iterator[Any]:
    """Yield every text object of a payload."""
    for block in payload["blocks"]:
        yield from block["elements"] if block["type"] == "context" else [block["text"]]


def join_texts(payload: Mapping[str, Any]) -> str:
    """Return all that people see."""
    return "\n".join(it["text"] for it in iterate_texts(payload))


@given(hostile_reports(), st.sampled_from(["https://example.test/a?b=c&d=<|>", None]))
def test_every_payload_is_one_that_slack_takes(report: Report, link: str | None) -> None:
    """Blocks, their shapes, and the length of each text and of all together."""
    payload = render_payload(report, build_link=lambda _: link)
    assert 1 <= len(payload["blocks"]) <= 50
    assert all(set(it) == BLOCK_KEYS[it["type"]] for it in payload["blocks"])
    assert all(1 <= len(it["elements"]) <= 10 for it in payload["blocks"] if it["type"] == "context")
    assert all(1 <= count_units(it["text"]) <= 3000 for it in iterate_texts(payload))
    header = payload["blocks"][0]
    assert (header["type"], header["text"]["type"]) == ("header", "plain_text")
    assert count_units(header["text"]["text"]) <= 150
    assert 1 <= count_units(payload["text"]) + sum(count_units(it["text"]) for it in iterate_texts(payload)) <= 13_000


@given(hostile_reports(), st.sampled_from(["https://example.test/a?b=c&d=<|>", None]))
def test_names_are_never_markup(report: Report, link: str | None) -> None:
    """Text of others is only in plain text, with mentions and links escaped."""
    payload = render_payload(report, build_link=lambda _: link)
    for text_object in iterate_texts(payload):
        if text_object["type"] == "plain_text":
            assert text_object["emoji"] is False
            assert not set(text_object["text"]) & {"<", ">"}
        else:
            assert text_object["verbatim"] is True
            is_link = text_object["text"].startswith("<https://") and text_object["text"].endswith("|Open the report>")
            assert is_link or HEADING_PATTERN.fullmatch(text_object["text"])
            assert (
                text_object["text"].count("<")
                == text_object["text"].count(">")
                == text_object["text"].count("|")
                == int(is_link)
            )
    assert not set(payload["text"]) & {"<", ">"}
    visible_text = f"{payload['text']}\n{join_texts(payload)}"
    assert all(escape_control_characters(line) == line for line in visible_text.split("\n"))
    assert re.fullmatch(r"([^&]|&(amp|lt|gt);)*", visible_text)


@pytest.mark.parametrize(
    "name,expected_text",
    [
        pytest.param("<!channel>", "&lt;!channel&gt;", id="calls-the-channel"),
        pytest.param("<@U024BE7LH>", "&lt;@U024BE7LH&gt;", id="mention"),
        pytest.param("<https://evil.test|orders>", "&lt;https://evil.test|orders&gt;", id="links"),
        pytest.param("&lt;!here&gt;", "&amp;lt;!here&amp;gt;", id="escaped-already"),
        pytest.param("a\u202egpj.exe", r"a\u202egpj.exe", id="turns-the-line-around"),
        pytest.param("or\u200bders", "or\u200bders", id="of-no-width"),
        pytest.param("or\u3164ders", "or\u3164ders", id="shows-nothing"),
    ],
)
def test_a_name_is_shown_as_it_is(name: str, expected_text: str) -> None:
    """A name causes no mention and no link, and does not change the direction of a line."""
    payload = render_payload(build_alert_report(build_open_finding(name)))
    assert f"HIGH {expected_text}: index-has-schedule" in join_texts(payload)
    assert f"1 finding opened on {expected_text}" in payload["text"]


def test_a_name_begins_no_row_of_its_own() -> None:
    """A line break in a name is escaped, so that no name can add a finding to a digest."""
    payload_text = join_texts(
        render_payload(build_alert_report(build_open_finding("x\nCRITICAL orders: index-has-schedule")))
    )
    assert r"HIGH x\nCRITICAL orders" in payload_text
    assert not any(line.startswith("CRITICAL") for line in payload_text.split("\n"))


def test_what_has_no_room_is_counted() -> None:
    """Of thousands of findings the worst are listed, and the others counted, with the location of the report."""
    payload = render_payload(
        build_alert_report(
            *(build_open_finding(f"index-{number}", list(Severity)[number % 4]) for number in range(5000))
        )
    )
    assert payload["text"].startswith("CRITICAL: search: 5,000 findings opened on 5,000 indexes.")
    assert "Opened (5,000: 1,250 critical, 1,250 high, 1,250 medium, 1,250 low)" in join_texts(payload)
    assert join_texts(payload).count("index-has-schedule") == 20
    assert (
        "And 4,980 more: 1,230 critical, 1,250 high, 1,250 medium, 1,250 low. The report has all of them."
        in join_texts(payload)
    )


def test_fewer_findings_are_listed_if_each_is_long() -> None:
    """No finding is cut to make room for another."""
    long_findings = (
        replace(build_open_finding(f"{number}", reason="word " * 190), fingerprint=f"{number:032x}")
        for number in range(30)
    )
    payload = render_payload(build_alert_report(*long_findings))
    full_finding_count = join_texts(payload).count(("word " * 190).strip())
    assert 5 < full_finding_count < 20
    assert f"And {30 - full_finding_count} more: {30 - full_finding_count} high." in join_texts(payload)


def test_the_report_is_linked_where_it_has_an_address() -> None:
    """In the console; where it has none, its place is said."""
    payload = render_payload(build_alert_report(build_open_finding()))
    assert "|Open the report>" in join_texts(payload)
    assert "Report: s3://evidence/search/2026-11-22/" in join_texts(payload)
    assert "|Open the report>" not in join_texts(
        render_payload(build_alert_report(build_open_finding()), build_link=lambda _: None)
    )


def test_a_possible_repeat_says_so() -> None:
    """Only where an earlier attempt may have arrived."""
    assert "Possible duplicate" in join_texts(
        render_payload(build_alert_report(build_open_finding()), is_possible_duplicate=True)
    )
    assert "Possible duplicate" not in join_texts(
        render_payload(build_alert_report(build_open_finding()), is_possible_duplicate=False)
    )


def test_what_ended_is_reported_with_why() -> None:
    """And the first line says that nothing is left."""
    payload = render_payload(build_alert_report(resolved=(build_resolved_finding(),)))
    assert payload["text"].startswith("RESOLVED: search: 1 finding resolved on orders; no open findings.")
    assert "orders: index-has-schedule (was high)\n  found compliant: The index has 1 backup schedule." in join_texts(
        payload
    )


@given(st.text(), st.integers(1, 60))
def test_text_is_cut_between_characters_as_they_are_written(text: str, length: int) -> None:
    """What was cut ends in an ellipsis and never in half an escape; what fits is whole."""
    fitted_text, full_text = fit_text(text, length), fit_text(text, 10_000)
    assert count_units(fitted_text) <= length
    assert (
        fitted_text == full_text
        if count_units(full_text) <= length
        else full_text.startswith(fitted_text[:-1]) and fitted_text[-1] == "…"
    )
    assert re.fullmatch(r"([^&]|&(amp|lt|gt);)*", fitted_text.replace("\n", " "))
