"""Shows controls, one or all, as a table, JSON or Markdown; the documentation of controls is made here too."""

import json
from collections.abc import Callable, Iterator, Sequence

from backup_auditor.domain.control import Guidance
from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import ResourceType
from backup_auditor.domain.policy import default_of
from backup_auditor.rendering.text import NARROWEST, columns, hanging

_JUDGED_FOR = {
    ResourceType.INDEX: "every live index",
    ResourceType.DELETED_INDEX: "every deleted index that has backups",
    ResourceType.PROJECT: "the project",
}

_WAYS: tuple[tuple[str, Callable[[Guidance], tuple[str, ...]]], ...] = (
    ("In the console", lambda it: it.console),
    ("By the API", lambda it: it.api),
)
_LEAST_FOR_TITLES = 30
"""How many columns a title has beside the id; with fewer it has lines of its own."""


def controls_table(controls: Sequence[AnyControl], width: int = 100) -> str:
    """Show one control in full, or a line for each of several."""
    lines = _one(controls[0], width) if len(controls) == 1 else _lines(controls, max(width, NARROWEST))
    return "\n".join(lines) + "\n"


def controls_json(controls: Sequence[AnyControl]) -> str:
    """Show everything there is to know of each control as one JSON document."""
    shown = [
        {
            "id": it.id,
            "title": it.title,
            "fails_when": it.fails_when,
            "severity": it.severity.value,
            "resource_types": [scope.value for scope in it.scopes],
            "looks_at": it.guidance.looks_at,
            "rationale": it.rationale,
            "remediation": it.remediation,
            "steps": {"console": list(it.guidance.console), "api": list(it.guidance.api)},
            "parameters": {key: {"meaning": it.parameters[key], "default": default_of(key)} for key in it.parameters},
            "false_positives": it.guidance.false_positives,
            "frameworks": [served.value for served in it.guidance.frameworks],
            "corresponds_to": list(it.guidance.corresponds_to),
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
    guidance = control.guidance
    yield f"{hashes} `{control.id}`"
    yield ""
    yield f"{control.title}."
    yield ""
    yield f"- Severity: {control.severity}; judged for {_judged_for(control)}."
    yield f"- Looks at: {guidance.looks_at}"
    yield f"- Non-compliant when: {control.fails_when}"
    yield f"- Risk: {control.rationale}"
    yield f"- What to do: {control.remediation}"
    for way, steps in _WAYS:
        if steps(guidance):
            yield f"- {way}:"
            yield from (f"    {number}. {step}" for number, step in enumerate(steps(guidance), 1))
    if control.parameters:
        yield "- Policy:"
        for key, meaning in control.parameters.items():
            yield f"    - `{key}` (`{json.dumps(default_of(key))}`): {meaning}"
    yield f"- When it may be no fault: {guidance.false_positives}"
    yield f"- Serves: {_listed(guidance.frameworks)}"
    yield f"- Corresponds to: {_listed(guidance.corresponds_to)}"
    yield ""


def _one(control: AnyControl, width: int) -> Iterator[str]:
    guidance = control.guidance
    yield control.id
    yield from hanging(f"{control.title}.", width, "")
    yield ""
    rows = [
        ("severity", control.severity.value),
        ("judged for", _judged_for(control)),
        ("looks at", guidance.looks_at),
        ("fails when", control.fails_when),
        ("risk", control.rationale),
        ("what to do", control.remediation),
        *(
            (f"{way[0].lower()}{way[1:]}" if number == 1 else "", f"{number}. {step}")
            for way, steps in _WAYS
            for number, step in enumerate(steps(guidance), 1)
        ),
        *(
            (f"policy: {key}", f"{meaning} (default: {json.dumps(default_of(key))})")
            for key, meaning in control.parameters.items()
        ),
        ("may be no fault", guidance.false_positives),
        ("serves", _listed(guidance.frameworks)),
        ("corresponds to", _listed(guidance.corresponds_to)),
    ]
    yield from columns(rows, width)


def _judged_for(control: AnyControl) -> str:
    return " and ".join(_JUDGED_FOR[it] for it in control.scopes)


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts) if texts else "nothing that could honestly be named"


def _lines(controls: Sequence[AnyControl], width: int) -> Iterator[str]:
    column = max(len(it.id) for it in controls)
    if width - column < _LEAST_FOR_TITLES + 12:
        for it in controls:
            yield it.id
            yield from hanging(f"  {it.severity:8}  {it.title}", width, " " * 12)
        return
    for it in controls:
        yield from hanging(f"{it.id:{column}}  {it.severity:8}  {it.title}", width, " " * (column + 12))
