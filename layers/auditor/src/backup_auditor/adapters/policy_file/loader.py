"""Load a policy from a file, convert it to a `Policy`, and describe the problems of the file with their lines."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from difflib import get_close_matches
from typing import get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from backup_auditor.adapters.documents import (
    DocumentKind,
    DocumentProblemError,
    InputSource,
    Problem,
    describe_value,
    format_problems,
    quote_excerpt,
    read_bytes,
    suggest_key,
)
from backup_auditor.adapters.policy_file.schema import (
    ExemptionShape,
    PolicyShape,
    RequirementsShape,
    RuleShape,
    Shape,
    parse_duration,
)
from backup_auditor.adapters.yaml_loader import KeyPath, Node, compose_document, decode_text, find_node
from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.identifiers import is_on_aws
from backup_auditor.domain.policy import (
    ContentRequirement,
    OrphanedBackupRequirement,
    Policy,
    ProjectRequirement,
    ProtectionRequirement,
    RecoveryRequirement,
    RemediationPolicy,
    Requirements,
    RestoreDrillPolicy,
    Rule,
    RunRequirement,
    ScheduleRequirement,
)
from backup_auditor.domain.policy_validation import Contradiction, find_contradictions
from backup_auditor.domain.text import escape_control_characters
from backup_auditor.domain.timefmt import parse_day
from backup_auditor.errors import PolicyError


def find_shape(annotation: object) -> type[Shape] | None:
    """Return the shape in a key's type, or `None`: the type itself, an item of a list, or a value of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return annotation
    return next((it for it in map(find_shape, get_args(annotation)) if it is not None), None)


def find_fields(path: KeyPath) -> dict[str, FieldInfo]:
    """Return the known keys at a path of the file; empty if any key is allowed there."""
    shape: type[Shape] | None = PolicyShape
    for step in path:
        if isinstance(step, str) and shape is not None:
            field = shape.model_fields.get(step)
            shape = find_shape(field.annotation) if field else None
    return dict(shape.model_fields) if shape else {}


def list_keys(shape: type[Shape] = PolicyShape, path: KeyPath = ()) -> Iterator[tuple[KeyPath, FieldInfo]]:
    """Yield every key with its path, in order. The keys of list items come once."""
    for name, field in shape.model_fields.items():
        key_path = (*path, name)
        yield key_path, field
        inner_shape = find_shape(field.annotation)
        if inner_shape is not None:
            yield from list_keys(inner_shape, key_path)


MAX_PROBLEMS = 100


def describe_shape_errors(error: ValidationError, root: Node) -> list[Problem]:
    """Return the differences from the shape in the order of the file; beyond `MAX_PROBLEMS` only their number."""
    located_errors = [(find_node(root, it["loc"])[1], it) for it in error.errors(include_url=False)]
    located_errors.sort(key=lambda it: it[0])
    problems = [_describe_difference(it, root) for _, it in located_errors[:MAX_PROBLEMS]]
    if len(located_errors) > MAX_PROBLEMS:
        line, _ = located_errors[MAX_PROBLEMS]
        problems.append(
            Problem(f"{len(located_errors) - MAX_PROBLEMS} more problems from here on; correct the others first", line)
        )
    return problems


def describe_contradictions(contradictions: Iterable[Contradiction], root: Node) -> list[Problem]:
    """Return every contradiction in the order of the file."""
    return sorted((_describe_contradiction(it, root) for it in contradictions), key=lambda it: it.line or 0)


def _describe_contradiction(contradiction: Contradiction, root: Node) -> Problem:
    located_nodes = [find_node(root, (*contradiction.path, *key)) for key in contradiction.keys]
    line = next((line for node, line in located_nodes if node is not None), find_node(root, contradiction.path)[1])
    return Problem(
        f"{_describe_place(contradiction.path, root)}: {escape_control_characters(contradiction.text)}", line
    )


