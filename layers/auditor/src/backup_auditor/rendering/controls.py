"""Controls as a table, JSON or Markdown, as the documents show them too; and what to do about a finding of one."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from shlex import quote
from urllib.parse import quote as quoted_path

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.control import build_placeholder_values, fill_placeholders
from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import Evidence, Finding, ResourceType
from backup_auditor.domain.policy import find_default
from backup_auditor.rendering.text import MIN_WIDTH, format_columns, format_json, wrap_text

_SCOPE_DESCRIPTIONS = {
    ResourceType.INDEX: "every live index",
    ResourceType.DELETED_INDEX: "every deleted index that has backups",
    ResourceType.PROJECT: "the project",
}

_MIN_TITLE_WIDTH = 30
"""The least number of columns of a title beside the id; with fewer it has lines of its own."""


def render_controls_table(controls: Sequence[AnyControl], width: int = 100) -> str:
    """Show one control in full, or a line for each of several."""
    lines = _render_details(controls[0], width) if len(controls) == 1 else _render_list(controls, max(width, MIN_WIDTH))
    return "\n".join(lines) + "\n"


def render_controls_json(controls: Sequence[AnyControl]) -> str:
    """Show all facts of each control as one JSON document."""
    entries = [
        {
            "id": control.id,
            "title": control.title,
            "fails_when": control.fails_when,
            "severity": control.severity.value,
            "resource_types": [scope.value for scope in control.scopes],
            "looks_at": control.looks_at,
            "rationale": control.rationale,
            "remediation": control.remediation,
            "steps": {"console": list(control.console), "api": list(control.api)},
            "parameters": {
                key: {"meaning": control.parameters[key], "default": find_default(key)} for key in control.parameters
            },
            "false_positives": control.false_positives,
            "frameworks": [framework.value for framework in control.frameworks],
            "corresponds_to": list(control.corresponds_to),
        }
        for control in controls
    ]
    return json.dumps({"schema_version": "1", "controls": entries}, indent=2, ensure_ascii=False) + "\n"


def render_controls_markdown(controls: Sequence[AnyControl], *, level: int = 2) -> str:
    """Show a section for each control, below a table of contents where there are several."""
    lines: list[str] = []
    if len(controls) > 1:
        lines += ["| control | severity | passes when |", "|---|---|---|"]
        lines += [f"| [`{it.id}`](#{it.id}) | {it.severity} | {it.title} |" for it in controls]
        lines.append("")
    for control in controls:
        lines += _render_markdown_section(control, "#" * level)
    return "\n".join(lines)


def _render_markdown_section(control: AnyControl, heading_prefix: str) -> Iterator[str]:
    yield f"{heading_prefix} `{control.id}`"
    yield ""
    yield f"{control.title}."
    yield ""
    yield f"- Severity: {control.severity}; applies to {_describe_scopes(control)}."
    yield f"- Reads: {control.looks_at}"
    yield f"- Non-compliant when: {control.fails_when}"
    yield f"- Risk: {control.rationale}"
    yield f"- What to do: {control.remediation}"
    for label, steps in (("In the console", control.console), ("By the API", control.api)):
        if steps:
            yield f"- {label}:"
            yield from (f"    {number}. {step}" for number, step in enumerate(steps, 1))
    if control.parameters:
        yield "- Policy:"
        for key, meaning in control.parameters.items():
            yield f"    - `{key}` (`{json.dumps(find_default(key))}`): {meaning}"
    yield f"- False positives: {control.false_positives}"
    yield f"- Serves: {_join_texts(control.frameworks)}"
    yield f"- Corresponds to: {_join_texts(control.corresponds_to)}"
    yield ""


def _render_details(control: AnyControl, width: int) -> Iterator[str]:
    yield control.id
    yield from wrap_text(f"{control.title}.", width, "")
    yield ""
    rows = [
        ("severity", control.severity.value),
        ("applies to", _describe_scopes(control)),
        ("reads", control.looks_at),
        ("fails when", control.fails_when),
        ("risk", control.rationale),
        ("what to do", control.remediation),
        *(
            (label if number == 1 else "", f"{number}. {step}")
            for label, steps in (("in the console", control.console), ("by the API", control.api))
            for number, step in enumerate(steps, 1)
        ),
        *(
            (f"policy: {key}", f"{meaning} (default: {json.dumps(find_default(key))})")
            for key, meaning in control.parameters.items()
        ),
        ("false positives", control.false_positives),
        ("serves", _join_texts(control.frameworks)),
        ("corresponds to", _join_texts(control.corresponds_to)),
    ]
    yield from format_columns(rows, width)


def _describe_scopes(control: AnyControl) -> str:
    return " and ".join(_SCOPE_DESCRIPTIONS[it] for it in control.scopes)


def _join_texts(texts: Sequence[str]) -> str:
    return ", ".join(texts) if texts else "none"


def _render_list(controls: Sequence[AnyControl], width: int) -> Iterator[str]:
    id_width = max(len(it.id) for it in controls)
    if width - id_width < _MIN_TITLE_WIDTH + 12:
        for control in controls:
            yield control.id
            yield from wrap_text(f"  {control.severity:8}  {control.title}", width, " " * 12)
        return
    for control in controls:
        yield from wrap_text(
            f"{control.id:{id_width}}  {control.severity:8}  {control.title}", width, " " * (id_width + 12)
        )


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
