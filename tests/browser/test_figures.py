"""What a page says, figure by figure, against the JSON of the same audit."""

import json
from collections.abc import Iterator
from typing import Any

from backup_auditor.rendering.text import escape_text
from support.browser import OpenPage
from support.pages import ReportPage

EVIDENCE_SCRIPT = """found => found.map(it => [it.id,
    [...it.querySelectorAll(":scope > .figures > div")].map(figure => [
  figure.querySelector("dt").textContent,
  figure.querySelector("table")
    ? [...figure.querySelectorAll("tbody tr")].map(row => [...row.cells].map(cell => cell.textContent))
    : figure.querySelector("dd").textContent,
])])"""
CELLS_SCRIPT = "found => found.map(row => [...row.cells].map(cell => cell.textContent))"
COURSES_SCRIPT = """found => found.map(row => {
  const marks = name => (row.querySelector(`path.${name}`)?.getAttribute("d").match(/M/g) || []).length;
  const [severity, , ...figures] = [...row.cells].map(cell => cell.textContent);
  return [severity, figures, marks(severity), marks("unsure")];
})"""
SEVERITIES = ("critical", "high", "medium", "low")
DRILLS_SCRIPT = """found => found.map(row => [
  row.cells[0].textContent,
  [...row.querySelectorAll("path.length, path.slow")].map(it => it.getAttribute("d").match(/M/g).length)
    .reduce((total, count) => total + count, 0),
  row.querySelector("svg[role=img][aria-label]") !== null,
])"""
MOMENTS_SCRIPT = """found => found.map(it => [
  it.dataset.index, it.querySelector(".description").textContent,
  [...it.querySelectorAll(".moments li")].map(row => row.textContent),
  Object.fromEntries([...it.querySelectorAll(".nights path")].map(path => [
    path.getAttribute("class"), (path.getAttribute("d").match(/M/g) || []).length])),
])"""


def format_figure(value: Any) -> str:
    """Write a figure as the page does."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return escape_text(value)
    if isinstance(value, list) and all(isinstance(it, str) for it in value):
        return escape_text(", ".join(value) or "none")
    return escape_text(json.dumps(value, ensure_ascii=False))


def flatten_evidence(evidence: dict[str, Any], prefix: str = "") -> Iterator[list[Any]]:
    """Return the figures of some evidence in the order and the form of the page."""
    for key, value in evidence.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, dict) and value:
            yield from flatten_evidence(value, f"{name}: ")
        elif isinstance(value, list) and value and all(isinstance(it, dict) for it in value):
            columns = list(dict.fromkeys(key for row in value for key in row))
            yield [
                escape_text(name),
                [[format_figure(row[it]) if it in row else "" for it in columns] for row in value],
            ]
        else:
            yield [escape_text(name), format_figure(value)]


def test_every_count_is_that_of_the_json(report_page: ReportPage, opened_page: OpenPage) -> None:
    """Tiles, the sentence of what was read, and headings."""
    summary = report_page.document["summary"]
    tiles = dict(
        opened_page.page.eval_on_selector_all(
            "[data-figure]", "found => found.map(it => [it.dataset.figure, it.textContent])"
        )
    )
    expected = {key: f"{value:,}" for key, value in summary["findings"].items()}
    expected |= {f"open-{key}": f"{value:,}" for key, value in summary["open"].items()}
    expected |= {"exempted": str(summary["exempted"]), "coverage": f"{summary['coverage_percent']:g} %"}
    assert tiles == expected
    text = " ".join(opened_page.read_texts("#glance-1 > p"))
    for key in ("indexes", "backups", "recovery_points", "schedules", "runs", "requests"):
        assert f"{report_page.document['inventory'][key]:,} " in text
    for section, members in (("resolved", "resolved"), ("drift", "drift"), ("read-errors", "read_errors")):
        assert f"({len(report_page.document[members])})" in opened_page.read_texts(f"#{section}-1 h2")[0]
        assert opened_page.page.locator(f"#{section}-1 tbody tr").count() == len(report_page.document[members])


def test_past_audits_are_those_of_the_json(report_page: ReportPage, opened_page: OpenPage) -> None:
    """Each count is text, this audit's first; each that is not 0 has a column, each incomplete audit a line."""
    current_audit = {"observed_at": report_page.document["observed_at"], "complete": report_page.document["complete"]}
    audits = [*report_page.document["history"], {**current_audit, "open": report_page.document["summary"]["open"]}]
    if not report_page.document["history"]:
        assert opened_page.page.locator(".trends, .audits").count() == 0
        assert "No previous audit to compare with." in opened_page.read_texts("#glance-1 p")
        return
    rows = opened_page.page.eval_on_selector_all(".audits tbody tr", CELLS_SCRIPT)
    audit_rows = [
        [
            audit["observed_at"],
            *(f"{count:,}" for count in audit["open"].values()),
            "yes" if audit["complete"] else "no",
        ]
        for audit in reversed(audits)
    ]
    audit_rows[0][0] += " (this audit)"
    assert rows == audit_rows
    assert f"each of {len(audits)} audits" in opened_page.read_texts(".trends caption")[0]
    severity_bars = {
        severity: bar_values
        for severity, *bar_values in opened_page.page.eval_on_selector_all(".trends tbody tr", COURSES_SCRIPT)
    }
    for severity in SEVERITIES:
        counts = [it["open"][severity] for it in audits]
        incomplete_count = sum(not it["complete"] for it in audits)
        figures = [f"{counts[-1]:,}", f"{max(counts):,}"]
        assert severity_bars[severity] == [figures, sum(it > 0 for it in counts), incomplete_count]


