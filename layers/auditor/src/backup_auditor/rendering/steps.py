"""What to do about a finding: steps in words, and commands to copy."""

import re
from dataclasses import dataclass
from shlex import quote
from urllib.parse import quote as quoted_path

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.control import build_placeholder_values, fill_placeholders
from backup_auditor.domain.finding import Evidence, Finding
from backup_auditor.rendering.text import format_json

_CONTROLS_BY_ID = {it.id: it for it in CATALOG.all_controls}
_CALL_PATTERN = re.compile(r"(GET|POST|PATCH) (/(?:\{[^\s}]+\}|[^\s.,{])+)(?: with (\{.*\}))?(?=\.$|, | for | until )")
_KEY_HEADERS = '-H "Api-Key: $PINECONE_API_KEY" -H X-Pinecone-Api-Version:${PINECONE_API_VERSION:-2026-07}'
_HOST = "${PINECONE_CONTROLLER_HOST:-https://api.pinecone.io}"


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do about a control, in words."""

    title: str
    risk: str
    console: tuple[str, ...]
    api: tuple[str, ...]


def build_steps(control_id: str, finding: Finding | None) -> Steps | None:
    """Return the steps of a control for that finding, or for any; `None` for a control that is not known."""
    control = _CONTROLS_BY_ID.get(control_id)
    if control is None:
        return None
    values = {} if finding is None else _find_placeholder_values(finding)
    console, api = (tuple(fill_placeholders(it, values) for it in texts) for texts in (control.console, control.api))
    return Steps(control.title, control.rationale, console, api)


def build_commands(finding: Finding) -> list[str]:
    """Return the calls as shell commands, with placeholders in capitals; none of them deletes."""
    control = _CONTROLS_BY_ID.get(finding.control)
    calls = [] if control is None else [call_match for step in control.api if (call_match := _CALL_PATTERN.match(step))]
    values = _find_placeholder_values(finding)
    return [command for call in calls if (command := _build_command(call, values))]


def _find_placeholder_values(finding: Finding) -> Evidence:
    return build_placeholder_values(finding.resource, finding.remediation_values, finding.evidence)


def _build_command(call: re.Match[str], values: Evidence) -> str | None:
    http_method, path, body = call.groups()
    if http_method != "GET" and body is None and not path.endswith("/backups"):
        return None  # the step says in words what to send
    path = fill_placeholders(path, values, lambda it: quoted_path(it, safe=""))
    body_json = fill_placeholders(body or "{}", values, lambda it: format_json(it)[1:-1])
    body_options = "" if http_method == "GET" else f" -H Content-Type:application/json -d {quote(body_json)}"
    method_option = "" if http_method == "GET" else f" -X {http_method}"
    return f"curl -sS{method_option} {_HOST}{quote(path)} {_KEY_HEADERS}{body_options}"
