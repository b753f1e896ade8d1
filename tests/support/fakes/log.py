"""A log for tests that can be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class FakeLog:
    """A log that stores its lines: level, text and fields."""

    lines: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)
    keys: dict[str, object] = field(default_factory=dict)
    """The fields of every later line."""

    def append_keys(self, **keys: object) -> None:
        """Add fields to every later line."""
        self.keys |= keys

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Store a line."""
        self.lines.append(("info", str(msg), extra))

    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Store a line."""
        self.lines.append(("warning", str(msg), extra))

    def error(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Store a line."""
        self.lines.append(("error", str(msg), extra))

    def get_messages(self, level: str) -> list[str]:
        """Return the texts of one level."""
        return [text for line_level, text, _ in self.lines if line_level == level]

    def join_messages(self, level: str) -> str:
        """Return the texts of one level, one per line."""
        return "\n".join(self.get_messages(level))
