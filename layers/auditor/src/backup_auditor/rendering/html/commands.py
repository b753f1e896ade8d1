"""The steps that put a finding right, and commands to copy: a call, with what is known of it filled in."""

import re
from dataclasses import dataclass
from shlex import quote
from urllib.parse import quote as quoted_path

from backup_auditor.controls.catalogue import CATALOGUE
from backup_auditor.domain.evaluation import AnyControl
from backup_auditor.domain.finding import Finding

_CONTROLS = {it.id: it for it in CATALOGUE.all}
_CALL = re.compile(r"(GET|POST|PATCH) (/[^\s.,]+)(?: with (\{.*\}))?(?=\.$|, | for | until )")
_KEY = '-H "Api-Key: $PINECONE_API_KEY" -H X-Pinecone-Api-Version:${PINECONE_API_VERSION:-2026-07}'
_HOST = "${PINECONE_CONTROLLER_HOST:-https://api.pinecone.io}"
_SCHEDULE = "/backup-schedules/{id}"


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do about a control, in words."""

    title: str
    risk: str
    console: tuple[str, ...]
    api: tuple[str, ...]


def steps_of(control_id: str, name: str | None) -> Steps | None:
    """Return the steps of a control for a resource of that name, or any; `None` for a control that is not known."""
    control = _CONTROLS.get(control_id)
    if control is None:
        return None
    return Steps(
        control.title, control.rationale, _named(control.guidance.console, name), _named(control.guidance.api, name)
    )


def commands_of(finding: Finding) -> list[str]:
    """Return the calls that a shell can make as they stand, but for what is written in capitals: none that deletes."""
    control = _CONTROLS.get(finding.control)
    return [] if control is None else [it for step in _calls(control) if (it := _command(step, finding))]


def _calls(control: AnyControl) -> list[re.Match[str]]:
    return [found for step in control.guidance.api if (found := _CALL.match(step))]


def _command(call: re.Match[str], finding: Finding) -> str | None:
    verb, path, body = call.groups()
    if verb != "GET" and body is None and not path.endswith("/backups"):
        return None  # the step says in words what to send
    schedule_id = finding.evidence.get("schedule_id")
    if path.startswith(_SCHEDULE) and isinstance(schedule_id, str):
        path = path.replace("{id}", quoted_path(schedule_id, safe=""))
    path = re.sub(r"\{(?:name|index)\}", lambda _: quoted_path(finding.resource.name, safe=""), path)
    path = _without_blanks(path)
    sent = "" if verb == "GET" else f" -H Content-Type:application/json -d {quote(body or '{}')}"
    method = "" if verb == "GET" else f" -X {verb}"
    return f"curl -sS{method} {_HOST}{quote(path)} {_KEY}{sent}"


def _named(steps: tuple[str, ...], name: str | None) -> tuple[str, ...]:
    return tuple(re.sub(r"\{(?:name|index)\}", lambda _: name or "NAME", _without_blanks(it)) for it in steps)


def _without_blanks(text: str) -> str:
    """Write in capitals which id is to be put in."""
    return text.replace(_SCHEDULE, "/backup-schedules/SCHEDULE_ID").replace("{id}", "BACKUP_ID")
