"""The checks of a policy: contradictions, and exemptions that match nothing or last too long."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase

from backup_auditor.domain.finding import Exemption, ResourceType
from backup_auditor.domain.patterns import fit_every_name
from backup_auditor.domain.policy import Policy, Requirements
from backup_auditor.domain.target_schedule import find_unsatisfiable_rules
from backup_auditor.domain.timefmt import format_length, to_days

MAX_EXEMPTION_YEARS = 5
"""The longest time from today to the end of an exemption, in years."""


def find_distant_exemptions(policy: Policy, day: date) -> list[str]:
    """Return a message for each exemption that, on a day (UTC), ends too far in the future."""
    try:
        latest_day = day.replace(year=day.year + MAX_EXEMPTION_YEARS)
    except ValueError:  # 29 February, or a year that `date` cannot represent
        if day.year + MAX_EXEMPTION_YEARS > date.max.year:
            return []
        latest_day = date(day.year + MAX_EXEMPTION_YEARS, 3, 1)
    return [
        f"exemptions[{number}] ends on {exemption.expires}, more than {MAX_EXEMPTION_YEARS} years after {day};"
        f" choose an end by {latest_day}, or write a rule for a permanent exception"
        for number, exemption in enumerate(policy.exemptions)
        if exemption.expires > latest_day
    ]


BACKUP_CONTROLS = ("backup-did-not-vanish",)
"""The controls whose verdicts are about single backups. An exemption may name the backups."""


type ControlIds = Mapping[ResourceType, Sequence[str]]
"""The ids of the controls, by the type of resource that they evaluate."""


def _find_fitting_controls(exemption: Exemption, control_ids: ControlIds) -> Sequence[str]:
    """Return the ids of the controls that evaluate what an exemption is about, whatever controls it names."""
    if exemption.is_for_project:
        return control_ids[ResourceType.PROJECT]
    if exemption.backups:
        return BACKUP_CONTROLS
    if exemption.tags:  # a deleted index has no tags
        return control_ids[ResourceType.INDEX]
    return [*control_ids[ResourceType.INDEX], *control_ids[ResourceType.DELETED_INDEX]]


type PolicyPath = tuple[str | int, ...]

_FREQUENCY = ("schedule", "frequency")
_MIN_RETENTION = ("schedule", "retention_days", "min")
_MAX_RETENTION = ("schedule", "retention_days", "max")
_MAX_AGE = ("recovery", "max_age")
_MIN_COPIES = ("recovery", "min_copies")
_MAX_RESTORE_TIME = ("recovery", "max_restore_time")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A contradiction in a policy."""

    path: PolicyPath
    """The path of the section that contains it."""
    keys: tuple[PolicyPath, ...]
    """The contradicting keys within that section, the most likely mistake first."""
    text: str
    """What is wrong and what to do."""


def find_contradictions(policy: Policy, control_ids: ControlIds) -> list[Contradiction]:
    """Return the contradictions in the defaults, in each rule with the defaults, and in the exemptions.

    A contradiction that a rule inherits from the defaults is returned once, for the defaults.
    """
    max_duration = policy.restore_drills.max_duration
    default_contradictions = list(_check_requirements(policy.defaults, max_duration))
    contradictions = [Contradiction(("defaults",), keys, text) for keys, text in default_contradictions]
    for number, rule in enumerate(policy.rules):
        for keys, text in _check_requirements(rule.requirements, max_duration):
            if (keys, text) not in default_contradictions:
                contradictions.append(Contradiction(("rules", number, "require"), keys, text))
    contradictions += _check_schedules(policy, {it.path for it in contradictions})
    contradictions += _find_unreachable_rules(policy)
    for number, exemption in enumerate(policy.exemptions):
        contradictions += (
            Contradiction(("exemptions", number), keys, text) for keys, text in _check_exemption(exemption, control_ids)
        )
    return contradictions


def _find_unreachable_rules(policy: Policy) -> Iterator[Contradiction]:
    """Return the rules that never apply, because an earlier rule matches every index."""
    catch_all_number = next(
        (number for number, rule in enumerate(policy.rules) if rule.fits_everything), len(policy.rules)
    )
    for number in range(catch_all_number + 1, len(policy.rules)):
        text = (
            f'it never applies, because rules[{catch_all_number}] "{policy.rules[catch_all_number].name}" matches every'
            " index, and the first rule that matches wins; move it before that rule, or remove it"
        )
        yield Contradiction(("rules", number), (("match",), ("name",)), text)


