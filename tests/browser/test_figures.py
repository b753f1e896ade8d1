"""What a page says, figure by figure, against the JSON of the same audit."""

import json
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser

from backup_auditor.rendering.text import escape_text
from support.browser import Opened, opened
from support.pages import Written

EVIDENCE = """found => found.map(it => [it.id, [...it.querySelectorAll(":scope > .figures > div")].map(figure => [
  figure.querySelector("dt").textContent,
  figure.querySelector("table")
    ? [...figure.querySelectorAll("tbody tr")].map(row => [...row.cells].map(cell => cell.textContent))
    : figure.querySelector("dd").textContent,
])])"""
CELLS = "found => found.map(row => [...row.cells].map(cell => cell.textContent))"
COURSES = """found => found.map(row => {
  const marks = name => (row.querySelector(`path.${name}`)?.getAttribute("d").match(/M/g) || []).length;
  const [severity, , ...figures] = [...row.cells].map(cell => cell.textContent);
  return [severity, figures, marks(severity), marks("unsure")];
})"""
SEVERITIES = ("critical", "high", "medium", "low")
MOMENTS = """found => found.map(it => [
  it.dataset.index, it.querySelector(".told").textContent,
  [...it.querySelectorAll(".moments li")].map(row => row.textContent),
  Object.fromEntries([...it.querySelectorAll(".nights path")].map(path => [
    path.getAttribute("class"), (path.getAttribute("d").match(/M/g) || []).length])),
])"""


def shown(value: Any) -> str:
    """Write a figure as the page does."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return escape_text(value)
    if isinstance(value, list) and all(isinstance(it, str) for it in value):
        return escape_text(", ".join(value) or "none")
    return escape_text(json.dumps(value, ensure_ascii=False))


def flat(evidence: dict[str, Any], before: str = "") -> Iterator[list[Any]]:
    """Return the figures of some evidence in the order and the form of the page."""
    for key, value in evidence.items():
        name = f"{before}{key}".replace("_", " ")
        if isinstance(value, dict) and value:
            yield from flat(value, f"{name}: ")
        elif isinstance(value, list) and value and all(isinstance(it, dict) for it in value):
            columns = list(dict.fromkeys(key for row in value for key in row))
            yield [escape_text(name), [[shown(row[it]) if it in row else "" for it in columns] for row in value]]
        else:
            yield [escape_text(name), shown(value)]


def test_every_count_is_that_of_the_json(written: Written, browser: Browser) -> None:
    """Tiles, the sentence of what was read, and headings."""
    summary = written.json["summary"]
    with opened(browser, written.page) as found:
        tiles = dict(
            found.page.eval_on_selector_all(
                "[data-figure]", "found => found.map(it => [it.dataset.figure, it.textContent])"
            )
        )
        expected = {key: f"{value:,}" for key, value in summary["findings"].items()}
        expected |= {f"open-{key}": f"{value:,}" for key, value in summary["open"].items()}
        expected |= {"exempted": str(summary["exempted"]), "coverage": f"{summary['coverage_percent']:g} %"}
        assert tiles == expected
        text = " ".join(found.texts("#glance-1 > p"))
        for key in ("indexes", "backups", "recovery_points", "schedules", "runs", "requests"):
            assert f"{written.json['inventory'][key]:,} " in text
        for section, members in (("resolved", "resolved"), ("drift", "drift"), ("unread", "read_errors")):
            assert f"({len(written.json[members])})" in found.texts(f"#{section}-1 h2")[0]
            assert found.page.locator(f"#{section}-1 tbody tr").count() == len(written.json[members])


def test_past_audits_are_those_of_the_json(written: Written, browser: Browser) -> None:
    """Each count stands as text, this audit's first; a column is drawn for each that is not 0, a line where unsure."""
    this = {"observed_at": written.json["observed_at"], "complete": written.json["complete"]}
    audits = [*written.json["history"], {**this, "open": written.json["summary"]["open"]}]
    with opened(browser, written.page) as found:
        if not written.json["history"]:
            assert found.page.locator(".trends, .audits").count() == 0
            assert "No audit before this one is remembered." in found.texts("#glance-1 p")
            return
        rows = found.page.eval_on_selector_all(".audits tbody tr", CELLS)
        told = [
            [
                it["observed_at"],
                *(f"{count:,}" for count in it["open"].values()),
                "all" if it["complete"] else "not all",
            ]
            for it in reversed(audits)
        ]
        told[0][0] += " (this one)"
        assert rows == told
        assert f"each of {len(audits)} audits" in found.texts(".trends caption")[0]
        drawn = {severity: rest for severity, *rest in found.page.eval_on_selector_all(".trends tbody tr", COURSES)}
        for severity in SEVERITIES:
            counts = [it["open"][severity] for it in audits]
            unsure = sum(not it["complete"] for it in audits)
            figures = [f"{counts[-1]:,}", f"{max(counts):,}"]
            assert drawn[severity] == [figures, sum(it > 0 for it in counts), unsure]


