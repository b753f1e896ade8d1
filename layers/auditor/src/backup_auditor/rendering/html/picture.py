"""The nights of an index as the paths of a picture that is a thousand wide, whatever width it is shown at."""

from dataclasses import dataclass

from backup_auditor.rendering.timeline import Line, Places, Stretches

_WIDE = 1000
_OBJECTIVE, _RUNS, _FLOOR, _CEILING = 6, 28, 62, 16
"""How far from the top the objective is drawn, runs are, and what is left stands and reaches."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Paths, by what they show; an empty one shows nothing."""

    met: str
    missed: str
    gaps: str
    points: str
    past: str
    failed: str
    under_way: str
    planned: str
    left: str
    zero: str


def picture_of(line: Line) -> Picture:
    """Draw what was laid out. A dot is a line without length: its round ends stay round however wide the picture is."""
    return Picture(
        met=_along(line.met, _OBJECTIVE),
        missed=_along(line.missed, _OBJECTIVE),
        gaps=_along(line.gaps, _RUNS),
        points=_marks(line.points, _RUNS, "h0"),
        past=_marks(line.past, _RUNS, "h0"),
        failed=_marks(line.failed, _RUNS - 13, "v26"),
        under_way=_marks(line.under_way, _RUNS - 8, "v16"),
        planned=_marks(line.planned, _RUNS - 6, "v12"),
        left=_stairs(line.left),
        zero="" if line.zero is None else f"M{_x(line.zero)} 0V64",
    )


def _x(place: float) -> int:
    return round(place * _WIDE)


def _marks(places: Places, height: int, mark: str) -> str:
    return "".join(f"M{_x(it)} {height}{mark}" for it in places)


def _along(stretches: Stretches, height: int) -> str:
    return "".join(f"M{_x(start)} {height}H{max(_x(end), _x(start) + 1)}" for start, end in stretches)


def _stairs(left: tuple[tuple[float, int], ...]) -> str:
    if not left or not left[0][1]:
        return ""
    most = left[0][1]
    steps = "".join(f"H{_x(place)}V{_height(count, most)}" for place, count in left[1:])
    end = f"H{_WIDE}V{_FLOOR}" if left[-1][1] else ""  # where none is left there is no stair, and no edge of one
    return f"M{_x(left[0][0])} {_FLOOR}V{_height(most, most)}{steps}{end}Z"


def _height(count: int, most: int) -> int:
    return round(_FLOOR - (_FLOOR - _CEILING) * count / most)
