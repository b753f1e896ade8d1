"""Indexes whose newest recovery point holds other than it should, or whose old ones are not cleared away."""

from datetime import timedelta

from backup_auditor_simulator.scenarios.lives import DAY, HOUR, Life
from backup_auditor_simulator.scenarios.neglected.plant import Happening, plant
from backup_auditor_simulator.scenarios.script import Script
from backup_auditor_simulator.world import World

_BEFORE_THE_NEWEST = 6 * HOUR
"""The newest run of a life was due an hour later."""


def _held(name: str, *, records: int, namespaces: int, at_last: tuple[int, int]) -> Happening:
    """Let an index hold so many records and namespaces, and at last, when it is backed up, as many as these."""

    def happen(script: Script) -> None:
        Life(name=name, traits={"records": records, "namespaces": namespaces}).begin(script)

        def change(world: World) -> None:
            index = world.index(name)
            index.records, index.namespaces = at_last

        script.ago(_BEFORE_THE_NEWEST, change)

    return happen


def _never_cleared(script: Script) -> None:
    Life(name="query-logs").begin(script)

    def keep_shorter(world: World) -> None:
        for schedule in world.index("query-logs").schedules.values():
            world.plant_retention(schedule, timedelta(days=9))

    script.ago(DAY, keep_shorter)


PLANTS = (
    plant(
        "user-profiles",  # a clean-up took more than it should
        _held("user-profiles", records=400_000, namespaces=8, at_last=(230_000, 8)),
        "record-count-is-stable",
    ),
    plant(
        "tenant-memory",  # the namespaces of some tenants are gone, small ones
        _held("tenant-memory", records=300_000, namespaces=40, at_last=(296_000, 31)),
        "namespace-count-is-stable",
    ),
    plant(
        "clickstream-events",  # imported over and over
        _held("clickstream-events", records=90_000, namespaces=4, at_last=(420_000, 4)),
        "backup-size-is-stable",
    ),
    plant(
        "recipe-ideas",  # backed up every night, and never filled
        Life(name="recipe-ideas", traits={"records": 0, "namespaces": 1}).begin,
        "recovery-point-is-not-empty",
    ),
    plant("query-logs", _never_cleared, "backups-expire-on-time"),
)
