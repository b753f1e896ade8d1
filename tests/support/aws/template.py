"""The template as tests look at it: as it is written, and as it is once it was transformed."""

from functools import cache
from pathlib import Path
from typing import Any

from support.aws_local.templates import read_template, transformed

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
FUNCTIONS = ("dispatch", "audit", "notify", "watch", "remediate")


@cache
def written() -> dict[str, Any]:
    """Return the template as it is written."""
    return read_template(TEMPLATE)


@cache
def made() -> dict[str, Any]:
    """Return what is transformed from it, for one project."""
    return transformed(written(), {name: str(it["Default"]) for name, it in written()["Parameters"].items()})


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a type that are made, by their names."""
    return {name: it for name, it in made()["Resources"].items() if it["Type"] == kind}


def properties(name: str) -> dict[str, Any]:
    """Return the properties of one resource."""
    found: dict[str, Any] = made()["Resources"][name]["Properties"]
    return found


def function(verb: str) -> str:
    """Name the function of a verb as the template does."""
    return f"{verb.capitalize()}Function"


def leaves(value: Any) -> list[Any]:
    """Return every plain value within."""
    if isinstance(value, dict):
        return [leaf for it in value.values() for leaf in leaves(it)]
    if isinstance(value, list):
        return [leaf for it in value for leaf in leaves(it)]
    return [value]
