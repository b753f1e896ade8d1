"""Plays what happened to a project, in the order in which it happened."""

from collections.abc import Callable
from datetime import datetime, timedelta

from backup_auditor_simulator.conduct import Conduct
from backup_auditor_simulator.world import World

type Action = Callable[[World], object]


class Script:
    """What happened to a project, each thing so long before a moment called now."""

    def __init__(self, now: datetime, *, seed: int = 0, conduct: Conduct | None = None) -> None:
        """Begin with nothing."""
        self._now = now
        self._seed = seed
        self._conduct = conduct
        self._actions: list[tuple[datetime, Action]] = []

    def ago(self, length: timedelta, action: Action) -> None:
        """Let something happen so long before now."""
        self._actions.append((self._now - length, action))

    def play(self) -> World:
        """Let it all happen, and return the world as it is now."""
        actions = sorted(self._actions, key=lambda it: it[0])
        world = World(actions[0][0] if actions else self._now, seed=self._seed, conduct=self._conduct)
        for moment, action in actions:
            world.advance_to(moment)
            action(world)
        world.advance_to(self._now)
        return world
