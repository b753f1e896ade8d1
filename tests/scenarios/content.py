"""Worlds in which the newest recovery point holds other than those before it."""

from collections.abc import Callable

from backup_auditor_simulator.model import Backup
from backup_auditor_simulator.project import SimulatedProject
from scenarios.case import HOUR, Case, Happening, by_hand, created, done, life, on, ready

EMPTY = "recovery-point-is-not-empty"
RECORDS = "record-count-is-stable"
NAMESPACES = "namespace-count-is-stable"
SIZE = "backup-size-is-stable"
TRAITS = {"records": 500, "namespaces": 20}
"""So few records that none are added from one backup to the next."""


def held(records: int, namespaces: int = 20, *, ago: int = 6) -> Happening:
    """Let the index hold so much from so many hours ago on; its newest run was due 5 hours ago."""

    def action(world: SimulatedProject) -> None:
        index = world.index("orders")
        index.records, index.namespaces = records, namespaces

    return done(ago * HOUR, action)


def shown(edit: Callable[[list[Backup]], None]) -> Happening:
    """Let what is shown of the recovery points, oldest first, be something else."""

    def action(world: SimulatedProject) -> None:
        points = ready(world)
        edit(points)
        world.changed(*points)

    return done(HOUR, action)


def sized(numerator: int, denominator: int, more: int = 0) -> Happening:
    """Let the newest have a size that is in such a ratio to all others, and so many bytes more."""

    def edit(points: list[Backup]) -> None:
        for point in points:
            point.size_bytes = 3000
        points[-1].size_bytes = 3000 * numerator // denominator + more

    return shown(edit)


def unsaid(points: list[Backup]) -> None:
    """Hide how many records all but the newest and two older ones have, which are far beyond the seven before."""
    for point in points[2:-1]:
        point.record_count = None


def forgotten(points: list[Backup]) -> None:
    """Let only those more than seven before the newest have held much."""
    for point in points[:-8]:
        point.record_count = 90_000


LIVED = life(traits=TRAITS)
CASES = (
    Case(label="empty from the beginning", happen=(life(traits={"records": 0}),), fails=on(EMPTY)),
    Case(label="one record", happen=(life(traits={"records": 1}),)),
    Case(
        label="empty, and allowed to be",
        happen=(life(traits={"records": 0}),),
        policy="defaults: {content: {allow_empty: true}}",
    ),
    Case(label="emptied", happen=(LIVED, held(0)), fails=on(EMPTY, RECORDS, SIZE)),
    Case(label="emptied since the newest backup", happen=(LIVED, held(0, ago=4))),
    Case(
        label="was empty until the newest backup",
        happen=(life(traits=TRAITS | {"records": 0}), held(500)),
        fails=on(SIZE),
    ),
    Case(
        label="backed up minutes after it was made",
        happen=(created(HOUR, records=0), by_hand(HOUR, HOUR / 2)),
        fails=on(EMPTY, "index-has-schedule"),
    ),
    Case(label="records drop by 20 percent", happen=(LIVED, held(400))),
    Case(label="records drop by more than 20 percent", happen=(LIVED, held(399)), fails=on(RECORDS)),
    Case(label="records grow", happen=(LIVED, held(1400))),
    Case(
        label="records drop by 10 percent, of which the policy allows 9.9",
        happen=(LIVED, held(450)),
        policy="defaults: {content: {max_record_drop_percent: 9.9}}",
        fails=on(RECORDS),
    ),
    Case(
        label="records drop, and only two others tell theirs",
        happen=(LIVED, held(399), shown(unsaid)),
        fails=on(RECORDS),
    ),
    Case(label="records dropped more than seven backups ago", happen=(LIVED, shown(forgotten))),
    Case(label="records dropped five backups ago", happen=(LIVED, held(100, ago=5 * 24 + 1))),
    Case(
        label="records dropped three backups ago",
        happen=(LIVED, held(399, ago=2 * 24 + 6)),
        fails=on(RECORDS),
    ),
    Case(label="namespaces drop by 5 percent", happen=(LIVED, held(500, 19))),
    Case(label="namespaces drop by more than 5 percent", happen=(LIVED, held(500, 18)), fails=on(NAMESPACES)),
    Case(label="a third of the size", happen=(LIVED, sized(1, 3))),
    Case(label="a byte less than a third of the size", happen=(LIVED, sized(1, 3, -1)), fails=on(SIZE)),
    Case(label="three times the size", happen=(LIVED, sized(3, 1))),
    Case(label="a byte more than three times the size", happen=(LIVED, sized(3, 1, 1)), fails=on(SIZE)),
    Case(
        label="ten times the size, with no limit to it",
        happen=(LIVED, sized(10, 1)),
        policy="defaults: {content: {max_size_factor: null}}",
    ),
    Case(label="one recovery point alone", happen=(life(days=1, traits=TRAITS), held(3, ago=3))),
)
