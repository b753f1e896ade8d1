"""The history of an index on the page: its picture, a sentence and the times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backup_auditor.domain.evaluation.timeline import Point, Timeline
from backup_auditor.domain.finding import Compliance, Finding, Severity
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import Period, format_length, format_minute
from backup_auditor.rendering.html.overview import index_anchor
from backup_auditor.rendering.timeline_text import Line, Places, Stretches, laid_out

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


_MINUTE, _DAY = len("2026-11-22 12:00"), len("2026-11-22")


@dataclass(frozen=True, slots=True)
class DayView:
    """One row of moments: what happened, when, and what is to be said of it."""

    what: str
    at: str
    told: str


@dataclass(frozen=True, slots=True)
class IndexHistory:
    """One index on the page."""

    anchor: str
    name: str
    worst: str
    """The severity of its worst open finding; empty where none is open."""
    findings: tuple[Finding, ...]
    """Those that are open, the worst first."""
    exempted: int
    unknown: int
    objective: str
    begins: str
    ends: str
    picture: Picture
    told: str
    not_known: tuple[str, ...]
    nights: tuple[DayView, ...]


def index_history(
    timeline: Timeline, observed_at: datetime, findings: Sequence[Finding], *, is_told_whole: bool
) -> IndexHistory:
    """Return what is shown of one index; its moments one by one only where they are to be told."""
    found = sorted((it for it in findings if it.is_open), key=lambda it: (-it.severity.rank, it.control))
    line = laid_out(timeline, observed_at)
    rule = f"rule {timeline.rule}" if timeline.rule else "the defaults"
    return IndexHistory(
        anchor=index_anchor(timeline.resource),
        name=timeline.resource.name,
        worst=found[0].severity if found else "",
        findings=tuple(found),
        exempted=sum(it.exemption is not None for it in findings),
        unknown=sum(it.compliance is Compliance.INSUFFICIENT_DATA and it.exemption is None for it in findings),
        objective=f"a recovery point no older than {format_length(timeline.max_age)}, by {rule}",
        begins=_moment(timeline.since)[:_DAY],
        ends=_moment(line.shown.end)[:_DAY],
        picture=picture_of(line),
        told=describe_history(timeline, observed_at),
        not_known=timeline.not_known,
        nights=tuple(_nights(timeline)) if is_told_whole else (),
    )


def index_status(view: IndexHistory) -> tuple[int, int, str]:
    """Return what indexes are sorted by: the worst first, then those with most findings."""
    rank = Severity(view.worst).rank + 1 if view.worst else 0
    return -rank, -len(view.findings), view.name


def describe_history(timeline: Timeline, observed_at: datetime) -> str:
    """Say in a sentence what the picture shows."""
    parts = [_points(timeline, observed_at)]
    counts = ((timeline.failed, "failed run"), (timeline.under_way, "run under way"), (timeline.planned, "planned run"))
    parts += [_counted(len(moments), thing) for moments, thing in counts if moments]
    if timeline.gaps:
        missing = sum(it.missing for it in timeline.gaps)
        parts.append(f"{_counted(missing, 'run')} missing in {pluralize(len(timeline.gaps), 'gap')}")
    if timeline.missed:
        parts.append(f"objective missed for {format_length(_together(timeline.missed))}")
    if timeline.zero_at is not None:
        verb = "is" if timeline.zero_at > observed_at else "was to be"
        parts.append(f"none {verb} left after {format_minute(timeline.zero_at)} if none is added")
    elif not timeline.is_left_known:
        parts.append("how long there will be some is not known")
    elif any(it.expires is False for it in timeline.recovery_points):
        parts.append("one at least never expires")
    return "; ".join(parts) + "."


def _points(timeline: Timeline, observed_at: datetime) -> str:
    points, earlier = timeline.recovery_points, timeline.earlier_recovery_points
    if not points:
        return pluralize(earlier, "recovery point") + " of before" if earlier else "No recovery point is known"
    age = format_length(observed_at - points[-1].captured_at)
    before = f" and {earlier:,} of before" if earlier else ""
    return f"{pluralize(len(points), 'recovery point')}{before}, the newest {age} old"


def _counted(count: int, thing: str) -> str:
    head, _, tail = thing.partition(" under way")
    return f"{pluralize(count, head)} under way" if _ or tail else pluralize(count, thing)


def _together(periods: Sequence[Period]) -> timedelta:
    return sum((it.end - it.start for it in periods), timedelta())


def _nights(timeline: Timeline) -> Iterator[DayView]:
    """Tell every moment, the latest first."""
    rows = [(it.captured_at, "recovery point", _expiry(it)) for it in timeline.recovery_points]
    rows += [(it, "past recovery point", "listed no more") for it in timeline.past]
    rows += [(it, "failed run", "") for it in timeline.failed]
    rows += [(it, "run under way", "") for it in timeline.under_way]
    rows += [(it, "planned run", "") for it in timeline.planned]
    for gap in timeline.gaps:
        rows.append((gap.start, f"{pluralize(gap.missing, 'run')} missing", f"until {_moment(gap.end)}"))
    rows += [(it.start, "objective missed", f"until {_moment(it.end)}") for it in timeline.missed]
    for at, what, said in sorted(rows, reverse=True):
        yield DayView(what, _moment(at), said)


def _expiry(point: Point) -> str:
    if point.expires is False:
        return "never expires"
    return "expiry not known" if point.expires_at is None else f"expires {_moment(point.expires_at)}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(" ", "minutes")[:_MINUTE]
