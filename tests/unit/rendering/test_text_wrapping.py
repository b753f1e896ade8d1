"""Every wrapped form keeps to the width, counted in columns of a terminal, and tears no character apart.

Widths are measured by `rich.cells`, which has tables of its own.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from backup_auditor.application.audit import compare_policies
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.audit_record import AuditDays, AuditRecord, DayStatus, StoredFile, StoredReport
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import Compliance, Exemption
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.remediation.plan import ActionResult, ActionState
from backup_auditor.domain.text import cut_text, measure_width, split_clusters
from backup_auditor.rendering.controls import render_controls_table
from backup_auditor.rendering.evidence import render_evidence_checks_table, render_evidence_table
from backup_auditor.rendering.explanation import render_explanation
from backup_auditor.rendering.formats.table import render_table
from backup_auditor.rendering.policy_diff import render_policy_diff
from backup_auditor.rendering.remediation_plan import render_plan_table, render_results_table
from backup_auditor.rendering.text import format_columns, wrap_text
from support.builders.drills import POINT, build_drill
from support.builders.facts import (
    DAY,
    NOW,
    build_complete_listing,
    build_drill_state,
    build_index,
    build_inventory,
    build_known_drill,
    build_policy,
    evaluate_facts,
    rename_index,
)
from support.builders.plans import build_remediation_policy, plan_remediation
from support.builders.reports import build_exempting_policy, build_report

WIDTHS = (40, 60, 80, 120)
CLUSTERS = (
    *"検索毎晩環境\uff08\uff09、。「」　\uff21\uff42ｱ한글",
    "か\u3099",
    "ก็",
    "ที่",
    "กำ",
    "é",
    "é",
    "ی\u200c",
    "क्षि",
    "👩\u200d💻",
    "👨\u200d👩\u200d👧\u200d👦",
    "🏳\ufe0f\u200d🌈",
    "❤\ufe0f",
    "1\ufe0f\u20e3",
    "👍🏽",
    "🇩🇪",
    "🇯🇵",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
)
LONG_TEXTS = (
    "https://pinecone.example/console/projects/7f1c/indexes/orders?tab=backups&sort=newest&filter=" + "x" * 70,
    "schedule-retention-outlives-interval",
    "prod-checkout-recommendations-embeddings-v2-eu-west-1",
)
words = st.lists(st.sampled_from([*CLUSTERS, "a", "-", "/", " "]), min_size=1, max_size=60).map("".join)
texts = st.lists(words | st.sampled_from(LONG_TEXTS), min_size=1, max_size=4).map(" ".join)
names = texts.map(str.strip).filter(bool)


def drop_blanks(text: str) -> str:
    """Return a text without what a break may take away: blanks."""
    return re.sub(r"[ \u3000\n]+", "", text)


@given(texts, st.sampled_from(WIDTHS), st.sampled_from(["", "  ", " " * 17]))
def test_text_keeps_to_the_width_and_loses_nothing(text: str, width: int, indent: str) -> None:
    """No line exceeds the width, and together the lines hold every character."""
    lines = wrap_text(text, width, indent)
    assert all(cell_len(it, "latest") <= width for it in lines)
    assert drop_blanks("".join(lines)) == drop_blanks(text)


@given(st.lists(st.sampled_from(CLUSTERS), min_size=40, max_size=80), st.sampled_from(WIDTHS))
def test_no_character_is_torn_apart(clusters: list[str], width: int) -> None:
    """Each line is made of whole clusters, where one text has no blank at all."""
    printed_clusters = [it for it in clusters if it != "\u3000"]
    remaining_clusters = iter(printed_clusters)
    for line in wrap_text("".join(printed_clusters), width, ""):
        remaining_text = line
        while remaining_text:
            expected = next(remaining_clusters)
            assert remaining_text.startswith(expected)
            remaining_text = remaining_text.removeprefix(expected)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_character_is_one_cluster_at_most_two_columns_wide(cluster: str) -> None:
    """Letters with their marks, emoji with what they are joined by, and flags are one character to a person."""
    assert split_clusters(f"x{cluster}y") == ["x", cluster, "y"]
    assert cell_len(cluster, "latest") <= measure_width(cluster)
    assert cut_text(f"xx{cluster}", 3) in {f"xx{cluster}", "xx…"}


@given(st.lists(st.tuples(names, texts), min_size=1, max_size=5), st.sampled_from(WIDTHS))
def test_columns_begin_in_one_column(rows: list[tuple[str, str]], width: int) -> None:
    """The text of each row begins as many columns from the left as that of the others, whatever the script."""
    marked_rows = [(label, f"¦{text.strip()}") for label, text in rows]
    first_lines = [it for it in format_columns(marked_rows, width) if "¦" in it]
    assert len({measure_width(it[: it.index("¦")]) for it in first_lines}) == 1


@pytest.mark.parametrize(
    "text, lines",
    [
        pytest.param("a" * 60, ["a" * 40, "a" * 20], id="nowhere-to-break"),
        pytest.param(f"{'a' * 30}-{'b' * 30}", [f"{'a' * 30}-", "b" * 30], id="after-a-hyphen"),
        pytest.param("検索" * 15, ["検索" * 10, "検索" * 5], id="between-wide-characters"),
        pytest.param(f"{'検' * 20}。索", [f"{'検' * 19}", "検。索"], id="not-before-a-closing-mark"),
        pytest.param(f"{'検' * 20}\u3000索", ["検" * 20, "索"], id="at-a-wide-blank"),
        pytest.param(f"one {'b' * 38}", ["one", "b" * 38], id="a-word-with-a-line-of-its-own"),
    ],
)
def test_a_long_word_breaks_where_it_reads_best(text: str, lines: list[str]) -> None:
    """After a hyphen or between wide characters, and only else anywhere."""
    assert wrap_text(text, 40, "") == lines


def build_neglected_project(name: str) -> Inventory:
    """Build a project of a bare index of a name, and one that is well."""
    return build_inventory(
        rename_index(build_index(schedules=build_complete_listing(())), name), rename_index(build_index(), "orders")
    )


def render_wrapped_lines(name: str, text: str, width: int) -> Iterator[str]:
    """Render every wrapped format of a project that has a name and a text in every possible place."""
    inventory = replace(build_neglected_project(name), project=name[:50])
    exemption = Exemption((name,), ("index-has-*",), text, text, date(2027, 3, 31))
    policy = replace(build_exempting_policy(exemption), source=text)
    drill = build_drill(index_name=name, index_id=f"id-{name}", point=replace(POINT, backup_id=text))
    state = build_drill_state(build_known_drill(index_name="orders", index_id="id-orders", backup_id=text))
    report = build_report(inventory, policy, state)
    findings = tuple(replace(it, reason=f"{it.reason} {text}", remediation=text) for it in report.findings)
    yield from render_table(replace(report, findings=findings), width=width, full_command=text)
    facts = next(it for it in inventory.indexes if it.index.name == name)
    subject = IndexContext(ProjectContext(inventory, policy), facts)
    evaluation = evaluate_facts(inventory, policy, state)
    yield from render_explanation(subject, evaluation.findings, evaluation.restore_drills[0], width=width)
    yield from render_policy_diff(compare_policies(inventory, Policy(text, "0" * 64), policy), width=width)
    plan = plan_remediation(build_remediation_policy(), inventory=inventory)
    yield from render_plan_table(plan, width)
    yield from render_results_table(plan, [ActionResult(it, ActionState.FAILED, text) for it in plan.actions], width)
    page = StoredFile(text, "0" * 64)
    stored_report = StoredReport(text, "0" * 64, page)
    audit = AuditRecord("0" * 32, NOW, is_complete=True, compliance=Compliance.COMPLIANT, report=stored_report)
    drill = replace(drill, evidence=page)
    yield from render_evidence_checks_table(
        name, [(audit, (DayStatus.COMPLETE, None), None)], [(drill, (DayStatus.MISSING, text))], width
    )
    yield from render_evidence_table(name, AuditDays(DAY, (audit,)), [drill], width)


@pytest.mark.parametrize("width", WIDTHS)
@settings(max_examples=10)
@given(name=names, text=texts)
def test_every_form_keeps_to_the_width(width: int, name: str, text: str) -> None:
    """The table, an explanation with its timeline, a plan and its results, a difference of policies, and evidence."""
    for line in render_wrapped_lines(name, text, width):
        assert cell_len(line, "latest") <= width, line


@pytest.mark.parametrize("width", WIDTHS)
def test_controls_keep_to_the_width(width: int) -> None:
    """The list of all, and each control in full; its id stays whole."""
    for selected_controls in (CATALOG.all_controls, *([it] for it in CATALOG.all_controls)):
        lines = render_controls_table(selected_controls, width).splitlines()
        assert all(len(it) <= width for it in lines)
        assert all(any(it.id in line for line in lines) for it in selected_controls)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_control_stays_whole_above_its_findings(width: int) -> None:
    """The id above findings in the table can be copied at any width."""
    report = build_report(build_neglected_project("本番　環境"), build_policy())
    lines = list(render_table(report, width=width))
    assert all(any(it.control in line for line in lines) for it in report.findings if it.is_open)
