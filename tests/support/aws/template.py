"""The template in two forms: as written, and transformed."""

from functools import cache
from pathlib import Path
from typing import Any

from support.aws_local.templates import read_template, transform_template

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
FUNCTIONS = ("dispatch", "audit", "notify", "watch", "remediate")


@cache
def load_template() -> dict[str, Any]:
    """Return the template as written."""
    return read_template(TEMPLATE)


@cache
def load_transformed_template() -> dict[str, Any]:
    """Return the transformed template for one project."""
    return transform_template(
        load_template(), {name: str(it["Default"]) for name, it in load_template()["Parameters"].items()}
    )


def find_resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a type, by logical name."""
    return {name: it for name, it in load_transformed_template()["Resources"].items() if it["Type"] == kind}


def find_properties(name: str) -> dict[str, Any]:
    """Return the properties of one resource."""
    resource_properties: dict[str, Any] = load_transformed_template()["Resources"][name]["Properties"]
    return resource_properties


def name_function(verb: str) -> str:
    """Return the logical name of the function of a verb."""
    return f"{verb.capitalize()}Function"


def list_leaves(value: Any) -> list[Any]:
    """Return every scalar within a value."""
    if isinstance(value, dict):
        return [leaf for it in value.values() for leaf in list_leaves(it)]
    if isinstance(value, list):
        return [leaf for it in value for leaf in list_leaves(it)]
    return [value]
