"""The report as GitHub-flavoured Markdown: for a pull request, a ticket, a wiki."""

from collections.abc import Iterator

from backup_auditor.domain.finding import Compliance, Finding, ResourceType
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.report import Report
from backup_auditor.rendering.grouping import exempted_groups, open_groups, unknown_groups
from backup_auditor.rendering.since import changes_counted, drift_rows, has_past, resolved_rows, since
from backup_auditor.rendering.text import code, markdown
from backup_auditor.rendering.verdict import incompleteness, read_so_much, verdict

_SHOWN = 50
"""How many findings of one heading are shown before the rest is folded."""


def render_markdown(report: Report) -> Iterator[str]:
    """Write a report as lines of Markdown."""
    yield f"# Backup audit of {markdown(report.project)}"
    yield ""
    missing = incompleteness(report)
    yield f"**{report.compliance.replace('_', ' ')}**: {verdict(report)}" + (f" **{missing}**" if missing else "")
    yield ""
    yield f"Audited {format_moment(report.observed_at)} under the policy {code(report.policy_source)}."
    for group in open_groups(report):
        yield from ["", f"## {group.severity.capitalize()}: {group.control} ({len(group.findings):,})", ""]
        yield from _rows(group.findings, is_dated=has_past(report))
        if group.findings[0].remediation:
            yield from ["", f"Next: {markdown(group.findings[0].remediation)}"]
    for title, groups in (("Not known", unknown_groups(report)), ("Exempted", exempted_groups(report))):
        if groups:
            found = [it for group in groups for it in group]
            yield from ["", f"## {title} ({len(found):,})", ""]
            yield from _rows(found)
    for title, rows in (("Resolved", resolved_rows(report)), ("Drift", drift_rows(report))):
        if rows:
            yield from ["", f"## {title} ({len(rows):,})", ""]
            yield from (f"- {code(where)}: {markdown(text)}" for where, text in rows[:_SHOWN])
            yield from _folded(len(rows))
    yield from _counts(report)
    if not report.is_complete:
        yield from ["", f"## Could not be read ({len(report.unread):,})", ""]
        for unread in report.unread[:_SHOWN]:
            yield f"- {code(unread.what)}: {markdown(unread.error)}"
        yield from _folded(len(report.unread))


def _rows(findings: tuple[Finding, ...] | list[Finding], *, is_dated: bool = False) -> Iterator[str]:
    yield "| resource | control | reason |"
    yield "|---|---|---|"
    for finding in findings[:_SHOWN]:
        reason = markdown(finding.reason + (since(finding) if is_dated else ""))
        if finding.exemption is not None:
            accepted = finding.exemption
            reason += markdown(f" Accepted until {accepted.expires} by {accepted.owner}: {accepted.reason}")
        name = _resource(finding).replace("|", "\\|")
        yield f"| {name} | {finding.control} | {reason} |"
    yield from _folded(len(findings))


def _resource(finding: Finding) -> str:
    resource = finding.resource
    if resource.type is ResourceType.DELETED_INDEX:
        return f"{code(resource.name)}, deleted ({code(resource.id or '')})"
    return code(resource.name)


def _folded(total: int) -> Iterator[str]:
    if total > _SHOWN:
        yield from ["", f"And {total - _SHOWN:,} more; `--format json` shows all."]


def _counts(report: Report) -> Iterator[str]:
    summary = report.summary
    coverage = "none can be" if summary.coverage_percent is None else f"{summary.coverage_percent:g} %"
    yield from ["", "## Counts", "", "| | |", "|---|---|"]
    yield f"| open | {', '.join(f'{number:,} {severity}' for severity, number in summary.open.items())} |"
    if has_past(report):
        yield f"| changes | {changes_counted(report)} |"
    for compliance in Compliance:
        yield f"| {compliance.replace('_', ' ').lower()} | {summary.findings[compliance]:,} |"
    yield f"| exempted | {summary.exempted:,} |"
    yield f"| protected, of what can be backed up | {coverage} |"
    yield f"| read | {read_so_much(report.inventory)} |"