def _describe_difference(error: ErrorDetails, root: Node) -> Problem:
    path: KeyPath = error["loc"]
    node, line = find_node(root, path)
    place = _describe_place(path, root)
    match error["type"]:
        case "extra_forbidden":
            return Problem(_describe_unknown_key(path, root), line)
        case "missing":
            description = find_fields(path[:-1])[str(path[-1])].description
            return Problem(f"{_describe_place(path[:-1], root)} has no {path[-1]}; add it: {description}", line)
        case "no_subject":
            description = f"{find_fields(path)['names'].description}; or tags, backups, or project: true"
            return Problem(f"{place} has no names; add it: {description}", line)
        case "several_subjects":
            subjects = error["ctx"]
            line = find_node(root, (*path, subjects["second"]))[1]
            problem = f"has {subjects['first']} and {subjects['second']}"
            return Problem(f"{place} {problem}; write an exemption for each", line)
    value = node.value if node else None
    return Problem(f"{place} is {describe_value(value)}; write {_describe_expected(error, path, value)}", line)


def _describe_unknown_key(path: KeyPath, root: Node) -> str:
    key, known_keys = str(path[-1]), list(find_fields(path[:-1]))
    location = f" in {_describe_place(path[:-1], root)}" if len(path) > 1 else ""
    if key == "<<":
        hint = "merge keys are not part of YAML 1.2; write the keys out"
    elif not get_close_matches(key, known_keys) and (section := _find_section(key, path)):
        hint = f"it belongs in {section}"
    else:
        hint = suggest_key(key, known_keys)
    return f"unknown key {quote_excerpt(key)}{location}; {hint}"


def _find_section(key: str, path: KeyPath) -> str | None:
    """Return the section that has the key, the nearest one to its place in the file."""
    sections = [section[:-1] for section, _ in list_keys() if section[-1] == key and len(section) > 1]
    nearest_sections = [section for section in sections if section[0] == path[0]] or sections
    return _format_path(nearest_sections[0]) if nearest_sections else None


def _describe_expected(error: ErrorDetails, path: KeyPath, value: object) -> str:  # noqa: PLR0911  one line for each kind
    bounds = error.get("ctx", {})
    match error["type"]:
        case "wanted":
            return error["msg"]
        case "greater_than_equal" | "less_than_equal" if path == ("version",):
            return "1, the only version"
        case "greater_than":
            return f"a number above {bounds['gt']:g}"
        case "greater_than_equal":
            return f"a number of at least {bounds['ge']:g}"
        case "less_than_equal":
            return f"a number of at most {bounds['le']:g}"
        case "string_too_long":
            return f"at most {bounds['max_length']} characters"
        case "too_short":
            return "at least one entry"
        case "enum":
            return _describe_choices(str(bounds["expected"]), value)
        case "string_type" if isinstance(value, (bool, int, float)):
            return "it in quotes: it must be text"
        case kind:
            return _EXPECTED_BY_TYPE.get(kind, error["msg"])


def _describe_choices(expected: str, value: object) -> str:
    choices = expected.replace("'", "")
    matches = get_close_matches(str(value), choices.replace(" or ", ", ").split(", "), n=1)
    return f"{choices}{f' (did you mean {matches[0]}?)' if matches else ''}"


_EXPECTED_BY_TYPE = {
    "bool_type": "true or false",
    "dict_type": "a mapping {key: value}, or leave it out",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list [one, another]",
    "model_type": "a mapping {key: value}, or leave it out",
    "string_type": "text",
}


def _describe_place(path: KeyPath, root: Node) -> str:
    """Return the name of a place: `defaults.recovery.max_age`, `require.recovery of rules[0] "production"`."""
    if path[:1] in (("rules",), ("exemptions",)) and len(path) > 1:
        name = find_node(root, (*path[:2], "name"))[0]
        title = f" {quote_excerpt(name.value)}" if name and isinstance(name.value, str) else ""
        entry, subpath = f"{path[0]}[{path[1]}]{title}", _format_path(path[2:])
        return f"{subpath} of {entry}" if subpath else entry
    return _format_path(path) or "the policy"


def _format_path(path: KeyPath) -> str:
    steps = (f"[{it}]" if isinstance(it, int) else f".{escape_control_characters(it)}" for it in path)
    return "".join(steps).removeprefix(".")


def merge_over_defaults[S: Shape](base: S, overrides: S) -> S:
    """Return the base with each key that the overrides set, at any depth. A list replaces a list."""
    changes: dict[str, object] = {}
    for key in overrides.model_fields_set:
        override = getattr(overrides, key)
        changes[key] = merge_over_defaults(getattr(base, key), override) if isinstance(override, Shape) else override
    return base.model_copy(update=changes)


