"""What another policy would make of the same facts, as lines of text."""

from collections.abc import Iterator, Sequence

from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.policy_difference import Demand, PolicyDifference
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.grouping import place
from backup_auditor.rendering.ink import Ink
from backup_auditor.rendering.text import plain
from backup_auditor.rendering.wrapping import columns, hanging


def render_difference(found: PolicyDifference, *, width: int = 100, is_coloured: bool = False) -> Iterator[str]:
    """Write a difference as lines of text of at most `width` columns of a terminal."""
    width, ink = max(width, 40), Ink(is_coloured)
    unknown = f"; of {len(found.unknown):,} it cannot be told by this inventory." if found.unknown else "."
    head = (
        f"{plain(found.after.source)} in place of {plain(found.before.source)}:"
        f" opens {counted(len(found.opened), 'finding')}, closes {len(found.closed):,},"
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
            yield from hanging(f"  {plain(sentence)}", width, "    ")
    yield ""
    yield ink.strong("SLOTS")
    yield from columns([("before", _demanded(found.before)), ("after", _demanded(found.after))], width)


def _section(title: str, findings: Sequence[Finding], width: int, ink: Ink) -> Iterator[str]:
    if not findings:
        return
    yield ""
    yield ink.strong(f"{title} ({len(findings):,})")
    ranked = sorted(findings, key=lambda it: (-it.severity.rank, it.control, it.resource.name, it.resource.id or ""))
    rows = [(f"{it.severity:8}  {plain(place(it))}", f"{it.control}: {plain(_said(it))}") for it in ranked]
    yield from columns(rows, width)


def _said(finding: Finding) -> str:
    if finding.exemption is not None:
        return f"accepted until {finding.exemption.expires} by {finding.exemption.owner}: {finding.exemption.reason}"
    if finding.compliance is Compliance.NON_COMPLIANT:
        return finding.reason
    return f"{finding.compliance.replace('_', ' ').lower()}: {finding.reason}"


def _demanded(demand: Demand) -> str:
    taken = f"{counted(demand.schedules, 'schedule')} required, which hold at least {counted(demand.slots, 'backup')}"
    if demand.quota is None:
        return f"{taken}; the policy gives no quota"
    return f"{taken} of a quota of {demand.quota:,}"
