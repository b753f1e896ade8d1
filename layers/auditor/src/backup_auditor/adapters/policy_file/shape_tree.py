"""Walks the shape of a policy file: which keys are known where."""

from collections.abc import Iterator
from typing import get_args

from pydantic.fields import FieldInfo

from backup_auditor.adapters.policy_file.requirement_shape import Shape
from backup_auditor.adapters.policy_file.shape import PolicyShape
from backup_auditor.adapters.yaml_file.nodes import Path


def shape_in(annotation: object) -> type[Shape] | None:
    """Return the shape that a key's type is, or is a list of."""
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return annotation
    return next((it for it in map(shape_in, get_args(annotation)) if it is not None), None)


def fields_at(path: Path) -> dict[str, FieldInfo]:
    """Return the keys that are known at a place of the file, none where any key may stand."""
    shape: type[Shape] | None = PolicyShape
    for step in path:
        if isinstance(step, str) and shape is not None:
            field = shape.model_fields.get(step)
            shape = shape_in(field.annotation) if field else None
    return dict(shape.model_fields) if shape else {}


def every_key(shape: type[Shape] = PolicyShape, path: Path = ()) -> Iterator[tuple[Path, FieldInfo]]:
    """Return every key with its path, in order; what stands in a list is said once."""
    for name, field in shape.model_fields.items():
        here = (*path, name)
        yield here, field
        inner = shape_in(field.annotation)
        if inner is not None:
            yield from every_key(inner, here)