def build_policy(shape: PolicyShape, *, source: str, sha256: str) -> Policy:
    """Return the policy of a valid file."""
    return Policy(
        source=source,
        sha256=sha256,
        defaults=_build_requirements(shape.defaults),
        project=ProjectRequirement(**dict(shape.project)),
        rules=tuple(_build_rule(it, shape.defaults) for it in shape.rules),
        exemptions=tuple(map(_build_exemption, shape.exemptions)),
        remediation=RemediationPolicy(**dict(shape.remediation)),
        restore_drills=RestoreDrillPolicy(
            **{**dict(shape.restore_drills), "max_duration": parse_duration(shape.restore_drills.max_duration)}
        ),
    )


def _build_exemption(shape: ExemptionShape) -> Exemption:
    return Exemption(
        names=tuple(shape.names),
        controls=tuple(shape.controls),
        owner=shape.owner,
        reason=shape.reason,
        expires=parse_day(shape.expires),
        tags=tuple((key, tuple(values)) for key, values in shape.tags.items()),
        backups=tuple(shape.backups),
        is_for_project=shape.project,
    )


def _build_rule(shape: RuleShape, defaults: RequirementsShape) -> Rule:
    return Rule(
        name=shape.name,
        names=tuple(shape.match.names),
        tags={key: tuple(values) for key, values in shape.match.tags.items()},
        requirements=_build_requirements(merge_over_defaults(defaults, shape.require)),
    )


def _build_requirements(shape: RequirementsShape) -> Requirements:
    retention, protection = shape.schedule.retention_days, shape.protection
    return Requirements(
        schedule=ScheduleRequirement(
            required=shape.schedule.required,
            frequency=shape.schedule.frequency,
            retention_min=_to_days(retention.min),
            retention_max=_to_days(retention.max),
        ),
        recovery=RecoveryRequirement(
            max_age=_parse_optional_duration(shape.recovery.max_age),
            min_copies=shape.recovery.min_copies,
            horizon=_parse_optional_duration(shape.recovery.horizon),
            restore_drill_within=_parse_optional_duration(shape.recovery.restore_drill_within),
            max_restore_time=_parse_optional_duration(shape.recovery.max_restore_time),
        ),
        runs=RunRequirement(
            grace=parse_duration(shape.runs.grace), stuck_after=_parse_optional_duration(shape.runs.stuck_after)
        ),
        content=ContentRequirement(**dict(shape.content)),
        protection=ProtectionRequirement(
            deletion_protection=protection.deletion_protection,
            locations=tuple(protection.locations),
            required_tags=tuple(protection.required_tags),
            max_backup_age=_to_days(protection.max_backup_age_days),
        ),
        orphaned_backups=OrphanedBackupRequirement(max_age=_to_days(shape.orphaned_backups.max_age_days)),
    )


def _parse_optional_duration(text: str | None) -> timedelta | None:
    return None if text is None else parse_duration(text)


def _to_days(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(days=count)


POLICY_DOCUMENT = DocumentKind("policy", '"backup-auditor policy init" prints one as a starting point')


def load_policy(input_source: InputSource) -> Policy:
    """Return the policy in a file, a pipe, or standard input (`-`). Raises `PolicyError` with all problems."""
    source = escape_control_characters(str(input_source))
    with _translate_problems(source):
        content = read_bytes(input_source, POLICY_DOCUMENT)
    return parse_policy(content, source)


def parse_policy(content: bytes, source: str) -> Policy:
    """Return the policy in a document that was read from `source`. Raises `PolicyError` as `load_policy` does."""
    with _translate_problems(source):
        root = compose_document(decode_text(content), POLICY_DOCUMENT)
    try:
        shape = PolicyShape.model_validate(root.value)
    except ValidationError as error:
        raise _build_policy_error(source, describe_shape_errors(error, root)) from None
    policy = build_policy(shape, source=source, sha256=hashlib.sha256(content).hexdigest())
    contradictions = find_contradictions(policy, CATALOG.ids_by_type)
    if contradictions:
        raise _build_policy_error(source, describe_contradictions(contradictions, root))
    return policy


@contextmanager
def _translate_problems(source: str) -> Iterator[None]:
    try:
        yield
    except DocumentProblemError as error:
        raise _build_policy_error(source, [error.problem]) from None


def _build_policy_error(source: str, problems: list[Problem]) -> PolicyError:
    return PolicyError(*format_problems(source, problems), path="FILE" if is_on_aws(source) else source)
