"""What makes a policy invalid: contradictions, and exemptions that fit nothing or last too long."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase

from backup_auditor.domain.evaluation.evaluator import ControlCatalog
from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.patterns import fit_every_name
from backup_auditor.domain.policy import Policy, Requirements
from backup_auditor.domain.target_schedule import problems_of
from backup_auditor.domain.timefmt import days, format_length

LONGEST_YEARS = 5
"""How far ahead an exemption may end."""


def distant_exemptions(policy: Policy, day: date) -> list[str]:
    """Return what is wrong, a line each, with exemptions that on a day (UTC) end too far ahead."""
    try:
        latest = day.replace(year=day.year + LONGEST_YEARS)
    except ValueError:  # the last day of a February that has one more, or the last years of all
        if day.year + LONGEST_YEARS > date.max.year:
            return []
        latest = date(day.year + LONGEST_YEARS, 3, 1)
    return [
        f"exemptions[{number}] ends on {it.expires}, more than {LONGEST_YEARS} years after {day}; let it end by"
        f" {latest}, or let a rule say what is to hold for good"
        for number, it in enumerate(policy.exemptions)
        if it.expires > latest
    ]


def covers_everything(exemption: Exemption, control_ids: Collection[str]) -> bool:
    """Tell whether an exemption accepts every deviation of every index: nothing would be audited any more.

    `control_ids` are those of the controls that are judged for indexes: what exempts these need not name the others.
    """
    fits_every_name = not exemption.tags and fit_every_name(exemption.names)
    return fits_every_name and all(map(exemption.fits_control, control_ids))


OF_BACKUPS = ("backup-did-not-vanish",)
"""The controls whose verdicts are about single backups, which an exemption may name."""


def fitting_controls(exemption: Exemption, catalogue: ControlCatalog) -> list[str]:
    """Return the ids of the controls that are judged for what an exemption is about, whatever controls it names."""
    if exemption.is_for_project:
        return [it.id for it in catalogue.project]
    if exemption.backups:
        return [it.id for it in catalogue.all if it.id in OF_BACKUPS]
    of_indexes = [it.id for it in catalogue.index]
    return of_indexes if exemption.tags else of_indexes + [it.id for it in catalogue.deleted_index]


type Place = tuple[str | int, ...]

_FREQUENCY = ("schedule", "frequency")
_MIN = ("schedule", "retention_days", "min")
_MAX = ("schedule", "retention_days", "max")
_MAX_AGE = ("recovery", "max_age")
_MIN_COPIES = ("recovery", "min_copies")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One thing that a policy may not say."""

    place: Place
    """What it stands in, as a path of the policy file."""
    keys: tuple[Place, ...]
    """The keys beneath that place that contradict each other, the likeliest mistake first."""
    text: str
    """What is wrong, and what to do."""


def find_contradictions(policy: Policy, catalogue: ControlCatalog) -> list[Contradiction]:
    """Return what contradicts itself in the defaults, in each rule laid over them, and in the exemptions.

    What a rule only inherits from the defaults is said once, of the defaults.
    """
    of_defaults = list(_of_requirements(policy.defaults))
    found = [Contradiction(("defaults",), keys, text) for keys, text in of_defaults]
    for number, rule in enumerate(policy.rules):
        for keys, text in _of_requirements(rule.require):
            if (keys, text) not in of_defaults:
                found.append(Contradiction(("rules", number, "require"), keys, text))
    found += _of_schedules(policy, {it.place for it in found})
    found += _of_order(policy)
    for number, exemption in enumerate(policy.exemptions):
        found += (
            Contradiction(("exemptions", number), keys, text) for keys, text in _of_exemption(exemption, catalogue)
        )
    return found


def _of_order(policy: Policy) -> Iterator[Contradiction]:
    """Return the rules that no index can come to, because an earlier one takes them all."""
    taker = next((number for number, rule in enumerate(policy.rules) if rule.fits_everything), len(policy.rules))
    for number in range(taker + 1, len(policy.rules)):
        text = (
            f'no index can come to it, because rules[{taker}] "{policy.rules[taker].name}" matches every index, and the'
            " first rule that matches wins; move it in front of that rule, or remove it"
        )
        yield Contradiction(("rules", number), (("match",), ("name",)), text)


def _of_exemption(exemption: Exemption, catalogue: ControlCatalog) -> Iterator[tuple[tuple[Place, ...], str]]:
    control_ids = [it.id for it in catalogue.all]
    strangers = [it for it in exemption.controls if not any(fnmatchcase(control, it) for control in control_ids)]
    for pattern in strangers:
        yield (("controls", exemption.controls.index(pattern)),), _fits_nothing(pattern, control_ids)
    if not strangers and not any(map(exemption.fits_control, fitting_controls(exemption, catalogue))):
        yield (("controls",),), _fits_no_resource(exemption)
    if covers_everything(exemption, [it.id for it in catalogue.index]):
        text = "it covers every control of every index; name the indexes, or the controls, that it is about"
        yield (("names",), ("controls",)), text


def _of_requirements(require: Requirements) -> Iterator[tuple[tuple[Place, ...], str]]:
    frequency, interval = require.schedule.frequency, require.schedule.frequency.interval
    shortest, longest = require.schedule.retention_min, require.schedule.retention_max
    max_age, min_copies = require.recovery.max_age, require.recovery.min_copies
    if shortest is not None and longest is not None and shortest > longest:
        text = f"retention_days.min {days(shortest)} is above max {days(longest)}; lower min or raise max"
        yield (_MIN, _MAX), text
    if max_age is not None and max_age < interval:
        text = f"max_age {format_length(max_age)} is below the interval of a {frequency} schedule"
        yield (_MAX_AGE, _FREQUENCY), f"{text}, {format_length(interval)}; raise max_age to that, or make it null"
    if min_copies is not None and longest is not None and min_copies > longest // interval:
        held = f"{longest // interval} that a {frequency} schedule holds with retention_days.max {days(longest)}"
        remedy = f"lower min_copies, or raise max to {days(min_copies * interval)}"
        yield (_MIN_COPIES, _MAX, _FREQUENCY), f"min_copies {min_copies} is more than the {held}; {remedy}"


def _of_schedules(policy: Policy, known: Collection[Place]) -> Iterator[Contradiction]:
    """Return where no schedule that could be made would be enough, unless that part contradicts itself already."""
    of_defaults = ""
    for number, text in problems_of(policy):
        place: Place = ("defaults",) if number is None else ("rules", number, "require")
        if place not in known and text != of_defaults:
            yield Contradiction(place, (_MAX, _FREQUENCY, _MIN_COPIES, _MIN), text)
        of_defaults = text if number is None else of_defaults


def _fits_nothing(pattern: str, control_ids: Collection[str]) -> str:
    near = get_close_matches(pattern, control_ids, n=1)
    hint = f'did you mean "{near[0]}"?' if near else '"backup-auditor controls" lists them'
    return f'the pattern "{pattern}" fits no control; {hint}'


def _fits_no_resource(exemption: Exemption) -> str:
    """Say why an exemption can never fit anything that its controls are judged for."""
    if exemption.is_for_project:
        return "none of its controls is judged for the project; name the indexes by names or tags instead of project"
    if exemption.backups:
        return f"none of its controls speaks of single backups, as {_listed(OF_BACKUPS)} does; name the indexes instead"
    if exemption.tags:
        return (
            "none of its controls is judged for live indexes, and only these have tags; name deleted indexes by names,"
            " or say project: true of a control of the project"
        )
    return "its controls are judged for the project, not for indexes; say project: true instead of names"


def _listed(words: Collection[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
