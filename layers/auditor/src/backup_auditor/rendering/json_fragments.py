"""Proposals and rules as JSON."""

from datetime import timedelta

from backup_auditor.domain.remediation.plan import Proposal
from backup_auditor.domain.reporting.report import AppliedRule
from backup_auditor.domain.timefmt import to_days, to_hours
from backup_auditor.rendering.text import truncate

_MAX_TEXT_LENGTH = 4000


def build_proposal_json(proposal: Proposal) -> dict[str, object]:
    """Return a proposal with the exact call."""
    return {
        "plan_id": proposal.plan_id,
        "kind": proposal.kind,
        "index": proposal.index,
        "mode": proposal.mode,
        "reason": truncate(proposal.reason, _MAX_TEXT_LENGTH),
        "call": {"method": proposal.method, "path": proposal.path, "body": dict(proposal.body)},
    }


def build_rule_json(rule: AppliedRule) -> dict[str, object]:
    """Return one rule, or the defaults, with every limit in its place; one that is null is not judged."""
    requirements = rule.requirements
    schedule, content, protection = requirements.schedule, requirements.content, requirements.protection
    retention = {"min": _convert_to_days(schedule.retention_min), "max": _convert_to_days(schedule.retention_max)}
    return {
        "name": rule.name,
        "indexes": rule.index_count,
        "schedule": {"required": schedule.required, "frequency": schedule.frequency, "retention_days": retention},
        "recovery": {
            "max_age_hours": to_hours(requirements.max_age),
            "min_copies": requirements.recovery.min_copies,
            "horizon_hours": _convert_to_hours(requirements.recovery.horizon),
        },
        "runs": {
            "grace_hours": to_hours(requirements.runs.grace),
            "stuck_after_hours": _convert_to_hours(requirements.runs.stuck_after),
        },
        "content": {
            "allow_empty": content.allow_empty,
            "max_record_drop_percent": content.max_record_drop_percent,
            "max_namespace_drop_percent": content.max_namespace_drop_percent,
            "max_size_factor": content.max_size_factor,
        },
        "protection": {
            "deletion_protection": protection.deletion_protection,
            "locations": protection.locations,
            "required_tags": protection.required_tags,
            "max_backup_age_days": _convert_to_days(protection.max_backup_age),
        },
        "orphaned_backups": {"max_age_days": _convert_to_days(requirements.orphaned_backups.max_age)},
    }


def _convert_to_days(length: timedelta | None) -> float | int | None:
    return None if length is None else to_days(length)


def _convert_to_hours(length: timedelta | None) -> float | None:
    return None if length is None else to_hours(length)
