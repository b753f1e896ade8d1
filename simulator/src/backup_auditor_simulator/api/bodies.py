"""Reads the body of a request: what is missing or of a wrong type is 422, what is not known is 400."""

import json
from collections.abc import Mapping
from typing import Any, Self

from backup_auditor_simulator.errors import invalid, unreadable


class Body:
    """The members of a JSON object, taken one by one."""

    def __init__(self, members: Mapping[str, Any], within: str = "") -> None:
        """Hold an object; `within` says where in the request it stands."""
        self._members = {key: value for key, value in members.items() if value is not None}
        self._within = within

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read a body. An empty one is an empty object."""
        try:
            found = json.loads(content or b"{}")
        except ValueError:
            raise unreadable("expected value at line 1 column 1") from None
        if not isinstance(found, dict):
            raise unreadable("invalid type: expected a map at line 1 column 0")
        return cls(found)

    def take[Value](self, key: str, of: type[Value], default: Value | None = None) -> Value | None:
        """Take a member that may be absent."""
        value = self._members.pop(key, default)
        if value is None or (isinstance(value, of) and not (of is int and isinstance(value, bool))):
            return value
        raise unreadable(f"{self._within}{key}: invalid type, expected {of.__name__} at line 1 column 1")

    def need[Value](self, key: str, of: type[Value]) -> Value:
        """Take a member that must be there."""
        value = self.take(key, of)
        if value is None:
            raise unreadable(f"missing field `{self._within}{key}` at line 1 column 1")
        return value

    def inner(self, key: str) -> "Body":
        """Take an object that must be there."""
        return Body(self.need(key, dict), f"{self._within}{key}.")

    def inner_or_none(self, key: str) -> "Body | None":
        """Take an object that may be absent."""
        members = self.take(key, dict)
        return None if members is None else Body(members, f"{self._within}{key}.")

    def texts(self, key: str) -> dict[str, str] | None:
        """Take an object whose values are all text."""
        members = self.take(key, dict)
        if members is not None and not all(isinstance(value, str) for value in members.values()):
            raise unreadable(f"{self._within}{key}: invalid type, expected a string at line 1 column 1")
        return members

    def end(self) -> None:
        """Refuse what was not taken."""
        for key in self._members:
            raise invalid(f"Unknown field `{self._within}{key}`.")
