"""Whether the policies of a role allow what a request needs: actions, resources and conditions, by IAM's rules."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from support.aws_local.requests import Need


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy, every part of it a list."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]]

    def covers(self, need: Need) -> bool:
        """Tell whether it speaks of what is needed."""
        return (
            any(_fits(need.action.lower(), it.lower()) for it in self.actions)
            and any(_fits(need.resource, it) for it in self.resources)
            and all(_holds(test, keys, need.context) for test, keys in self.conditions.items())
        )


def statements_of(policies: Iterable[Mapping[str, Any]]) -> tuple[Statement, ...]:
    """Read policy documents; what is `None` in them was left out by a condition of the template."""
    found = (it for policy in policies for it in _listed(policy["Statement"]) if it is not None)
    return tuple(
        Statement(
            it["Effect"] == "Allow", _listed(it["Action"]), _listed(it.get("Resource", "*")), it.get("Condition", {})
        )
        for it in found
    )


def allowed(need: Need, statements: Iterable[Statement]) -> bool:
    """Tell whether something is allowed, and not denied."""
    speaking = [it for it in statements if it.covers(need)]
    return bool(speaking) and all(it.allows for it in speaking)


def _holds(test: str, keys: Mapping[str, Any], context: Mapping[str, tuple[str, ...]]) -> bool:
    """Judge one condition. Raises `NotImplementedError` for a test that nobody has described here yet."""
    if test == "Null":
        return all((key not in context) == (str(wanted).lower() == "true") for key, wanted in keys.items())
    every, _, plain = test.rpartition(":")
    compare = _TESTS.get(plain)
    if compare is None or every not in {"", "ForAllValues", "ForAnyValue"}:
        raise NotImplementedError(f"the condition {test} is not understood")
    for key, wanted in keys.items():
        values = context.get(key, ())
        fitting = [any(compare(value, it) for it in _listed(wanted)) for value in values]
        if not (any(fitting) if every == "ForAnyValue" else all(fitting) and (bool(fitting) or bool(every))):
            return False
    return True


def _fits(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(it for it in value if it is not None) if isinstance(value, list) else (value,)


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "Bool": lambda value, wanted: value.lower() == str(wanted).lower(),
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _fits,
    "ArnEquals": _fits,
    "ArnLike": _fits,
}
