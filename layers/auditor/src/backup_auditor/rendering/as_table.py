"""The report for a person at a terminal: the verdict, the worst findings with the next step, then the counts."""

from collections.abc import Iterator
from dataclasses import dataclass

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.report import Report
from backup_auditor.domain.wording import counted
from backup_auditor.rendering.folding import ALL, fold
from backup_auditor.rendering.grouping import Group, exempted_groups, open_groups, place, scope, unknown_groups
from backup_auditor.rendering.ink import Ink
from backup_auditor.rendering.since import changes_counted, drift_rows, has_past, resolved_rows, since
from backup_auditor.rendering.text import plain
from backup_auditor.rendering.verdict import incompleteness, read_so_much, verdict
from backup_auditor.rendering.wrapping import columns, hanging

_MANY = 100
"""How many open findings are shown one by one."""
_SHOWN_UNREAD = 10
_WORDS = {
    Compliance.NON_COMPLIANT: "non-compliant",
    Compliance.INSUFFICIENT_DATA: "not known",
    Compliance.COMPLIANT: "compliant",
    Compliance.NOT_APPLICABLE: "not applicable",
}


def render_table(report: Report, *, width: int = 100, is_coloured: bool = False) -> Iterator[str]:
    """Write a report as lines of text of at most `width` characters, where words allow it."""
    return _Table(report, max(width, 40), Ink(is_coloured)).lines()


@dataclass(frozen=True, slots=True)
class _Table:
    report: Report
    width: int
    ink: Ink

    def lines(self) -> Iterator[str]:
        yield from self._verdict()
        groups = open_groups(self.report)
        is_foldable = sum(len(it.findings) for it in groups) > _MANY
        for group in groups:
            yield ""
            yield from self._open(group, is_foldable=is_foldable)
        yield from self._unknown()
        yield from self._exempted()
        yield from self._past("RESOLVED", resolved_rows(self.report))
        yield from self._past("DRIFT", drift_rows(self.report))
        yield ""
        yield from self._counts()
        yield from self._unread()

    def _verdict(self) -> Iterator[str]:
        report = self.report
        head = f"{report.compliance.replace('_', ' ')}: "
        missing = incompleteness(report)
        said = f"{plain(report.project)}: {verdict(report)}" + (f" {missing}" if missing else "")
        first, *rest = hanging(head + said, self.width, "")
        yield self.ink.of(report.compliance, head) + self.ink.strong(first[len(head) :])
        yield from map(self.ink.strong, rest)

    def _open(self, group: Group, *, is_foldable: bool) -> Iterator[str]:
        shown, folded = fold(group.findings) if is_foldable else (group.findings, 0)
        heading = f"{group.severity.upper():8}  "
        scale = "" if len(group.findings) == 1 else f" ({len(group.findings):,})"
        yield self.ink.of(group.severity, heading) + self.ink.strong(group.control + scale)
        is_told = has_past(self.report)
        rows = [(plain(place(it)), plain(it.reason + (since(it) if is_told else ""))) for it in shown]
        yield from columns(rows, self.width)
        if folded:
            yield self.ink.faint(f"  and {folded:,} more; {ALL}")
        first = group.findings[0]
        if first.remediation:
            yield from hanging(f"  next: {plain(first.remediation)}", self.width, "        ")

    def _unknown(self) -> Iterator[str]:
        groups = unknown_groups(self.report)
        if not groups:
            return
        yield ""
        total = sum(map(len, groups))
        heading = f"NOT KNOWN ({total:,})"
        yield self.ink.of(Compliance.INSUFFICIENT_DATA, heading) + "  never taken for compliant"
        shown, folded = fold(groups)
        yield from columns([(plain(scope(it)), plain(it[0].reason)) for it in shown], self.width)
        if folded:
            yield self.ink.faint(f"  and {sum(map(len, groups[len(shown) :])):,} more; {ALL}")

    def _exempted(self) -> Iterator[str]:
        groups = exempted_groups(self.report)
        if not groups:
            return
        yield ""
        yield f"EXEMPTED ({self.report.summary.exempted:,})"
        shown, folded = fold(groups)
        rows: list[tuple[str, str]] = []
        for group in shown:
            if (exemption := group[0].exemption) is not None:
                until = f"until {exemption.expires}, {exemption.owner}: {exemption.reason}"
                rows.append((plain(scope(group)), plain(until)))
        yield from columns(rows, self.width)
        if folded:
            yield self.ink.faint(f"  and under {counted(folded, 'more exemption')}; {ALL}")

    def _past(self, title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
        if not rows:
            return
        yield ""
        yield self.ink.strong(f"{title} ({len(rows):,})")
        shown, folded = fold(rows)
        yield from columns([(plain(where), plain(text)) for where, text in shown], self.width)
        if folded:
            yield self.ink.faint(f"  and {folded:,} more; {ALL}")

    def _counts(self) -> Iterator[str]:
        report = self.report
        found, opened = report.summary.findings, report.summary.open
        coverage = report.summary.coverage_percent
        yield from columns(
            [
                ("open", ", ".join(f"{number:,} {severity}" for severity, number in opened.items())),
                *([("changes", changes_counted(report))] if has_past(report) else []),
                (
                    "findings",
                    ", ".join(f"{found[it]:,} {_WORDS[it]}" for it in _WORDS)
                    + f"; {report.summary.exempted:,} exempted",
                ),
                (
                    "coverage",
                    "none of what was read can be backed up"
                    if coverage is None
                    else f"{coverage:g} % of what can be backed up has an enabled schedule and a recent recovery point",
                ),
                ("read", read_so_much(report.inventory)),
                ("audited", f"{format_moment(report.observed_at)}, policy {plain(report.policy_source)}"),
            ],
            self.width,
        )

    def _unread(self) -> Iterator[str]:
        if self.report.is_complete:
            return
        yield ""
        yield self.ink.of(Compliance.INSUFFICIENT_DATA, f"COULD NOT BE READ ({len(self.report.unread):,})")
        for unread in self.report.unread[:_SHOWN_UNREAD]:
            yield from hanging(f"  {plain(unread.what)}: {plain(unread.error)}", self.width, "    ")
        if len(self.report.unread) > _SHOWN_UNREAD:
            yield self.ink.faint(f"  and {len(self.report.unread) - _SHOWN_UNREAD:,} more; {ALL}")
