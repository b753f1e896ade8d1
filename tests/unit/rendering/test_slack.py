"""A digest as a webhook of Slack is given it: within its limits, and harmless whatever things are called."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.domain.finding import Resource, ResourceType, Severity
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import escape_control_characters
from backup_auditor.rendering.controls import build_commands
from backup_auditor.rendering.digest import build_report_link
from backup_auditor.rendering.html.page import render_html
from backup_auditor.rendering.slack import (
    MAX_BLOCK_LENGTH,
    MAX_BLOCKS,
    MAX_BLOCKS_LENGTH,
    build_slack_payload,
    fit_text,
)
from backup_auditor.rendering.text import count_units
from support.builders.notifications import (
    SLACK_CHANNEL,
    build_alert_report,
    build_digest,
    build_open_finding,
    build_resolved_finding,
    hostile_reports,
)
from support.slack_server import find_refusal, iterate_elements, iterate_texts

BASE_LINK = "https://reports.example.com/search/report.html"
LINK_STRATEGY = st.sampled_from(["https://example.test/a?b=c&d=<|>", BASE_LINK, f"https://{'a' * 3000}", None])


def render_payload(report: Report, **options: Any) -> Any:
    """Return what a webhook gets of a report, as it arrives. It must be one that Slack accepts."""
    body = json.dumps(build_slack_payload(build_digest(report, SLACK_CHANNEL, **options))).encode()
    refusal, payload = find_refusal("application/json", body)
    assert refusal is None
    return payload


def list_elements(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the texts and links of all rich text."""
    return [it for block in payload["blocks"] if block["type"] == "rich_text" for it in iterate_elements(block)]


def list_commands(payload: Mapping[str, Any]) -> list[str]:
    """Return the preformatted texts."""
    blocks = (it for it in payload["blocks"] if it["type"] == "rich_text")
    parts = (part for block in blocks for part in block["elements"] if part["type"] == "rich_text_preformatted")
    return [it["text"] for part in parts for it in part["elements"]]


def join_texts(payload: Mapping[str, Any]) -> str:
    """Return all that people see, a paragraph or an item on each line."""
    return "\n".join(map(_join_block, payload["blocks"]))


def _join_block(block: Mapping[str, Any]) -> str:
    if block["type"] == "rich_text":
        sections = (it for part in block["elements"] for it in _list_sections(part))
        return "\n".join("".join(it["text"] for it in section["elements"]) for section in sections)
    return "\n".join(it["text"] for it in (block["elements"] if block["type"] == "context" else [block["text"]]))


