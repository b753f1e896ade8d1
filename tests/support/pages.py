"""The reports that browsers open: of the healthy and the neglected project, and one whose every text is hostile."""

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
from backup_auditor_simulator.testing import COMMAND, run_simulator
from support.builders.audit_sequence_report import MARKUP, told

NOW = "2026-11-02T06:00:00Z"
SCENARIOS = ("healthy", "neglected", "hostile")


@dataclass(frozen=True)
class Written:
    """A report as a page, and as JSON."""

    name: str
    page: Path
    json: Any

    def findings(self, *verdicts: str) -> dict[str, Any]:
        """Return the findings of some verdicts, by their ids on the page."""
        return {f"finding-{it['fingerprint']}": it for it in self.json["findings"] if it["compliance"] in verdicts}

    @property
    def shown(self) -> dict[str, Any]:
        """The findings that stand on the page, by their ids there."""
        return self.findings("NON_COMPLIANT", "INSUFFICIENT_DATA")


def written(name: str, folder: Path) -> Written:
    """Write the report of a scenario into a folder."""
    return _hostile(folder) if name == "hostile" else _audited(name, folder)


def _audited(scenario: str, folder: Path) -> Written:
    seen = f"{scenario}.seen"
    audits: dict[str, tuple[str, ...]] = {
        "txt": ("--project", scenario, "--now", NOW, "--no-state", "--save-inventory", seen),
        "json": ("--inventory", seen),
        "html": ("--inventory", seen),
    }
    with run_simulator(scenario, now=NOW) as environment:
        for form, flags in audits.items():
            command = [str(COMMAND), "audit", *flags, "--output", f"{scenario}.{form}", "--fail-on", "never"]
            command += [] if form == "txt" else ["--format", form]
            subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=True)
    text = (folder / f"{scenario}.json").read_text(encoding="utf-8")
    return Written(scenario, folder / f"{scenario}.html", json.loads(text))


def _hostile(folder: Path) -> Written:
    """Write a report in which every text is as bad as they come, where it can be, and of many audits before it."""
    shown = told.__wrapped__(CATALOG)
    findings = (replace(it, evidence={**it.evidence, MARKUP: MARKUP}) for it in shown.findings)
    past = tuple(
        PastAudit(
            shown.observed_at - timedelta(days=MAX_PAST_AUDITS - number),
            is_complete=number % 7 > 0,
            open_counts={it: number * 1_000**it.rank // 7 % 90_001 for it in reversed(Severity)},
        )
        for number in range(MAX_PAST_AUDITS)
    )
    report = replace(shown, project=MARKUP, policy_source=MARKUP, findings=tuple(findings), history=past)
    page = folder / "hostile.html"
    page.write_text("".join(render_html([report])), encoding="utf-8")
    return Written("hostile", page, json.loads("".join(render_json(report))))
