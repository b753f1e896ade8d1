"""The policy's keys as controls name them (`recovery.max_age`, `project.plan`), and what each is by default."""

from dataclasses import fields, is_dataclass
from datetime import timedelta

from backup_auditor.domain.moments import days
from backup_auditor.domain.policy import ProjectRequirement
from backup_auditor.domain.requirements import Requirements

_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def default_of(key: str) -> object:
    """Return what a key is by default, as a policy file writes it. Raises `KeyError` where there is no such key."""
    section, _, name = key.partition(".")
    found = ProjectRequirement() if section == "project" else getattr(Requirements(), section, None)
    attribute = name.replace("retention_days.", "retention_")
    in_days = attribute != name or name.endswith("_days")
    attribute = attribute.removesuffix("_days")
    if not is_dataclass(found) or attribute not in {it.name for it in fields(found)}:
        raise KeyError(key)
    return _written(getattr(found, attribute), in_days=in_days)


def _written(value: object, *, in_days: bool) -> object:
    if isinstance(value, timedelta):
        return days(value) if in_days else next(f"{value // size}{unit}" for unit, size in _UNITS if not value % size)
    return list(value) if isinstance(value, tuple) else value
