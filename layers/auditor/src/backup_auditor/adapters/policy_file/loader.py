"""Load a policy from a file, or the built-in policy, and convert it to a `Policy`."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from pydantic import ValidationError

from backup_auditor.adapters.documents import (
    DocumentKind,
    DocumentProblemError,
    InputSource,
    Problem,
    format_problems,
    read_bytes,
)
from backup_auditor.adapters.policy_file.errors import describe_contradictions, describe_shape_errors
from backup_auditor.adapters.policy_file.schema import (
    ExemptionShape,
    PolicyShape,
    RequirementsShape,
    RuleShape,
    Shape,
    parse_day,
    parse_duration,
)
from backup_auditor.adapters.yaml_loader import compose_document, decode_text
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
    Rule,
    RunRequirement,
    ScheduleRequirement,
)
from backup_auditor.domain.policy_validation import find_contradictions
from backup_auditor.domain.text import escape_control_characters
from backup_auditor.errors import PolicyError


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
