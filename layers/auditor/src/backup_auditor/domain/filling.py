"""Fills the blanks of what is to be done about a finding with what is known of it."""

import re

from backup_auditor.domain.finding import Evidence, Resource

_BLANK = re.compile(r"\{([a-z_.]+)\}")
_SCHEDULE = "schedule_id"


def filled(step: str, resource: Resource, evidence: Evidence) -> str:
    """Put the resource's name into `{name}`, and figures of the evidence into the blanks that are called as they are.

    What nothing tells is left in capitals for the reader to find; where the id of a schedule is found, is added.
    """
    told = {**evidence, "name": resource.name}
    done = _BLANK.sub(lambda it: _figure(told, it[1]) or _capitals(it[1]), step)
    if f"{{{_SCHEDULE}}}" not in step or _figure(told, _SCHEDULE):
        return done
    return f"{done} GET /indexes/{resource.name}/backup-schedules tells {_capitals(_SCHEDULE)}."


def _figure(told: object, name: str) -> str | None:
    """Return what a blank stands for; a dot leads into an object."""
    for key in name.split("."):
        told = told.get(key) if isinstance(told, dict) else None
    return str(told) if isinstance(told, str | int) else None


def _capitals(name: str) -> str:
    return name.upper().replace(".", "_")
