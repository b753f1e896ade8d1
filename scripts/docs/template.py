"""Read the CloudFormation template."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_TEMPLATE = Path(__file__).parents[2] / "template.yaml"


class _Loader(yaml.CSafeLoader):
    """A loader that replaces CloudFormation's short forms, such as `!Ref`, by their values."""


def _construct(loader: _Loader, _: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # the third kind of node


_Loader.add_multi_constructor("!", _construct)


@cache
def template() -> dict[str, Any]:
    """Return the template without transformations."""
    document: dict[str, Any] = yaml.load(_TEMPLATE.read_text(encoding="utf-8"), _Loader)  # noqa: S506  a SafeLoader
    return document
