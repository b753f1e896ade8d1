"""Builders of reports, and checks of JSON against the published schema."""

import json
from collections.abc import Iterable
from datetime import date
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry

from backup_auditor.domain.finding import (
    Compliance,
    Exemption,
    Finding,
    Resource,
    ResourceType,
    Severity,
    compute_fingerprint,
)
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.reporting.report import Report, make_report
from backup_auditor.rendering.formats.json import render_json
from support.builders.facts import (
    NOW,
    build_complete_listing,
    build_index,
    build_inventory,
    evaluate_facts,
    rename_index,
)

BUILT_IN_POLICY = Policy("built-in", "0" * 64)
EXEMPTION = Exemption(("scratch-*",), ("*",), "search-team", "rebuilt nightly", date(2027, 3, 31))


def build_exempting_policy(*exemptions: Exemption) -> Policy:
    """Build the built-in policy with exemptions."""
    return Policy("built-in", "0" * 64, exemptions=exemptions)


def build_report(
    inventory: Inventory | None = None, policy: Policy = BUILT_IN_POLICY, state: ProjectState = EMPTY_STATE
) -> Report:
    """Evaluate an inventory, by default one healthy index, and build the report."""
    facts = build_inventory(build_index()) if inventory is None else inventory
    return make_report(facts, policy, evaluate_facts(facts, policy, state))


def build_bare_index(name: str) -> Any:
    """Build an index without schedules and backups."""
    return rename_index(build_index(schedules=build_complete_listing(())), name)


def build_finding(**facts: Any) -> Finding:
    """Build a finding: by default, `orders` has no schedule."""
    resource = facts.pop("resource", Resource(ResourceType.INDEX, "default", facts.pop("name", "orders"), None))
    control = facts.pop("control", "index-has-schedule")
    defaults: dict[str, Any] = {
        "compliance": Compliance.NON_COMPLIANT,
        "severity": Severity.HIGH,
        "reason": "The index has no backup schedule.",
        "evidence": {"schedules": 0},
        "remediation": "Create a schedule.",
    }
    return Finding(
        control=control, resource=resource, fingerprint=compute_fingerprint(control, resource), **(defaults | facts)
    )


def parse_report(pieces: Iterable[str]) -> Any:
    """Parse a JSON report, and check it against the published schema."""
    document = json.loads("".join(pieces))
    check_report(document)
    return document


def check_report(document: Any) -> None:
    """Raise an error unless a document matches the published schema of reports."""
    _check_document(document, "report.schema.json")


def check_fleet(document: Any) -> None:
    """Raise an error unless a document matches the published schema of a fleet with its reports."""
    _check_document(document, "fleet.schema.json")


def _check_document(document: Any, schema_name: str) -> None:
    schema = _read_schema(schema_name)
    Draft202012Validator.check_schema(schema)
    report_schema = _read_schema("report.schema.json")
    registry: Registry[Any] = Registry().with_contents([(report_schema["$id"], report_schema)])
    Draft202012Validator(schema, format_checker=FormatChecker(), registry=registry).validate(document)


def _read_schema(name: str) -> Any:
    return json.loads(files("backup_auditor.rendering").joinpath(name).read_text(encoding="utf-8"))


def render_document(report: Report) -> Any:
    """Return a report as JSON, checked."""
    return parse_report(render_json(report))


__all__ = [
    "BUILT_IN_POLICY",
    "EXEMPTION",
    "NOW",
    "build_bare_index",
    "build_exempting_policy",
    "build_finding",
    "build_report",
    "check_fleet",
    "check_report",
    "render_document",
]
