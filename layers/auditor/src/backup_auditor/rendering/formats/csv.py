"""Reports as CSV (RFC 4180), a finding a row: for spreadsheets and for whoever counts."""

import json
from collections.abc import Iterable, Iterator

from backup_auditor.domain.finding import Finding
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import cluster_end, cut
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.grouping import IN_FULL
from backup_auditor.rendering.slack import units
from backup_auditor.rendering.summary import audit_facts, counts_in_all
from backup_auditor.rendering.text import escape_text, format_json

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
_INVISIBLE = "\xad\u200b\u200c\u200d\u2060\ufeff"
_SPECIAL = frozenset(',"')
BYTE_ORDER_MARK = "\ufeff"
"""What begins a file: without it, spreadsheets take UTF-8 for the encoding of their country."""
MOST_IN_CELL = 32_767
"""Characters, as UTF-16 counts them, that a spreadsheet takes into one cell."""
_MOST_IN_COMMAND = 1000


def render_csv(reports: Iterable[Report], *, in_full: str = IN_FULL) -> Iterator[str]:
    """Write the findings of all reports under one heading, each line ended by CR LF but for the last, which lacks LF.

    A text that a spreadsheet would take for a formula has an apostrophe in front. One that no cell has room for is cut:
    `in_full` is the command that shows the rest. The warnings of a report stand in its first row.
    """
    command = cut(escape_text(in_full), _MOST_IN_COMMAND)
    yield ",".join(_COLUMNS)
    for report in reports:
        before, after = (_cells(map(_word, it(report).values()), command) for it in (audit_facts, counts_in_all))
        warnings = _cells([json.dumps(report.warnings, ensure_ascii=False)], command)
        for finding in report.findings:
            yield f"\r\n{before},{_cells(_told(finding), command)},{after},{warnings}"
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


def _cells(texts: Iterable[str], in_full: str) -> str:
    return ",".join(_cell(it, in_full) for it in texts)


def _cell(text: str, in_full: str) -> str:
    """Return a text as one cell on one line, in which nothing is computed."""
    shown = escape_text(text)
    if shown.lstrip().lstrip(_INVISIBLE).startswith(_FORMULAS):
        shown = f"'{shown}"
    if 2 * len(shown) > MOST_IN_CELL and units(shown) > MOST_IN_CELL:
        shown = _shortened(shown, in_full)
    if _SPECIAL.isdisjoint(shown):
        return shown
    return '"' + shown.replace('"', '""') + '"'


def _shortened(text: str, in_full: str) -> str:
    """Return as much of a text as a cell has room for, the count of what is missing, and the command that shows it."""
    most = MOST_IN_CELL - units(_missing(len(text), in_full))
    end, taken = 0, 0
    while taken + units(text[end]) <= most:
        taken += units(text[end])
        end += 1
    end = cluster_end(text, end)
    return text[:end] + _missing(len(text) - end, in_full)


def _missing(count: int, in_full: str) -> str:
    return f"… and {count:,} more characters; all: {in_full}"


def _word(fact: str | int) -> str:
    return fact if isinstance(fact, str) else json.dumps(fact)
