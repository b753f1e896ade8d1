"""Shows controls, one or all, as a table, JSON or Markdown; the documentation of controls is made here too."""

import json
from collections.abc import Iterator, Sequence

from backup_auditor.domain.evaluation import AnyControl
from backup_auditor.domain.finding import ResourceType
from backup_auditor.rendering.wrapping import columns, hanging

_JUDGED_FOR = {
    ResourceType.INDEX: "every live index",
    ResourceType.DELETED_INDEX: "every deleted index that has backups",
    ResourceType.PROJECT: "the project",
}

_NARROWEST = 80


def controls_table(controls: Sequence[AnyControl], width: int = 100) -> str:
    """Show one control in full, or a line for each of several."""
    lines = _one(controls[0], width) if len(controls) == 1 else _lines(controls, max(width, _NARROWEST))
    return "\n".join(lines) + "\n"


def controls_json(controls: Sequence[AnyControl]) -> str:
    """Show everything there is to know of each control as one JSON document."""
    shown = [
        {
            "id": it.id,
            "title": it.title,
            "fails_when": it.fails_when,
            "severity": it.severity.value,
            "resource_type": it.scope.value,
            "rationale": it.rationale,
            "remediation": it.remediation,
            "parameters": dict(it.parameters),
        }
        for it in controls
    ]
    return json.dumps({"schema_version": "1", "controls": shown}, indent=2, ensure_ascii=False) + "\n"


def controls_markdown(controls: Sequence[AnyControl], *, level: int = 2) -> str:
    """Show a section for each control, below a table of contents where there are several."""
    lines: list[str] = []
    if len(controls) > 1:
        lines += ["| control | severity | passes when |", "|---|---|---|"]
        lines += [f"| [`{it.id}`](#{it.id}) | {it.severity} | {it.title} |" for it in controls]
        lines.append("")
    for control in controls:
        lines += _section(control, "#" * level)
    return "\n".join(lines)


def _section(control: AnyControl, hashes: str) -> Iterator[str]:
    yield f"{hashes} `{control.id}`"
    yield ""
    yield f"{control.title}."
    yield ""
    yield f"- Severity: {control.severity}; judged for {_JUDGED_FOR[control.scope]}."
    yield f"- Non-compliant when: {control.fails_when}"
    yield f"- Why: {control.rationale}"
    yield f"- What to do: {control.remediation}"
    if control.parameters:
        yield "- Policy:"
        for key, meaning in control.parameters.items():
            yield f"    - `{key}`: {meaning}"
    yield ""


def _one(control: AnyControl, width: int) -> Iterator[str]:
    yield control.id
    yield from hanging(f"{control.title}.", width, "")
    yield ""
    rows = [
        ("severity", control.severity.value),
        ("judged for", _JUDGED_FOR[control.scope]),
        ("fails when", control.fails_when),
        ("why", control.rationale),
        ("what to do", control.remediation),
        *((f"policy: {key}", meaning) for key, meaning in control.parameters.items()),
    ]
    yield from columns(rows, width)


def _lines(controls: Sequence[AnyControl], width: int) -> Iterator[str]:
    column = max(len(it.id) for it in controls)
    for it in controls:
        yield from hanging(f"{it.id:{column}}  {it.severity:8}  {it.title}", width, " " * (column + 12))
