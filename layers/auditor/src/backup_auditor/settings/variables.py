"""What a variable of the environment is, and how one is read."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from backup_auditor.domain.text import quote_text
from backup_auditor.errors import SettingsError


class Variable(NamedTuple):
    """One variable of the environment, as the documents show it."""

    name: str
    default: str
    meaning: str


def stated(environ: Mapping[str, str], variable: Variable) -> str:
    """Return what a variable says, else its default. One that is empty counts as absent."""
    return environ.get(variable.name, "").strip() or variable.default


def read[Value](environ: Mapping[str, str], variable: Variable, parse: Callable[[str], Value]) -> Value:
    """Read a variable. Raises `SettingsError`, which repeats what it says."""
    text = stated(environ, variable)
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(f"{variable.name} is {quote_text(text, 80)}: {error}") from None


def read_named[Value](environ: Mapping[str, str], variable: Variable, parse: Callable[[str], Value]) -> Value | None:
    """Read a variable that may be absent. Raises `SettingsError`, which does not repeat what it says."""
    text = stated(environ, variable)
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(f"{variable.name} {error}") from None
