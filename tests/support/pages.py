"""The reports that the browser tests open: a healthy, a neglected and a hostile project."""

import json
import os
import subprocess
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.project_state import MAX_PAST_AUDITS, PastAudit
from backup_auditor.rendering.formats.json import render_json
from backup_auditor.rendering.html.page import render_html
from simulator_process import COMMAND, run_simulator
from support.builders.audit_sequence_report import MARKUP, build_last_report

AUDITED_AT = "2026-11-02T06:00:00Z"
SCENARIOS = ("healthy", "neglected", "hostile")


@dataclass(frozen=True)
class ReportPage:
    """A report as an HTML page and as JSON."""

    name: str
    page: Path
    document: Any

    def find_findings(self, *verdicts: str) -> dict[str, Any]:
        """Return the findings with these verdicts, by their ids on the page."""
        return {f"finding-{it['fingerprint']}": it for it in self.document["findings"] if it["compliance"] in verdicts}

    @property
    def shown_findings(self) -> dict[str, Any]:
        """The findings that the page shows, by their ids on the page."""
        return self.find_findings("NON_COMPLIANT", "INSUFFICIENT_DATA")


def write_report_page(name: str, folder: Path) -> ReportPage:
    """Write the report of a scenario into a folder."""
    return _write_hostile_page(folder) if name == "hostile" else _audit_scenario(name, folder)


def _audit_scenario(scenario: str, folder: Path) -> ReportPage:
    inventory_file = f"{scenario}.seen"
    audits: dict[str, tuple[str, ...]] = {
        "txt": ("--project", scenario, "--now", AUDITED_AT, "--no-state", "--save-inventory", inventory_file),
        "json": ("--inventory", inventory_file),
        "html": ("--inventory", inventory_file),
    }
    with run_simulator(scenario, now=AUDITED_AT) as environment:
        for report_format, flags in audits.items():
            command = [str(COMMAND), "audit", *flags, "--output", f"{scenario}.{report_format}", "--fail-on", "never"]
            command += [] if report_format == "txt" else ["--format", report_format]
            subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=True)
    text = (folder / f"{scenario}.json").read_text(encoding="utf-8")
    return ReportPage(scenario, folder / f"{scenario}.html", json.loads(text))


def _write_hostile_page(folder: Path) -> ReportPage:
    """Write a report with hostile markup in every text that can hold it, and with a full history."""
    base_report = build_last_report.__wrapped__(CATALOG)
    findings = (replace(it, evidence={**it.evidence, MARKUP: MARKUP}) for it in base_report.findings)
    history = tuple(
        PastAudit(
            base_report.observed_at - timedelta(days=MAX_PAST_AUDITS - number),
            is_complete=number % 7 > 0,
            open_counts={it: number * 1_000**it.rank // 7 % 90_001 for it in reversed(Severity)},
        )
        for number in range(MAX_PAST_AUDITS)
    )
    report = replace(base_report, project=MARKUP, policy_source=MARKUP, findings=tuple(findings), history=history)
    page = folder / "hostile.html"
    page.write_text("".join(render_html([report])), encoding="utf-8")
    return ReportPage("hostile", page, json.loads("".join(render_json(report))))