def _check_exemption(exemption: Exemption, control_ids: ControlIds) -> Iterator[tuple[tuple[PolicyPath, ...], str]]:
    all_ids = list(dict.fromkeys(control_id for ids in control_ids.values() for control_id in ids))
    unknown_patterns = [it for it in exemption.controls if not any(fnmatchcase(control, it) for control in all_ids)]
    for pattern in unknown_patterns:
        similar_ids = get_close_matches(pattern, all_ids, n=1)
        hint = f'did you mean "{similar_ids[0]}"?' if similar_ids else '"backup-auditor controls" lists them'
        position = exemption.controls.index(pattern)
        yield (("controls", position),), f'the pattern "{pattern}" matches no control; {hint}'
    if not unknown_patterns and not any(map(exemption.fits_control, _find_fitting_controls(exemption, control_ids))):
        yield (("controls",),), _describe_missing_resource(exemption)
    fits_every_name = not exemption.tags and fit_every_name(exemption.names)
    if fits_every_name and all(map(exemption.fits_control, control_ids[ResourceType.INDEX])):
        text = "it exempts every index from every control; name the indexes or the controls that it is for"
        yield (("names",), ("controls",)), text


def _check_requirements(
    requirements: Requirements, max_drill_duration: timedelta
) -> Iterator[tuple[tuple[PolicyPath, ...], str]]:
    frequency, interval = requirements.schedule.frequency, requirements.schedule.frequency.interval
    min_retention, max_retention = requirements.schedule.retention_min, requirements.schedule.retention_max
    max_age, min_copies = requirements.recovery.max_age, requirements.recovery.min_copies
    if min_retention is not None and max_retention is not None and min_retention > max_retention:
        text = (
            f"retention_days.min {to_days(min_retention)} is above max {to_days(max_retention)}; lower min or raise max"
        )
        yield (_MIN_RETENTION, _MAX_RETENTION), text
    if max_age is not None and max_age < interval:
        text = f"max_age {format_length(max_age)} is below the interval of a {frequency} schedule"
        yield (_MAX_AGE, _FREQUENCY), f"{text}, {format_length(interval)}; raise max_age to that, or make it null"
    if min_copies is not None and max_retention is not None and min_copies > max_retention // interval:
        limit_text = (
            f"{max_retention // interval} that a {frequency} schedule holds with retention_days.max"
            f" {to_days(max_retention)}"
        )
        remedy = f"lower min_copies, or raise max to {to_days(min_copies * interval)}"
        yield (
            (_MIN_COPIES, _MAX_RETENTION, _FREQUENCY),
            f"min_copies {min_copies} is more than the {limit_text}; {remedy}",
        )
    max_restore_time = requirements.recovery.max_restore_time
    if max_restore_time is not None and max_restore_time > max_drill_duration:
        text = (
            f"max_restore_time {format_length(max_restore_time)} is above restore_drills.max_duration"
            f" {format_length(max_drill_duration)}, and no drill measures a longer restore"
        )
        yield (_MAX_RESTORE_TIME,), f"{text}; lower max_restore_time, or raise max_duration"


def _check_schedules(policy: Policy, known_paths: Collection[PolicyPath]) -> Iterator[Contradiction]:
    """Return the requirements that no schedule can satisfy, except in sections with another contradiction."""
    default_text = ""
    for number, text in find_unsatisfiable_rules(policy):
        path: PolicyPath = ("defaults",) if number is None else ("rules", number, "require")
        if path not in known_paths and text != default_text:
            yield Contradiction(path, (_MAX_RETENTION, _FREQUENCY, _MIN_COPIES, _MIN_RETENTION), text)
        default_text = text if number is None else default_text


def _describe_missing_resource(exemption: Exemption) -> str:
    if exemption.is_for_project:
        return "none of its controls evaluates the project; use names or tags instead of project"
    if exemption.backups:
        return (
            f"none of its controls is about single backups (only {', '.join(BACKUP_CONTROLS)} is); use names or tags"
            " instead of backups"
        )
    if exemption.tags:
        return (
            "none of its controls evaluates live indexes, and only these have tags; use names for deleted indexes,"
            " or project: true for a control of the project"
        )
    return "its controls evaluate the project, not indexes; use project: true instead of names"
