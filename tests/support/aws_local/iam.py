"""Whether the policies of a role allow what a request needs: actions, resources and conditions, by IAM's rules."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from support.aws_local.requests import Permission


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, every part of it a list."""

    is_allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]]

    def covers(self, permission: Permission) -> bool:
        """Tell whether it speaks of what is needed."""
        return (
            any(_matches_pattern(permission.action.lower(), it.lower()) for it in self.actions)
            and any(_matches_pattern(permission.resource, it) for it in self.resources)
            and all(_is_condition_met(test, keys, permission.context) for test, keys in self.conditions.items())
        )


def parse_statements(policies: Iterable[Mapping[str, Any]]) -> tuple[Statement, ...]:
    """Read policy documents; what is `None` in them was left out by a condition of the template."""
    documents = (it for policy in policies for it in _as_tuple(policy["Statement"]) if it is not None)
    return tuple(
        Statement(
            statement["Effect"] == "Allow",
            _as_tuple(statement["Action"]),
            _as_tuple(statement.get("Resource", "*")),
            statement.get("Condition", {}),
        )
        for statement in documents
    )


def is_allowed(permission: Permission, statements: Iterable[Statement]) -> bool:
    """Tell whether something is allowed, and not denied."""
    matching_statements = [it for it in statements if it.covers(permission)]
    return bool(matching_statements) and all(it.is_allow for it in matching_statements)


def _is_condition_met(test: str, keys: Mapping[str, Any], context: Mapping[str, tuple[str, ...]]) -> bool:
    """Judge one condition. Raises `NotImplementedError` for a test that is not described here."""
    if test == "Null":
        return all((key not in context) == (str(expected).lower() == "true") for key, expected in keys.items())
    quantifier, _, operator = test.rpartition(":")
    compare = _CONDITION_TESTS.get(operator)
    if compare is None or quantifier not in {"", "ForAllValues", "ForAnyValue"}:
        raise NotImplementedError(f"the condition {test} is not understood")
    for key, expected in keys.items():
        values = context.get(key, ())
        matches = [any(compare(value, it) for it in _as_tuple(expected)) for value in values]
        if not (any(matches) if quantifier == "ForAnyValue" else all(matches) and (bool(matches) or bool(quantifier))):
            return False
    return True


def _matches_pattern(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(it for it in value if it is not None) if isinstance(value, list) else (value,)


_CONDITION_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "Bool": lambda value, wanted: value.lower() == str(wanted).lower(),
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _matches_pattern,
    "ArnEquals": _matches_pattern,
    "ArnLike": _matches_pattern,
}
