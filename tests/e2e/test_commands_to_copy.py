"""What a page gives to copy, against the JSON of the same audit."""

import html
import re
from pathlib import Path

from backup_auditor_simulator.web.server import Server
from support.cli import access, command
from support.simulator import NOW

FINDING = re.compile(r'<details class="finding" id="finding-([^"]+)".*?</details>', re.DOTALL)
COMMAND = re.compile(r'<div class="command"><pre[^>]*><code>(.*?)</code>', re.DOTALL)
ID = re.compile(r"/(?:backups|backup-schedules)/[^/\s.,;]+")


def test_a_command_names_what_its_finding_names(neglected: Server, tmp_path: Path) -> None:
    """An id that stands in the next step stands in the commands, and capitals only where it has them too."""
    seen = tmp_path / "inventory.json"
    moment, saving = ("--now", NOW.isoformat()), ("--no-state", "--save-inventory", seen)
    audited = command("audit", *moment, *saving, "--format", "json", env=access(neglected))
    page = command("audit", "--inventory", seen, "--format", "html", env=access(neglected)).out
    findings = {it["fingerprint"]: it for it in audited.report["findings"]}
    compared = set()
    for shown in FINDING.finditer(page):
        found = findings[shown[1]]
        named = set(ID.findall(found["remediation"]))
        for copied in map(html.unescape, COMMAND.findall(shown[0])):
            for address in ID.findall(copied):
                kind = address.rpartition("/")[0]
                known = {it for it in named if it.startswith(f"{kind}/")}
                assert address in known or not known, (found["control"], copied)
                compared.add(found["control"])
    assert compared >= {"recovery-point-is-recent", "schedule-is-enabled", "record-count-is-stable"}