def test_every_finding_says_what_the_json_says(report_page: ReportPage, opened_page: OpenPage) -> None:
    """Reason, remediation and each figure of the evidence."""
    evidence = dict(opened_page.page.eval_on_selector_all(".finding", EVIDENCE_SCRIPT))
    assert evidence == {key: list(flatten_evidence(it["evidence"])) for key, it in report_page.shown_findings.items()}
    for name, member in ((".reason", "reason"), (".place", "resource"), (".next", "remediation")):
        texts_by_id = dict(_read_texts(opened_page, name))
        for key, finding in report_page.shown_findings.items():
            expected = finding[member] if isinstance(finding[member], str) else finding[member]["name"]
            if finding["resource"]["type"] != "project" or member != "resource":
                assert escape_text(expected) in texts_by_id[key]


def _read_texts(opened_page: OpenPage, selector: str) -> list[list[str]]:
    script = f"found => found.map(it => [it.id, it.querySelector('{selector}')?.textContent ?? ''])"
    pairs: list[list[str]] = opened_page.page.eval_on_selector_all(".finding", script)
    return pairs


def test_every_moment_of_a_picture_is_one_of_the_json(report_page: ReportPage, opened_page: OpenPage) -> None:
    """Each moment is text, and the picture has a mark for each moment in its period."""
    indexes = {
        name: index_values for name, *index_values in opened_page.page.eval_on_selector_all(".index", MOMENTS_SCRIPT)
    }
    assert set(indexes) == {escape_text(it["resource"]["name"]) for it in report_page.document["timelines"]}
    for timeline in report_page.document["timelines"]:
        timeline_texts, moments, drawn_moments = indexes[escape_text(timeline["resource"]["name"])]
        assert sorted(moments) == sorted(_describe_moments(timeline))
        assert drawn_moments.get("points", 0) == len(timeline["recovery_points"])
        assert drawn_moments.get("past", 0) == len(timeline["past_recovery_points"])
        assert drawn_moments.get("failed", 0) == len(timeline["failed_runs"])
        assert ("zero" in drawn_moments) <= (
            timeline["last_recovery_point_expires_at"] is not None or not timeline["recovery_points"]
        )
        if timeline["last_recovery_point_expires_at"]:
            assert f"after {_format_minute(timeline['last_recovery_point_expires_at'])} UTC" in timeline_texts


def test_restore_drills_are_those_of_the_json(report_page: ReportPage, opened_page: OpenPage) -> None:
    """Each index has a row, and each restore has a column in its picture and a row in the list."""
    drills = {escape_text(it["resource"]["name"]): it for it in report_page.document["restore_drills"]}
    assert f"({len(drills)})" in opened_page.read_texts("#drills-1 h2")[0]
    rows = opened_page.page.eval_on_selector_all(".drills tbody tr", DRILLS_SCRIPT)
    assert {name: count for name, count, _ in rows} == {key: len(it["restores"]) for key, it in drills.items()}
    assert {name for name, _, is_labelled in rows if is_labelled} == {
        key for key, it in drills.items() if it["restores"]
    }
    restores = opened_page.page.eval_on_selector_all(".restored tbody tr", CELLS_SCRIPT)
    expected_restores = [
        (
            name,
            f"{_format_minute(it['ended_at'])} UTC",
            it["result"].replace("_", " "),
            escape_text(it["backup"]["id"]),
        )
        for name, index_drills in drills.items()
        for it in index_drills["restores"]
    ]
    assert sorted((name, ended, result, backup) for name, ended, result, _, backup in restores) == sorted(
        expected_restores
    )


def _describe_moments(timeline: dict[str, Any]) -> Iterator[str]:
    for entry in timeline["recovery_points"]:
        expiry = "never expires" if entry["expires"] is False else "expiry unknown"
        expiry = f"expires {_format_minute(entry['expires_at'])}" if entry["expires_at"] else expiry
        yield f"{_format_minute(entry['captured_at'])} recovery point, {expiry}"
    yield from (
        f"{_format_minute(moment)} past recovery point, backup no longer listed"
        for moment in timeline["past_recovery_points"]
    )
    kinds = (
        ("failed_runs", "failed run"),
        ("runs_in_progress", "run in progress"),
        ("scheduled_runs", "planned run"),
    )
    for key, description in kinds:
        yield from (f"{_format_minute(moment)} {description}" for moment in timeline[key])
    for entry in timeline["missing_runs"]:
        runs = "1 run" if entry["missing"] == 1 else f"{entry['missing']} runs"
        yield f"{_format_minute(entry['from'])} {runs} missing, until {_format_minute(entry['to'])}"
    for entry in timeline["objective_missed"]:
        yield f"{_format_minute(entry['from'])} objective missed, until {_format_minute(entry['to'])}"


def _format_minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def test_the_policy_is_that_of_the_json(neglected_page: ReportPage, opened_pages: dict[str, OpenPage]) -> None:
    """Its source, its hash, and each limit of each rule."""
    opened_page = opened_pages["neglected"]
    text = opened_page.read_texts("#policy-1")[0]
    assert neglected_page.document["policy"]["sha256"] in text
    [rule] = neglected_page.document["rules"]
    limits = {key: value for key, value in rule.items() if key not in {"name", "indexes"}}
    figures = opened_page.page.eval_on_selector_all(
        ".rule .figures div", "found => found.map(it => [...it.children].map(part => part.textContent))"
    )
    assert figures == list(flatten_evidence(limits))
