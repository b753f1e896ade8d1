"""The placeholders of remediation steps, filled with what is known of a finding."""

import re
from collections.abc import Callable, Mapping

from backup_auditor.domain.finding import Evidence, Resource

_PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")
_SCHEDULE_ID = "schedule_id"


def build_placeholder_values(resource: Resource, remediation_values: Evidence, evidence: Evidence) -> Evidence:
    """Put together what fills the blanks: the resource's name, figures of the evidence, then what else is known."""
    return {**remediation_values, **evidence, "name": resource.name}


def fill_placeholders(text: str, values: Evidence, format_value: Callable[[str], str] = str) -> str:
    """Put what is told into the blanks that are called as it is, written as the place asks for.

    What nothing tells is left in capitals for the reader to find.
    """

    def fill(match: re.Match[str]) -> str:
        value = _find_value(values, match[1])
        return format_value(value) if value else _format_missing(match[1])

    return _PLACEHOLDER.sub(fill, text)


def fill_step(step: str, values: Evidence) -> str:
    """Fill a step; where the id of a schedule is found, is added if nothing tells it."""
    text = fill_placeholders(step, values)
    if f"{{{_SCHEDULE_ID}}}" not in step or _find_value(values, _SCHEDULE_ID):
        return text
    return f"{text} GET /indexes/{values['name']}/backup-schedules tells {_format_missing(_SCHEDULE_ID)}."


def _find_value(value: object, name: str) -> str | None:
    """Return what a blank stands for; a dot leads into an object."""
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return str(value) if isinstance(value, str | int) else None


def _format_missing(name: str) -> str:
    return name.upper().replace(".", "_")