def _list_sections(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from part["elements"] if part["type"] == "rich_text_list" else [part]


@given(hostile_reports(), LINK_STRATEGY)
def test_every_payload_is_one_that_slack_takes(report: Report, link: str | None) -> None:
    """A payload has the documented shapes, and each text and all together are within the limits."""
    payload = render_payload(report, build_link=lambda _: link)
    assert 1 <= len(payload["blocks"]) <= MAX_BLOCKS
    assert count_units(json.dumps(payload["blocks"], separators=(",", ":"), ensure_ascii=False)) <= MAX_BLOCKS_LENGTH
    for block in payload["blocks"]:
        assert sum(map(count_units, iterate_texts({"blocks": [block]}))) <= MAX_BLOCK_LENGTH
    assert payload["blocks"][0]["type"] == "header"
    assert 1 <= count_units(payload["text"]) <= 1000


@given(hostile_reports(), LINK_STRATEGY)
def test_names_are_never_markup(report: Report, link: str | None) -> None:
    """Text of others is literal rich text, or plain text with escaped mentions; only the report's link is markup."""
    payload = render_payload(report, build_link=lambda _: link)
    escaped_texts = [payload["text"]]
    for block in payload["blocks"]:
        if block["type"] != "rich_text":
            escaped_texts += [it["text"] for it in block.get("elements", [block.get("text")]) if it["type"] != "mrkdwn"]
    assert all(re.fullmatch(r"([^&<>]|&(amp|lt|gt);)*", it) for it in escaped_texts)
    markup_texts = [it["text"] for block in payload["blocks"] for it in block.get("elements", []) if "verbatim" in it]
    assert all(re.fullmatch(r"<https://[^<>|]+\|Open the report>", it) for it in markup_texts)
    assert all(it["url"].startswith(f"{link}#finding-") for it in list_elements(payload) if it["type"] == "link")
    assert all(escape_control_characters(line) == line for it in iterate_texts(payload) for line in it.split("\n"))


@pytest.mark.parametrize(
    "name,literal_text,escaped_text",
    [
        pytest.param("<!channel>", "<!channel>", "&lt;!channel&gt;", id="calls-the-channel"),
        pytest.param("<@U024BE7LH>", "<@U024BE7LH>", "&lt;@U024BE7LH&gt;", id="mention"),
        pytest.param("<https://a.test|b>", "<https://a.test|b>", "&lt;https://a.test|b&gt;", id="links"),
        pytest.param("&lt;!here&gt;", "&lt;!here&gt;", "&amp;lt;!here&amp;gt;", id="escaped-already"),
        pytest.param("*a* _b_ `c` :smile: @here", "*a* _b_ `c` :smile: @here", "*a* _b_ `c` :smile: @here", id="marks"),
        pytest.param("a\u202egpj.exe", r"a\u202egpj.exe", r"a\u202egpj.exe", id="turns-the-line-around"),
        pytest.param("or\u200bders", "or\u200bders", "or\u200bders", id="of-no-width"),
        pytest.param("or\u3164ders", "or\u3164ders", "or\u3164ders", id="shows-nothing"),
    ],
)
def test_a_name_is_shown_as_it_is(name: str, literal_text: str, escaped_text: str) -> None:
    """A name causes no mention and no link, and does not change the direction of a line."""
    payload = render_payload(build_alert_report(build_open_finding(name)))
    assert {"type": "text", "text": literal_text, "style": {"bold": True}} in list_elements(payload)
    assert f"HIGH {literal_text}: index-has-schedule" in join_texts(payload)
    assert f"1 finding opened on {escaped_text}" in payload["text"]


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


def test_ids_controls_and_calls_are_code() -> None:
    """An engineer can tell what to type from the sentence around it."""
    index_id = "0f8d3c2a-6c0e-4c39-8d56-2f3f0b1d9a77"
    finding = build_open_finding(
        resource=Resource(ResourceType.DELETED_INDEX, "search", "orders", index_id),
        reason=f"Schedule {index_id} is paused.",
        remediation='Resume it by PATCH /backup-schedules/s-1 and {"enabled": true} (ids: GET /backups). See GET x.',
    )
    payload = render_payload(build_alert_report(finding, failure_count=1))
    assert [it["text"] for it in list_elements(payload) if it.get("style") == {"code": True}][-6:] == [
        index_id,
        "index-has-schedule",
        index_id,
        'PATCH /backup-schedules/s-1 and {"enabled": true}',
        "GET /backups",
        "GET /backup-schedules/0/history",
    ]


def test_each_finding_is_linked_to_its_place_on_the_page() -> None:
    """With a URL that opens the page, each finding leads to an element of the page that the same report renders."""
    report = build_alert_report(
        build_open_finding("orders"),
        build_open_finding("users", lifecycle="ongoing", days=3),
        build_open_finding("b c"),
    )
    payload = render_payload(report, build_link=lambda _: BASE_LINK)
    links = [it["url"] for it in list_elements(payload) if it["type"] == "link"]
    page = "".join(render_html([report]))
    assert [it.partition("#")[0] for it in links] == [BASE_LINK] * 3
    assert len({*links}) == 3
    assert all(f'id="{it.partition("#")[2]}"' in page for it in links)


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_the_console_leads_to_no_place_on_the_page(region: str) -> None:
    """The console opens the page in a window of its own, without the fragment, so that only the report is linked."""
    payload = render_payload(
        build_alert_report(build_open_finding()), build_link=partial(build_report_link, region=region)
    )
    assert "|Open the report>" in join_texts(payload)
    assert not [it for it in list_elements(payload) if it["type"] == "link"]


def test_the_commands_of_the_worst_finding_can_be_copied() -> None:
    """Each command of the advice is whole and stands alone, and is not repeated below."""
    finding = build_open_finding(
        "orders", Severity.CRITICAL, control="schedule-is-enabled", remediation_values={"schedule_id": "s-1"}
    )
    payload = render_payload(build_alert_report(finding))
    commands = build_commands(finding)
    assert list_commands(payload) == commands
    assert "/backup-schedules/s-1 " in commands[-1]
    assert payload["blocks"][1]["elements"][1:] == [
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": it}]} for it in commands
    ]


def test_the_commands_of_other_new_findings_follow_them() -> None:
    """New findings have their commands, the first ones first; findings of earlier audits have none."""
    findings = [build_open_finding(f"index-{number}") for number in range(4)]
    lasting_finding = build_open_finding("lasting", lifecycle="ongoing", days=2)
    payload = render_payload(build_alert_report(*findings, lasting_finding))
    assert list_commands(payload) == [it for finding in findings for it in build_commands(finding)]


def test_rows_come_before_commands() -> None:
    """Many findings are all listed; only as many commands are shown as there is room left for."""
    findings = [build_open_finding(f"index-{number}") for number in range(20)]
    payload = render_payload(build_alert_report(*findings))
    all_commands = [it for finding in findings for it in build_commands(finding)]
    assert join_texts(payload).count("index-has-schedule") == 20
    assert 1 < len(list_commands(payload)) < len(all_commands)
    assert list_commands(payload) == all_commands[: len(list_commands(payload))]


def test_a_command_is_never_cut() -> None:
    """A command that is too long is left out, because no part of it can be run."""
    payload = render_payload(build_alert_report(build_open_finding("x" * 1400)))
    assert list_commands(payload) == []


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
    assert "orders: index-has-schedule (was high)\nfound compliant: The index has 1 backup schedule." in join_texts(
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
