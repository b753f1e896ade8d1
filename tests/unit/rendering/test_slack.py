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
from support.builders.notifications import SLACK, digest, ended, found, hostile_reports, told

SHAPES = {"header": {"type", "text"}, "section": {"type", "text"}, "context": {"type", "elements"}}
OWN_WORDS = re.compile(r"\*[A-Z][A-Za-z ,]+ \([0-9,]+(: ([0-9,]+ (critical|high|medium|low)(, )?)+)?\)\*")


def payload(report: Report, **how: Any) -> Any:
    """Return what a webhook gets of a report, as it arrives."""
    return json.loads(json.dumps(build_slack_payload(digest(report, SLACK, **how))))


def texts(shown: Mapping[str, Any]) -> Iterator[Any]:
    """Yield every text object of a payload."""
    for block in shown["blocks"]:
        yield from block["elements"] if block["type"] == "context" else [block["text"]]


def said(shown: Mapping[str, Any]) -> str:
    """Return all that people see."""
    return "\n".join(it["text"] for it in texts(shown))


@given(hostile_reports(), st.sampled_from(["https://example.test/a?b=c&d=<|>", None]))
def test_every_payload_is_one_that_slack_takes(report: Report, link: str | None) -> None:
    """Blocks, their shapes, and the length of each text and of all together."""
    shown = payload(report, link_to=lambda _: link)
    assert 1 <= len(shown["blocks"]) <= 50
    assert all(set(it) == SHAPES[it["type"]] for it in shown["blocks"])
    assert all(1 <= len(it["elements"]) <= 10 for it in shown["blocks"] if it["type"] == "context")
    assert all(1 <= count_units(it["text"]) <= 3000 for it in texts(shown))
    header = shown["blocks"][0]
    assert (header["type"], header["text"]["type"]) == ("header", "plain_text")
    assert count_units(header["text"]["text"]) <= 150
    assert 1 <= count_units(shown["text"]) + sum(count_units(it["text"]) for it in texts(shown)) <= 13_000


@given(hostile_reports(), st.sampled_from(["https://example.test/a?b=c&d=<|>", None]))
def test_names_are_never_markup(report: Report, link: str | None) -> None:
    """What is not our own words stands where nothing is markup, with what calls or links written out."""
    shown = payload(report, link_to=lambda _: link)
    for it in texts(shown):
        if it["type"] == "plain_text":
            assert it["emoji"] is False
            assert not set(it["text"]) & {"<", ">"}
        else:
            assert it["verbatim"] is True
            is_link = it["text"].startswith("<https://") and it["text"].endswith("|Open the report>")
            assert is_link or OWN_WORDS.fullmatch(it["text"])
            assert it["text"].count("<") == it["text"].count(">") == it["text"].count("|") == int(is_link)
    assert not set(shown["text"]) & {"<", ">"}
    seen = f"{shown['text']}\n{said(shown)}"
    assert all(escape_control_characters(line) == line for line in seen.split("\n"))
    assert re.fullmatch(r"([^&]|&(amp|lt|gt);)*", seen)


@pytest.mark.parametrize(
    "name,shown_as",
    [
        pytest.param("<!channel>", "&lt;!channel&gt;", id="calls-the-channel"),
        pytest.param("<@U024BE7LH>", "&lt;@U024BE7LH&gt;", id="calls-somebody"),
        pytest.param("<https://evil.test|orders>", "&lt;https://evil.test|orders&gt;", id="links"),
        pytest.param("&lt;!here&gt;", "&amp;lt;!here&amp;gt;", id="escaped-already"),
        pytest.param("a\u202egpj.exe", r"a\u202egpj.exe", id="turns-the-line-around"),
        pytest.param("or\u200bders", "or\u200bders", id="of-no-width"),
        pytest.param("or\u3164ders", "or\u3164ders", id="shows-nothing"),
    ],
)
def test_a_name_is_shown_as_it_is(name: str, shown_as: str) -> None:
    """It pings nobody, links nowhere and turns no line around."""
    shown = payload(told(found(name)))
    assert f"HIGH {shown_as}: index-has-schedule" in said(shown)
    assert f"1 finding opened on {shown_as}" in shown["text"]


def test_a_name_begins_no_row_of_its_own() -> None:
    """A line break in a name is written out: nobody can write a finding into somebody else's digest."""
    shown = said(payload(told(found("x\nCRITICAL orders: index-has-schedule"))))
    assert r"HIGH x\nCRITICAL orders" in shown
    assert not any(line.startswith("CRITICAL") for line in shown.split("\n"))


def test_what_has_no_room_is_counted() -> None:
    """Of thousands the worst are told, of the others how many there are and where."""
    shown = payload(told(*(found(f"index-{number}", list(Severity)[number % 4]) for number in range(5000))))
    assert shown["text"].startswith("CRITICAL: search: 5,000 findings opened on 5,000 indexes.")
    assert "Opened (5,000: 1,250 critical, 1,250 high, 1,250 medium, 1,250 low)" in said(shown)
    assert said(shown).count("index-has-schedule") == 20
    assert "And 4,980 more: 1,230 critical, 1,250 high, 1,250 medium, 1,250 low. The report has all of them." in said(
        shown
    )


def test_fewer_are_told_where_each_is_long() -> None:
    """No finding is told in part to make room for another."""
    long = (replace(found(f"{number}", reason="word " * 190), fingerprint=f"{number:032x}") for number in range(30))
    shown = payload(told(*long))
    told_in_full = said(shown).count(("word " * 190).strip())
    assert 5 < told_in_full < 20
    assert f"And {30 - told_in_full} more: {30 - told_in_full} high." in said(shown)


def test_the_report_is_linked_where_it_has_an_address() -> None:
    """In the console; where it has none, its place is said."""
    shown = payload(told(found()))
    assert "|Open the report>" in said(shown)
    assert "Report: s3://evidence/search/2026-11-22/" in said(shown)
    assert "|Open the report>" not in said(payload(told(found()), link_to=lambda _: None))


def test_a_possible_repeat_says_so() -> None:
    """Only where an earlier attempt may have arrived."""
    assert "This may be a repeat" in said(payload(told(found()), may_be_repeat=True))
    assert "This may be a repeat" not in said(payload(told(found()), may_be_repeat=False))


def test_what_ended_is_told_with_why() -> None:
    """And the first line says that nothing is left."""
    shown = payload(told(resolved=(ended(),)))
    assert shown["text"].startswith("RESOLVED: search: 1 finding resolved on orders; nothing is open.")
    assert "orders: index-has-schedule (was high)\n  found compliant: It has 1 schedule." in said(shown)


@given(st.text(), st.integers(1, 60))
def test_text_is_cut_between_characters_as_they_are_written(text: str, length: int) -> None:
    """What was cut ends in an ellipsis and never in half an escape; what fits is whole."""
    shown, whole = fit_text(text, length), fit_text(text, 10_000)
    assert count_units(shown) <= length
    assert shown == whole if count_units(whole) <= length else whole.startswith(shown[:-1]) and shown[-1] == "…"
    assert re.fullmatch(r"([^&]|&(amp|lt|gt);)*", shown.replace("\n", " "))
