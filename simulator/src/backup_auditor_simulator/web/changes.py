"""Changes of the world that can be named in words, for rows that shift between two pages."""

from collections.abc import Callable
from datetime import timedelta

from backup_auditor_simulator.world import World


def change_of(words: str) -> Callable[[World], object]:
    """Return the change that words name.

    They are `delete-first-backup` and `delete-last-backup` (as listed), `create-backup NAME`, `delete-index NAME`, and
    `advance SECONDS`.
    Raises `ValueError` where they name none.
    """
    verb, _, argument = words.partition(" ")
    match verb:
        case "delete-first-backup":
            return lambda world: _delete_backup(world, 0)
        case "delete-last-backup":
            return lambda world: _delete_backup(world, -1)
        case "create-backup":
            return lambda world: world.create_backup(argument)
        case "delete-index":
            return lambda world: world.delete_index(argument)
        case "advance":
            length = timedelta(seconds=float(argument))
            return lambda world: world.advance(length)
        case _:
            raise ValueError(f"There is no change {words!r}.")


def _delete_backup(world: World, place: int) -> None:
    listed = world.project_listing()
    if listed:
        world.remove_backup(listed[place])
