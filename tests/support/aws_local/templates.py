"""The template as CloudFormation reads it: parsed, transformed, and without unsupported resources."""

import copy
import json
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from boto3 import Session
from moto.cloudformation.parsing import get_model_map
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]
from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template  # type: ignore[import-untyped]

from support.aws_local.environment import REGION

_SCALAR_KEYS = {"Ref": "Ref", "Condition": "Condition"}


class _TemplateLoader(yaml.CSafeLoader):
    """A YAML loader for the short forms of CloudFormation's functions."""


def _construct_function(loader: _TemplateLoader, name: str, node: yaml.Node) -> Any:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {_SCALAR_KEYS.get(name, f"Fn::{name}"): value}


_TemplateLoader.add_multi_constructor("!", _construct_function)


def read_template(path: Path) -> dict[str, Any]:
    """Read a template with the long forms of functions."""
    with path.open(encoding="utf-8") as file:
        document: dict[str, Any] = yaml.load(file, _TemplateLoader)  # noqa: S506  the loader derives from the safe one
    return document


def transform_template(template: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """Transform a SAM template whose code is packaged."""
    document = copy.deepcopy(dict(template))
    for name, resource in document["Resources"].items():
        for property_name in ("CodeUri", "ContentUri"):
            if property_name in resource.get("Properties", {}):
                resource["Properties"][property_name] = f"s3://packaged/{name}.zip"
    values = dict(parameters)
    to_py27_compatible_template(document, values)
    translator = Translator(None, Parser(), boto_session=Session(region_name=REGION))
    # the template names no managed policy
    result = translator.translate(document, parameter_values=values, get_managed_policy_map=dict)
    transformed: dict[str, Any] = undo_mark_unicode_str_in_template(result)
    return transformed


def drop_absent_resources(template: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return a template without the resources whose conditions do not hold, and without what depends on these."""
    values = {name: parameters.get(name, str(it.get("Default", ""))) for name, it in template["Parameters"].items()}
    conditions = {it["Condition"] for it in template["Resources"].values() if "Condition" in it}
    absent_conditions = {it for it in conditions if not _holds({"Condition": it}, template["Conditions"], values)}
    document = copy.deepcopy(dict(template))
    document["Resources"] = {
        name: _choose(it, absent_conditions)
        for name, it in document["Resources"].items()
        if it.get("Condition") not in absent_conditions
    }
    return document


def _holds(condition: Any, conditions: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    """Evaluate a condition of a resource. Raises `NotImplementedError` for an unsupported function."""
    ((function, argument),) = condition.items()
    match function:
        case "Condition":
            return _holds(conditions[argument], conditions, values)
        case "Fn::Equals":
            first, second = (values[it["Ref"]] if isinstance(it, dict) else it for it in argument)
            return bool(first == second)
        case "Fn::Not":
            return not _holds(argument[0], conditions, values)
        case "Fn::And":
            return all(_holds(it, conditions, values) for it in argument)
    raise NotImplementedError(f"unsupported condition {condition}")


def _choose(value: Any, absent_conditions: Collection[str]) -> Any:
    """Return a value in which each choice by an absent condition is made."""
    if isinstance(value, list):
        items = (_choose(it, absent_conditions) for it in value)
        return [it for it in items if it != {"Ref": "AWS::NoValue"}]
    if not isinstance(value, dict):
        return value
    choice = value.get("Fn::If")
    if choice is not None and choice[0] in absent_conditions:
        return _choose(choice[2], absent_conditions)
    if choice is not None:
        return {"Fn::If": [choice[0], *(_choose(it, absent_conditions) for it in choice[1:])]}
    return {key: _choose(it, absent_conditions) for key, it in value.items()}


def remove_resources(template: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a template without some resources, with made-up values for references to them."""
    removed_names = set(names)
    document = copy.deepcopy(dict(template))
    document["Resources"] = {name: it for name, it in document["Resources"].items() if name not in removed_names}
    buses = {name for name, it in document["Resources"].items() if it["Type"] == "AWS::Events::EventBus"}
    for resource in document["Resources"].values():  # moto would quote a pattern that is text a second time
        if resource["Type"] == "AWS::Events::Rule" and isinstance(resource["Properties"].get("EventPattern"), str):
            resource["Properties"]["EventPattern"] = json.loads(resource["Properties"]["EventPattern"])
    replaced: dict[str, Any] = _replace_references(document, removed_names, buses)
    return replaced


def find_unsupported(template: Mapping[str, Any]) -> dict[str, str]:
    """Return the resources that moto does not support, and the type of each."""
    supported_types = get_model_map()
    return {name: it["Type"] for name, it in template["Resources"].items() if it["Type"] not in supported_types}


def _replace_references(value: Any, names: set[str], buses: set[str]) -> Any:
    if isinstance(value, list):
        return [_replace_references(it, names, buses) for it in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((function, argument),) = value.items()
        value = _replace_function(function, argument, names, buses) or value
    return (
        value if isinstance(value, str) else {key: _replace_references(it, names, buses) for key, it in value.items()}
    )


def _replace_function(function: str, argument: Any, names: set[str], buses: set[str]) -> Any:
    """Replace a reference to a removed resource; replace the `Ref` of a bus, which moto does not know, by its name."""
    if function == "Ref" and argument in buses:
        return {"Fn::GetAtt": [argument, "Name"]}
    if function == "Fn::Sub" and isinstance(argument, str):
        return {function: _substitute(argument, names)}
    if function == "Fn::Sub":
        return {function: [_substitute(argument[0], names), argument[1]]}
    path = argument if isinstance(argument, list) else [argument]
    return f"made-up-{'-'.join(path)}" if function in {"Ref", "Fn::GetAtt"} and path[0] in names else None


def _substitute(text: str, names: set[str]) -> str:
    pattern = "|".join(re.escape(it) for it in names)
    return re.sub(rf"\$\{{({pattern})(\.\w+)?\}}", r"made-up-\1\2", text) if names else text
