"""What a page gives to copy, against the JSON of the same audit."""

import html
import re
from pathlib import Path

from backup_auditor_simulator.web.server import Server
from support.cli import build_access_environment, run_command
from support.simulator import SIMULATED_NOW

FINDING_PATTERN = re.compile(r'<details class="finding" id="finding-([^"]+)".*?</details>', re.DOTALL)
COMMAND_PATTERN = re.compile(r'<div class="command"><pre[^>]*><code>(.*?)</code>', re.DOTALL)
ID_PATTERN = re.compile(r"/(?:backups|backup-schedules)/[^/\s.,;]+")


def test_a_command_names_what_its_finding_names(neglected_server: Server, tmp_path: Path) -> None:
    """An id of the next step is in the commands, and they have placeholders only where it has them too."""
    inventory_path = tmp_path / "inventory.json"
    moment, save_flags = ("--now", SIMULATED_NOW.isoformat()), ("--no-state", "--save-inventory", inventory_path)
    audit_result = run_command(
        "audit", *moment, *save_flags, "--format", "json", env=build_access_environment(neglected_server)
    )
    page = run_command(
        "audit", "--inventory", inventory_path, "--format", "html", env=build_access_environment(neglected_server)
    ).output
    findings = {it["fingerprint"]: it for it in audit_result.report["findings"]}
    compared_fingerprints = set()
    for finding_match in FINDING_PATTERN.finditer(page):
        finding = findings[finding_match[1]]
        named_paths = set(ID_PATTERN.findall(finding["remediation"]))
        for command_text in map(html.unescape, COMMAND_PATTERN.findall(finding_match[0])):
            for address in ID_PATTERN.findall(command_text):
                kind = address.rpartition("/")[0]
                known_paths = {it for it in named_paths if it.startswith(f"{kind}/")}
                assert address in known_paths or not known_paths, (finding["control"], command_text)
                compared_fingerprints.add(finding["control"])
    assert compared_fingerprints >= {"recovery-point-is-recent", "schedule-is-enabled", "record-count-is-stable"}
