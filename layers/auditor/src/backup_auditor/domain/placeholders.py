"""The placeholders of remediation steps, filled with what is known of a finding."""

import re
from collections.abc import Callable, Mapping

from backup_auditor.domain.finding import Evidence, Resource

_BLANK = re.compile(r"\{([a-z_.]+)\}")
_SCHEDULE = "schedule_id"


def placeholder_values(resource: Resource, known: Evidence, evidence: Evidence) -> Evidence:
    """Put together what fills the blanks: the resource's name, figures of the evidence, then what else is known."""
    return {**known, **evidence, "name": resource.name}


def fill_placeholders(text: str, told: Evidence, written: Callable[[str], str] = str) -> str:
    """Put what is told into the blanks that are called as it is, written as the place asks for.

    What nothing tells is left in capitals for the reader to find.
    """

    def fill(blank: re.Match[str]) -> str:
        figure = _figure(told, blank[1])
        return written(figure) if figure else _capitals(blank[1])

    return _BLANK.sub(fill, text)


def fill_step(step: str, told: Evidence) -> str:
    """Fill a step; where the id of a schedule is found, is added if nothing tells it."""
    done = fill_placeholders(step, told)
    if f"{{{_SCHEDULE}}}" not in step or _figure(told, _SCHEDULE):
        return done
    return f"{done} GET /indexes/{told['name']}/backup-schedules tells {_capitals(_SCHEDULE)}."


def _figure(told: object, name: str) -> str | None:
    """Return what a blank stands for; a dot leads into an object."""
    for key in name.split("."):
        told = told.get(key) if isinstance(told, Mapping) else None
    return str(told) if isinstance(told, str | int) else None


def _capitals(name: str) -> str:
    return name.upper().replace(".", "_")
