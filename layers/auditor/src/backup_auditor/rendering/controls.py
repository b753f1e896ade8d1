"""Controls, one or all, as a table, JSON or Markdown; the documentation of controls uses it too."""

import json
from collections.abc import Iterator, Sequence

from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import ResourceType
from backup_auditor.domain.policy import find_default
from backup_auditor.rendering.text import MIN_WIDTH, format_columns, wrap_text

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
