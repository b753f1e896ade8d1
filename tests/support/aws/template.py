"""The template in two forms: as written, and transformed."""

from functools import cache
from pathlib import Path
from typing import Any

from support.aws_local.templates import read_template, transform_template

TEMPLATE = Path(__file__).parents[3] / "template.yaml"
FUNCTIONS = ("dispatch", "audit", "notify", "watch", "remediate", "drill")


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


def list_statements(role: str) -> list[dict[str, Any]]:
    """Return the statements of a role, including the conditional ones."""
    role_statements = [
        it for policy in find_properties(role)["Policies"] for it in policy["PolicyDocument"]["Statement"]
    ]
    return [it["Fn::If"][1] if "Fn::If" in it else it for it in role_statements]


def as_list(value: Any) -> list[Any]:
    """Return a value as a list: a list unchanged, any other value as a list of one."""
    return value if isinstance(value, list) else [value]


def list_allowed_actions(verb: str) -> set[str]:
    """Return every action that the role of a function allows."""
    statements = (it for it in list_statements(f"{verb.capitalize()}Role") if it["Effect"] == "Allow")
    return {action for it in statements for action in as_list(it["Action"])}
