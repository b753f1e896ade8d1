"""The template as tests look at it: as it is written, and as it is once it was transformed."""

from functools import cache
from pathlib import Path
from typing import Any

from support.aws_local.templates import read_template, transform_template

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
FUNCTIONS = ("dispatch", "audit", "notify", "watch", "remediate")


@cache
def load_template() -> dict[str, Any]:
    """Return the template as it is written."""
    return read_template(TEMPLATE)


@cache
def load_transformed_template() -> dict[str, Any]:
    """Return what is transformed from it, for one project."""
    return transform_template(
        load_template(), {name: str(it["Default"]) for name, it in load_template()["Parameters"].items()}
    )


def find_resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a type that are made, by their names."""
    return {name: it for name, it in load_transformed_template()["Resources"].items() if it["Type"] == kind}


def find_properties(name: str) -> dict[str, Any]:
    """Return the properties of one resource."""
    resource_properties: dict[str, Any] = load_transformed_template()["Resources"][name]["Properties"]
    return resource_properties


def name_function(verb: str) -> str:
    """Name the function of a verb as the template does."""
    return f"{verb.capitalize()}Function"


def list_leaves(value: Any) -> list[Any]:
    """Return every plain value within."""
    if isinstance(value, dict):
        return [leaf for it in value.values() for leaf in list_leaves(it)]
    if isinstance(value, list):
        return [leaf for it in value for leaf in list_leaves(it)]
    return [value]
