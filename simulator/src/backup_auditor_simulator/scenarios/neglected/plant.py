"""One index of the neglected project: what happened to it, and which controls it fails for that."""

from collections.abc import Callable
from dataclasses import dataclass, field

from backup_auditor_simulator.scenarios.script import Script

type Happening = Callable[[Script], None]


@dataclass(frozen=True, slots=True)
class Plant:
    """An index, and every control that it fails under the default policy."""

    name: str
    happen: Happening
    fails: frozenset[str] = field(default_factory=frozenset)


def plant(name: str, happen: Happening, *fails: str) -> Plant:
    """Make a plant; without any control it is one that must stay silent."""
    return Plant(name, happen, frozenset(fails))
