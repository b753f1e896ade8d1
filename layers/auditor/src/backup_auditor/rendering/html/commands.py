"""The steps that put a finding right, and commands to copy: a call, with what is known of it filled in."""

import re
from dataclasses import dataclass
from shlex import quote
from urllib.parse import quote as quoted_path

from backup_auditor.controls.catalogue import CATALOGUE
from backup_auditor.domain.filling import filled, told_of
from backup_auditor.domain.finding import Evidence, Finding
from backup_auditor.rendering.text import format_json

_CONTROLS = {it.id: it for it in CATALOGUE.all}
_CALL = re.compile(r"(GET|POST|PATCH) (/(?:\{[^\s}]+\}|[^\s.,{])+)(?: with (\{.*\}))?(?=\.$|, | for | until )")
_KEY = '-H "Api-Key: $PINECONE_API_KEY" -H X-Pinecone-Api-Version:${PINECONE_API_VERSION:-2026-07}'
_HOST = "${PINECONE_CONTROLLER_HOST:-https://api.pinecone.io}"


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do about a control, in words."""

    title: str
    risk: str
    console: tuple[str, ...]
    api: tuple[str, ...]


def steps_of(control_id: str, finding: Finding | None) -> Steps | None:
    """Return the steps of a control for that finding, or for any; `None` for a control that is not known."""
    control = _CONTROLS.get(control_id)
    if control is None:
        return None
    told = {} if finding is None else _told(finding)
    console, api = (tuple(filled(it, told) for it in way) for way in (control.guidance.console, control.guidance.api))
    return Steps(control.title, control.rationale, console, api)


def commands_of(finding: Finding) -> list[str]:
    """Return the calls that a shell can make as they stand, but for what is written in capitals: none that deletes."""
    control = _CONTROLS.get(finding.control)
    calls = [] if control is None else [found for step in control.guidance.api if (found := _CALL.match(step))]
    told = _told(finding)
    return [command for call in calls if (command := _command(call, told))]


def _told(finding: Finding) -> Evidence:
    return told_of(finding.resource, finding.known, finding.evidence)


def _command(call: re.Match[str], told: Evidence) -> str | None:
    verb, path, body = call.groups()
    if verb != "GET" and body is None and not path.endswith("/backups"):
        return None  # the step says in words what to send
    path = filled(path, told, lambda it: quoted_path(it, safe=""))
    sent = filled(body or "{}", told, lambda it: format_json(it)[1:-1])
    given = "" if verb == "GET" else f" -H Content-Type:application/json -d {quote(sent)}"
    method = "" if verb == "GET" else f" -X {verb}"
    return f"curl -sS{method} {_HOST}{quote(path)} {_KEY}{given}"
