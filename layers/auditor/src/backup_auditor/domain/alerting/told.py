"""A report read back from the JSON that was kept of it: what is told later is drawn from the same facts."""

import json
from datetime import date
from typing import Any

from backup_auditor.domain.finding import Compliance, Exemption, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.history import Drift, PastAudit, Resolved
from backup_auditor.domain.listing import Unread
from backup_auditor.domain.moments import parse_moment
from backup_auditor.domain.proposal import Proposal
from backup_auditor.domain.report import SCHEMA_VERSION, InventoryCounts, Report, Summary
from backup_auditor.errors import EvidenceError

type _Json = dict[str, Any]


def told_of(document: bytes, location: str) -> Report:
    """Return the report that a document holds; keys that are not known are passed over.

    Raises `EvidenceError`, with the location, where it is no report, or one of another version.
    """
    try:
        facts = json.loads(document)
    except ValueError as error:
        raise EvidenceError(f"{location} is not JSON: restore the version of it that the audit wrote") from error
    version = facts.get("schema_version") if isinstance(facts, dict) else None
    if version != SCHEMA_VERSION:
        raise EvidenceError(
            f"{location} is no report of schema version {SCHEMA_VERSION}: "
            f"read it with the version of backup-auditor that wrote it"
        )
    try:
        return _report(facts)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError(
            f"{location} does not hold all that a report holds ({type(error).__name__}): "
            f"restore the version of it that the audit wrote"
        ) from error


def _report(facts: _Json) -> Report:
    counts = facts["inventory"]
    return Report(
        audit_id=facts["audit_id"],
        observed_at=parse_moment(facts["observed_at"]),
        compliance=Compliance(facts["compliance"]),
        project=facts["project"]["name"],
        project_id=facts["project"]["id"],
        policy_source=facts["policy"]["source"],
        policy_sha256=facts["policy"]["sha256"],
        inventory=InventoryCounts(**{name: counts[name] for name in InventoryCounts.__slots__}),
        summary=_summary(facts["summary"]),
        findings=tuple(map(_finding, facts["findings"])),
        resolved=tuple(map(_resolved, facts["resolved"])),
        drift=tuple(Drift(it["what"], _resource(it["resource"]), it["before"], it["after"]) for it in facts["drift"]),
        unread=tuple(Unread(it["what"], it["error"]) for it in facts["unread"]),
        history=tuple(map(_past_audit, facts.get("history", ()))),
        proposals=tuple(map(_proposal, facts["proposals"])) if "proposals" in facts else None,
        warnings=tuple(facts.get("warnings", ())),
    )


def _proposal(facts: _Json) -> Proposal:
    told = {name: facts[name] for name in ("plan_id", "kind", "index", "mode", "because")}
    call = facts["call"]
    return Proposal(**told, method=call["method"], path=call["path"], body=call["body"])


def _summary(facts: _Json) -> Summary:
    return Summary(
        findings={it: facts["findings"][it] for it in Compliance},
        open=_open(facts["open"]),
        exempted=facts["exempted"],
        coverage_percent=facts["coverage_percent"],
    )


def _past_audit(facts: _Json) -> PastAudit:
    return PastAudit(parse_moment(facts["observed_at"]), facts["complete"], _open(facts["open"]))


def _open(counts: _Json) -> dict[Severity, int]:
    return {it: counts[it] for it in reversed(Severity)}


def _finding(facts: _Json) -> Finding:
    exemption, first_seen = facts["exemption"], facts["first_seen"]
    return Finding(
        control=facts["control"],
        resource=_resource(facts["resource"]),
        compliance=Compliance(facts["compliance"]),
        severity=Severity(facts["severity"]),
        reason=facts["reason"],
        evidence=facts["evidence"],
        remediation=facts["remediation"],
        fingerprint=facts["fingerprint"],
        exemption=None if exemption is None else _exemption(exemption),
        lifecycle=facts["lifecycle"],
        first_seen=None if first_seen is None else parse_moment(first_seen),
    )


def _resource(facts: _Json) -> Resource:
    return Resource(ResourceType(facts["type"]), facts["project"], facts["name"], facts["id"])


def _exemption(facts: _Json) -> Exemption:
    return Exemption(
        names=tuple(facts.get("names", ())),
        controls=tuple(facts["controls"]),
        owner=facts["owner"],
        reason=facts["reason"],
        expires=date.fromisoformat(facts["expires"]),
        tags=tuple((key, tuple(values)) for key, values in facts.get("tags", {}).items()),
        backups=tuple(facts.get("backups", ())),
        is_for_project=facts.get("project", False),
    )


def _resolved(facts: _Json) -> Resolved:
    return Resolved(
        fingerprint=facts["fingerprint"],
        control=facts["control"],
        resource=_resource(facts["resource"]),
        severity=Severity(facts["severity"]),
        first_seen=parse_moment(facts["first_seen"]),
        resolved_at=parse_moment(facts["resolved_at"]),
        because=facts["because"],
    )
