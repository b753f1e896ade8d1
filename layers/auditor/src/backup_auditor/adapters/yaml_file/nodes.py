"""A file as a tree that remembers on which line everything stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

type Path = tuple[str | int, ...]
type Node = Scalar | Listed | Mapped


@dataclass(frozen=True)
class Scalar:
    """Text, a number, true, false or null."""

    line: int
    plain: str | float | bool | None

    size = 1
    depth = 1


@dataclass(frozen=True)
class Listed:
    """A list."""

    line: int
    items: Sequence[Node]

    @cached_property
    def size(self) -> int:
        """How many nodes it has; what aliases repeat counts each time."""
        return 1 + sum(it.size for it in self.items)

    @cached_property
    def depth(self) -> int:
        """How many levels it has."""
        return 1 + max((it.depth for it in self.items), default=0)

    @cached_property
    def plain(self) -> object:
        """The list without its lines; what aliases repeat is one and the same object."""
        return [it.plain for it in self.items]


@dataclass(frozen=True)
class Mapped:
    """A mapping, in the order of the file."""

    line: int
    items: Mapping[str, Node]
    key_lines: Mapping[str, int]

    @cached_property
    def size(self) -> int:
        """How many nodes it has; what aliases repeat counts each time."""
        return 1 + sum(1 + it.size for it in self.items.values())

    @cached_property
    def depth(self) -> int:
        """How many levels it has."""
        return 1 + max((it.depth for it in self.items.values()), default=0)

    @cached_property
    def plain(self) -> object:
        """The mapping without its lines; what aliases repeat is one and the same object."""
        return {key: it.plain for key, it in self.items.items()}


def find(root: Node, path: Path) -> tuple[Node | None, int]:
    """Return what a path leads to, `None` where there is nothing, and its line or that of the last thing on the way."""
    node, line = root, root.line
    for step in path:
        if isinstance(node, Mapped) and step in node.items:
            line = node.key_lines[str(step)]
            node = node.items[str(step)]
        elif isinstance(node, Listed) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
        else:
            return None, line
    return node, line
