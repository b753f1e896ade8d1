"""Proposals and rules as JSON."""

from datetime import timedelta

from backup_auditor.domain.policy import AppliedRule
from backup_auditor.domain.remediation.proposals import Proposal
from backup_auditor.domain.timefmt import days, hours
from backup_auditor.rendering.text import truncate

_LENGTH = 4000


def proposal_json(proposal: Proposal) -> dict[str, object]:
    """Return a proposal with the exact call."""
    return {
        "plan_id": proposal.plan_id,
        "kind": proposal.kind,
        "index": proposal.index,
        "mode": proposal.mode,
        "because": truncate(proposal.because, _LENGTH),
        "call": {"method": proposal.method, "path": proposal.path, "body": dict(proposal.body)},
    }


def rule_json(rule: AppliedRule) -> dict[str, object]:
    """Return one rule, or the defaults, with every limit in its place; one that is null is not judged."""
    require = rule.require
    schedule, content, protection = require.schedule, require.content, require.protection
    retention = {"min": _days(schedule.retention_min), "max": _days(schedule.retention_max)}
    return {
        "name": rule.name,
        "indexes": rule.indexes,
        "schedule": {"required": schedule.required, "frequency": schedule.frequency, "retention_days": retention},
        "recovery": {
            "max_age_hours": hours(require.max_age),
            "min_copies": require.recovery.min_copies,
            "horizon_hours": _hours(require.recovery.horizon),
        },
        "runs": {"grace_hours": hours(require.runs.grace), "stuck_after_hours": _hours(require.runs.stuck_after)},
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
            "erasure_days": _days(protection.erasure),
        },
        "orphans": {"keep_days": _days(require.orphans.keep)},
    }


def _days(length: timedelta | None) -> float | int | None:
    return None if length is None else days(length)


def _hours(length: timedelta | None) -> float | None:
    return None if length is None else hours(length)
