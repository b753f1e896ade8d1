"""The report for a person at a terminal: the verdict, the worst findings with the next step, then the counts."""

from collections.abc import Iterator
from dataclasses import dataclass

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.text import pluralize
from backup_auditor.rendering.grouping import (
    IN_FULL,
    Group,
    exempted_groups,
    fold,
    open_groups,
    resource_label,
    scope,
    unknown_groups,
)
from backup_auditor.rendering.summary import (
    count_rows,
    delta,
    drift_rows,
    first_step,
    has_past,
    incompleteness,
    resolved_rows,
    since,
    verdict,
)
from backup_auditor.rendering.text import Style, columns, escape_text, hanging

_MANY = 100
"""How many open findings are shown one by one."""
_SHOWN_UNREAD = 10


def render_table(
    report: Report, *, width: int = 100, is_coloured: bool = False, in_full: str = IN_FULL
) -> Iterator[str]:
    """Write a report as lines of text of at most `width` columns of a terminal.

    `in_full` is the command that shows what is folded.
    """
    return _Table(report, max(width, 40), Style(is_coloured), in_full).lines()


@dataclass(frozen=True, slots=True)
class _Table:
    report: Report
    width: int
    ink: Style
    in_full: str

    def lines(self) -> Iterator[str]:
        yield from self._verdict()
        yield from self._lead()
        groups = open_groups(self.report)
        is_foldable = sum(len(it.findings) for it in groups) > _MANY
        for group in groups:
            yield ""
            yield from self._open(group, is_foldable=is_foldable)
        yield from self._unknown()
        yield from self._warnings()
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
        said = f"{escape_text(report.project)}: {verdict(report)}" + (f" {missing}" if missing else "")
        first, *rest = hanging(head + said, self.width, "")
        yield self.ink.of(report.compliance, head) + self.ink.strong(first[len(head) :])
        yield from map(self.ink.strong, rest)

    def _lead(self) -> Iterator[str]:
        told = (("first", first_step(self.report)), ("changes", delta(self.report)))
        yield from columns([(label, escape_text(text)) for label, text in told if text is not None], self.width)

    def _folded(self, more: str) -> Iterator[str]:
        yield from map(self.ink.faint, hanging(f"  and {more}; all: {self.in_full}", self.width, "    "))

    def _open(self, group: Group, *, is_foldable: bool) -> Iterator[str]:
        shown, folded = fold(group.findings) if is_foldable else (group.findings, 0)
        heading = f"{group.severity.upper():8}  "
        scale = "" if len(group.findings) == 1 else f" ({len(group.findings):,})"
        first, *rest = hanging(heading + group.control + scale, self.width, "  ")
        yield self.ink.of(group.severity, first[: len(heading)]) + self.ink.strong(first[len(heading) :])
        yield from map(self.ink.strong, rest)
        is_told = has_past(self.report)
        rows = [
            (escape_text(resource_label(it)), escape_text(it.reason + (since(it) if is_told else ""))) for it in shown
        ]
        yield from columns(rows, self.width)
        if folded:
            yield from self._folded(f"{folded:,} more")
        next_step = group.findings[0].remediation
        if next_step:
            yield from hanging(f"  next: {escape_text(next_step)}", self.width, "        ")

    def _unknown(self) -> Iterator[str]:
        groups = unknown_groups(self.report)
        if not groups:
            return
        yield ""
        total = sum(map(len, groups))
        heading = f"NOT KNOWN ({total:,})"
        first, *rest = hanging(f"{heading}  never taken for compliant", self.width, "  ")
        yield self.ink.of(Compliance.INSUFFICIENT_DATA, heading) + first[len(heading) :]
        yield from rest
        shown, folded = fold(groups)
        yield from columns([(escape_text(scope(it)), escape_text(it[0].reason)) for it in shown], self.width)
        if folded:
            yield from self._folded(f"{sum(map(len, groups[len(shown) :])):,} more")

    def _warnings(self) -> Iterator[str]:
        if not self.report.warnings:
            return
        yield ""
        yield self.ink.strong(f"WARNINGS ({len(self.report.warnings):,})")
        shown, folded = fold(self.report.warnings)
        for sentence in shown:
            yield from hanging(f"  {escape_text(sentence)}", self.width, "    ")
        if folded:
            yield from self._folded(f"{folded:,} more")

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
                rows.append((escape_text(scope(group)), escape_text(until)))
        yield from columns(rows, self.width)
        if folded:
            yield from self._folded(f"under {pluralize(folded, 'more exemption')}")

    def _past(self, title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
        if not rows:
            return
        yield ""
        yield self.ink.strong(f"{title} ({len(rows):,})")
        shown, folded = fold(rows)
        yield from columns([(escape_text(where), escape_text(text)) for where, text in shown], self.width)
        if folded:
            yield from self._folded(f"{folded:,} more")

    def _counts(self) -> Iterator[str]:
        yield from columns([(label, escape_text(text)) for label, text in count_rows(self.report)], self.width)

    def _unread(self) -> Iterator[str]:
        if self.report.is_complete:
            return
        yield ""
        yield self.ink.of(Compliance.INSUFFICIENT_DATA, f"COULD NOT BE READ ({len(self.report.unread):,})")
        for unread in self.report.unread[:_SHOWN_UNREAD]:
            yield from hanging(f"  {escape_text(unread.what)}: {escape_text(unread.error)}", self.width, "    ")
        if len(self.report.unread) > _SHOWN_UNREAD:
            yield from self._folded(f"{len(self.report.unread) - _SHOWN_UNREAD:,} more")
