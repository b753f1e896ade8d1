"""Reports as CSV (RFC 4180), a finding a row: for spreadsheets and for whoever counts."""

import json
from collections.abc import Iterable, Iterator

from backup_auditor.domain.finding import Finding
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.report import Report
from backup_auditor.rendering.audit_facts import audit_facts, counts_in_all
from backup_auditor.rendering.text import format_json, plain

_COLUMNS = (
    "project",
    "audit_id",
    "observed_at",
    "complete",
    "control",
    "resource_type",
    "resource_name",
    "resource_id",
    "compliance",
    "severity",
    "reason",
    "remediation",
    "exemption_owner",
    "exemption_reason",
    "exemption_expires",
    "lifecycle",
    "first_seen",
    "fingerprint",
    "evidence",
    # not here, but in the JSON of the same audit: how many of each there are
    "unread_in_all",
    "resolved_in_all",
    "drift_in_all",
    "warnings_in_all",
    "proposals_in_all",
    "warnings",
)
_FORMULAS = tuple("=+-@＝＋－＠")  # noqa: RUF001  spreadsheets take the wide ones for the narrow
_SPECIAL = frozenset(',"')


def render_csv(reports: Iterable[Report]) -> Iterator[str]:
    """Write the findings of all reports under one heading, each line ended by CR LF but for the last, which lacks LF.

    A text that a spreadsheet would take for a formula has an apostrophe in front. The warnings of a report are told
    once, in its first row.
    """
    yield ",".join(_COLUMNS)
    for report in reports:
        before, after = (_cells(map(_word, it(report).values())) for it in (audit_facts, counts_in_all))
        warnings = _cell(json.dumps(report.warnings, ensure_ascii=False))
        for finding in report.findings:
            yield f"\r\n{before},{_cells(_told(finding))},{after},{warnings}"
            warnings = ""
    yield "\r"


def _told(finding: Finding) -> list[str]:
    resource, accepted = finding.resource, finding.exemption
    return [
        finding.control,
        resource.type,
        resource.name,
        resource.id or "",
        finding.compliance,
        finding.severity,
        finding.reason,
        finding.remediation,
        *((accepted.owner, accepted.reason, accepted.expires.isoformat()) if accepted else ("", "", "")),
        finding.lifecycle or "",
        format_moment(finding.first_seen) if finding.first_seen else "",
        finding.fingerprint,
        format_json(finding.evidence),
    ]


def _cells(texts: Iterable[str]) -> str:
    return ",".join(map(_cell, texts))


def _cell(text: str) -> str:
    """Return a text as one cell on one line, in which nothing is computed."""
    shown = plain(text)
    if shown.lstrip().startswith(_FORMULAS):
        shown = f"'{shown}"
    if _SPECIAL.isdisjoint(shown):
        return shown
    return '"' + shown.replace('"', '""') + '"'


def _word(fact: str | int) -> str:
    return fact if isinstance(fact, str) else json.dumps(fact)