def test_every_finding_says_what_the_json_says(written: Written, browser: Browser) -> None:
    """Reason, remediation and each figure of the evidence."""
    with opened(browser, written.page) as found:
        evidence = dict(found.page.eval_on_selector_all(".finding", EVIDENCE))
        assert evidence == {key: list(flat(it["evidence"])) for key, it in written.shown.items()}
        for name, member in ((".reason", "reason"), (".place", "resource"), (".next", "remediation")):
            told = dict(_texts(found, name))
            for key, it in written.shown.items():
                expected = it[member] if isinstance(it[member], str) else it[member]["name"]
                if it["resource"]["type"] != "project" or member != "resource":
                    assert escape_text(expected) in told[key]


def _texts(found: Opened, selector: str) -> list[list[str]]:
    script = f"found => found.map(it => [it.id, it.querySelector('{selector}')?.textContent ?? ''])"
    pairs: list[list[str]] = found.page.eval_on_selector_all(".finding", script)
    return pairs


def test_every_moment_of_a_picture_is_one_of_the_json(written: Written, browser: Browser) -> None:
    """Each moment stands as text, and as many marks are drawn as lie within the picture."""
    with opened(browser, written.page) as found:
        indexes = {name: rest for name, *rest in found.page.eval_on_selector_all(".index", MOMENTS)}
        assert set(indexes) == {escape_text(it["resource"]["name"]) for it in written.json["timelines"]}
        for it in written.json["timelines"]:
            told, moments, drawn = indexes[escape_text(it["resource"]["name"])]
            assert sorted(moments) == sorted(_moments(it))
            assert drawn.get("points", 0) == len(it["recovery_points"])
            assert drawn.get("past", 0) == len(it["past_recovery_points"])
            assert drawn.get("failed", 0) == len(it["failed_runs"])
            assert ("zero" in drawn) <= (it["last_recovery_point_expires_at"] is not None or not it["recovery_points"])
            if it["last_recovery_point_expires_at"]:
                assert f"after {_minute(it['last_recovery_point_expires_at'])} UTC" in told


def _moments(timeline: dict[str, Any]) -> Iterator[str]:
    for it in timeline["recovery_points"]:
        expiry = "never expires" if it["expires"] is False else "expiry not known"
        expiry = f"expires {_minute(it['expires_at'])}" if it["expires_at"] else expiry
        yield f"{_minute(it['captured_at'])} recovery point, {expiry}"
    yield from (f"{_minute(at)} past recovery point, listed no more" for at in timeline["past_recovery_points"])
    kinds = (("failed_runs", "failed run"), ("runs_in_progress", "run under way"), ("scheduled_runs", "planned run"))
    for key, what in kinds:
        yield from (f"{_minute(at)} {what}" for at in timeline[key])
    for it in timeline["missing_runs"]:
        runs = "1 run" if it["missing"] == 1 else f"{it['missing']} runs"
        yield f"{_minute(it['from'])} {runs} missing, until {_minute(it['to'])}"
    for it in timeline["objective_missed"]:
        yield f"{_minute(it['from'])} objective missed, until {_minute(it['to'])}"


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def test_the_policy_is_that_of_the_json(neglected: Written, browser: Browser) -> None:
    """Its source, its hash, and each limit of each rule."""
    with opened(browser, neglected.page) as found:
        text = found.texts("#policy-1")[0]
        assert neglected.json["policy"]["sha256"] in text
        [rule] = neglected.json["rules"]
        limits = {key: value for key, value in rule.items() if key not in {"name", "indexes"}}
        figures = found.page.eval_on_selector_all(
            ".rule .figures div", "found => found.map(it => [...it.children].map(part => part.textContent))"
        )
        assert figures == list(flat(limits))
