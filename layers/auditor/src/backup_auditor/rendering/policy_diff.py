"""What another policy would change, as lines of text, and whether indexes fit the quota."""

from collections.abc import Iterator, Sequence

from backup_auditor.domain.capacity import Feasibility, describe_fit
from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.reporting.policy_diff import Demand, PolicyDiff
from backup_auditor.domain.text import pluralize
from backup_auditor.rendering.grouping import resource_label
from backup_auditor.rendering.text import Style, columns, escape_text, hanging


def describe_feasibility(found: Feasibility) -> str:
    """Say what so many indexes take of the quota, and what would fit where that is too much."""
    take = "takes" if found.indexes == 1 else "take"
    indexes = f"{pluralize(found.indexes, 'index', 'indexes')} {take}"
    each = ", ".join(f"{escape_text(name)} {slots:,} each" for name, slots in found.each)
    if found.quota is None:
        least = pluralize(found.least, "backup")
        return f"{indexes} at least {least} ({each}); the policy gives no quota to fit them into"
    if found.is_impossible:
        taken = f"{indexes} at least {pluralize(found.least, 'backup')} ({each}) and the quota is {found.quota:,}"
        return f"{taken}: {describe_fit(found.fit, found.indexes)}"
    if found.most > found.quota:
        between = (
            f"{indexes} {found.least:,} to {pluralize(found.most, 'backup')}, by the rules they fall under ({each})"
        )
        return f"{between}: not every mixture fits the quota of {found.quota:,}"
    at_most = "" if found.most == found.least else f" to {found.most:,}"
    return f"{indexes} {found.least:,}{at_most} of the quota of {pluralize(found.quota, 'backup')} ({each}): they fit"


def render_difference(found: PolicyDiff, *, width: int = 100, is_coloured: bool = False) -> Iterator[str]:
    """Write a difference as lines of text of at most `width` columns of a terminal."""
    width, ink = max(width, 40), Style(is_coloured)
    unknown = f"; of {len(found.unknown):,} it cannot be told by this inventory." if found.unknown else "."
    head = (
        f"{escape_text(found.after.source)} in place of {escape_text(found.before.source)}:"
        f" opens {pluralize(len(found.opened), 'finding')}, closes {len(found.closed):,},"
        f" leaves {found.kept:,} open{unknown}"
    )
    yield from map(ink.strong, hanging(head, width, ""))
    yield from _section("OPENS", found.opened, width, ink)
    yield from _section("CLOSES", found.closed, width, ink)
    yield from _section("NO LONGER KNOWN", found.unknown, width, ink)
    if found.warnings:
        yield ""
        yield ink.strong(f"WARNINGS ({len(found.warnings):,})")
        for sentence in found.warnings:
            yield from hanging(f"  {escape_text(sentence)}", width, "    ")
    yield ""
    yield ink.strong("SLOTS")
    yield from columns([("before", _demanded(found.before)), ("after", _demanded(found.after))], width)


def _section(title: str, findings: Sequence[Finding], width: int, ink: Style) -> Iterator[str]:
    if not findings:
        return
    yield ""
    yield ink.strong(f"{title} ({len(findings):,})")
    ranked = sorted(findings, key=lambda it: (-it.severity.rank, it.control, it.resource.name, it.resource.id or ""))
    rows = [
        (f"{it.severity:8}  {escape_text(resource_label(it))}", f"{it.control}: {escape_text(_said(it))}")
        for it in ranked
    ]
    yield from columns(rows, width)


def _said(finding: Finding) -> str:
    if finding.exemption is not None:
        return f"accepted until {finding.exemption.expires} by {finding.exemption.owner}: {finding.exemption.reason}"
    if finding.compliance is Compliance.NON_COMPLIANT:
        return finding.reason
    return f"{finding.compliance.replace('_', ' ').lower()}: {finding.reason}"


def _demanded(demand: Demand) -> str:
    taken = (
        f"{pluralize(demand.schedules, 'schedule')} required, which hold at least {pluralize(demand.slots, 'backup')}"
    )
    if demand.quota is None:
        return f"{taken}; the policy gives no quota"
    return f"{taken} of a quota of {demand.quota:,}"
