"""The effects of another policy as lines of text, and whether indexes fit the quota."""

from collections.abc import Iterator, Sequence

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.reporting.policy_diff import PolicyDiff, QuotaDemand
from backup_auditor.domain.target_schedule import Feasibility, describe_fit, find_best_schedule_fit
from backup_auditor.domain.text import pluralize
from backup_auditor.rendering.grouping import label_finding
from backup_auditor.rendering.text import Style, escape_text, format_columns, wrap_text


def describe_feasibility(feasibility: Feasibility) -> str:
    """Return how much of the quota so many indexes take, and what would fit if that is too much."""
    verb = "takes" if feasibility.index_count == 1 else "take"
    indexes = f"{pluralize(feasibility.index_count, 'index', 'indexes')} {verb}"
    slot_counts = ", ".join(f"{escape_text(name)} {slots:,} each" for name, slots in feasibility.slots_by_rule)
    if feasibility.quota is None:
        minimum = pluralize(feasibility.min_slots, "backup")
        return f"{indexes} at least {minimum} ({slot_counts}); the policy sets no quota"
    if feasibility.is_impossible:
        usage = f"{indexes} at least {pluralize(feasibility.min_slots, 'backup')} ({slot_counts})"
        fit = find_best_schedule_fit(feasibility.index_count, feasibility.quota)
        best_fit = describe_fit(fit, feasibility.index_count)
        return f"{usage} and the quota is {feasibility.quota:,}: {best_fit}"
    if feasibility.max_slots > feasibility.quota:
        usage_range = (
            f"{indexes} {feasibility.min_slots:,} to {pluralize(feasibility.max_slots, 'backup')},"
            f" depending on their rule ({slot_counts})"
        )
        return f"{usage_range}: not every combination of rules fits the quota of {feasibility.quota:,}"
    maximum = "" if feasibility.max_slots == feasibility.min_slots else f" to {feasibility.max_slots:,}"
    return (
        f"{indexes} {feasibility.min_slots:,}{maximum} of the quota of"
        f" {pluralize(feasibility.quota, 'backup')} ({slot_counts}): within the quota"
    )


def render_policy_diff(diff: PolicyDiff, *, width: int = 100, is_colored: bool = False) -> Iterator[str]:
    """Write a difference as lines of text of at most `width` columns of a terminal."""
    width, style = max(width, 40), Style(is_colored)
    unknown_clause = (
        f"; {pluralize(len(diff.unknown_findings), 'check')} cannot be evaluated." if diff.unknown_findings else "."
    )
    head = (
        f"{escape_text(diff.after.source)} compared with {escape_text(diff.before.source)}:"
        f" opens {pluralize(len(diff.opened_findings), 'finding')}, closes {len(diff.closed_findings):,},"
        f" leaves {diff.unchanged_count:,} open{unknown_clause}"
    )
    yield from map(style.bold, wrap_text(head, width, ""))
    yield from _render_section("OPENS", diff.opened_findings, width, style)
    yield from _render_section("CLOSES", diff.closed_findings, width, style)
    yield from _render_section("NOW UNKNOWN", diff.unknown_findings, width, style)
    if diff.warnings:
        yield ""
        yield style.bold(f"WARNINGS ({len(diff.warnings):,})")
        for warning in diff.warnings:
            yield from wrap_text(f"  {escape_text(warning)}", width, "    ")
    yield ""
    yield style.bold("SLOTS")
    yield from format_columns(
        [("before", _describe_demand(diff.before)), ("after", _describe_demand(diff.after))], width
    )


def _render_section(title: str, findings: Sequence[Finding], width: int, style: Style) -> Iterator[str]:
    if not findings:
        return
    yield ""
    yield style.bold(f"{title} ({len(findings):,})")
    sorted_findings = sorted(
        findings, key=lambda it: (-it.severity.rank, it.control, it.resource.name, it.resource.id or "")
    )
    rows = [
        (
            f"{finding.severity:8}  {escape_text(label_finding(finding))}",
            f"{finding.control}: {escape_text(_describe_finding(finding))}",
        )
        for finding in sorted_findings
    ]
    yield from format_columns(rows, width)


def _describe_finding(finding: Finding) -> str:
    if finding.exemption is not None:
        return f"accepted until {finding.exemption.expires} by {finding.exemption.owner}: {finding.exemption.reason}"
    if finding.compliance is Compliance.NON_COMPLIANT:
        return finding.reason
    return f"{finding.compliance.replace('_', ' ').lower()}: {finding.reason}"


def _describe_demand(demand: QuotaDemand) -> str:
    backups = pluralize(demand.slots, "backup")
    usage = f"{pluralize(demand.schedule_count, 'schedule')} required, which hold at least {backups}"
    if demand.quota is None:
        return f"{usage}; the policy gives no quota"
    return f"{usage} of a quota of {demand.quota:,}"
