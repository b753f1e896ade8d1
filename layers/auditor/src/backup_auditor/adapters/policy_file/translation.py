"""Makes a `Policy` of a policy file that has the right shape."""

from datetime import timedelta

from backup_auditor.adapters.policy_file.merging import laid_over
from backup_auditor.adapters.policy_file.requirement_shape import RequirementsShape
from backup_auditor.adapters.policy_file.shape import ExemptionShape, PolicyShape, RuleShape
from backup_auditor.adapters.policy_file.terms import parse_day, parse_duration
from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.policy import Policy, ProjectRequirement, Remediation, Rule
from backup_auditor.domain.requirements import (
    ContentRequirement,
    OrphanRequirement,
    ProtectionRequirement,
    RecoveryRequirement,
    Requirements,
    RunRequirement,
    ScheduleRequirement,
)


def policy_of(shape: PolicyShape, *, source: str, sha256: str) -> Policy:
    """Return the policy that a file states."""
    return Policy(
        source=source,
        sha256=sha256,
        defaults=_requirements(shape.defaults),
        project=ProjectRequirement(
            plan=shape.project.plan,
            backup_quota=shape.project.backup_quota,
            quota_warn_percent=_number(shape.project.quota_warn_percent),
            expected_id=shape.project.expected_id,
            document_indexes=shape.project.document_indexes,
        ),
        rules=tuple(_rule(it, shape.defaults) for it in shape.rules),
        exemptions=tuple(map(_exemption, shape.exemptions)),
        remediation=Remediation(
            create_schedules=shape.remediation.create_schedules,
            fix_schedules=shape.remediation.fix_schedules,
            first_backup=shape.remediation.first_backup,
            max_creations=shape.remediation.max_creations,
            schedule_name=shape.remediation.schedule_name,
        ),
    )


def _exemption(shape: ExemptionShape) -> Exemption:
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


def _rule(shape: RuleShape, defaults: RequirementsShape) -> Rule:
    return Rule(
        name=shape.name,
        names=tuple(shape.match.names),
        tags={key: tuple(values) for key, values in shape.match.tags.items()},
        require=_requirements(laid_over(defaults, shape.require)),
    )


def _requirements(shape: RequirementsShape) -> Requirements:
    retention, content, protection = shape.schedule.retention_days, shape.content, shape.protection
    return Requirements(
        schedule=ScheduleRequirement(
            required=shape.schedule.required,
            frequency=shape.schedule.frequency,
            retention_min=_days(retention.min),
            retention_max=_days(retention.max),
        ),
        recovery=RecoveryRequirement(
            max_age=_duration(shape.recovery.max_age),
            min_copies=shape.recovery.min_copies,
            horizon=_duration(shape.recovery.horizon),
        ),
        runs=RunRequirement(grace=parse_duration(shape.runs.grace), stuck_after=_duration(shape.runs.stuck_after)),
        content=ContentRequirement(
            allow_empty=content.allow_empty,
            max_record_drop_percent=_number(content.max_record_drop_percent),
            max_namespace_drop_percent=_number(content.max_namespace_drop_percent),
            max_size_factor=_number(content.max_size_factor),
        ),
        protection=ProtectionRequirement(
            deletion_protection=protection.deletion_protection,
            locations=tuple(protection.locations),
            required_tags=tuple(protection.required_tags),
            erasure=_days(protection.erasure_days),
        ),
        orphans=OrphanRequirement(keep=_days(shape.orphans.keep_days)),
    )


def _duration(text: str | None) -> timedelta | None:
    return None if text is None else parse_duration(text)


def _days(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(days=count)


def _number(value: float | None) -> float | None:
    """Keep 20 what it was: reports show it."""
    return int(value) if value is not None and value.is_integer() else value
