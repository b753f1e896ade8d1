"""Why an index was judged as it was: the facts, the rule that applied, and every verdict with its arithmetic."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backup_auditor.domain.finding import Finding
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.moments import format_moment
from backup_auditor.domain.telling import timeline_of
from backup_auditor.rendering.index_facts import backup_rows, index_rows, run_rows, schedule_rows
from backup_auditor.rendering.ink import Ink
from backup_auditor.rendering.requirements import requirement_rows
from backup_auditor.rendering.since import since
from backup_auditor.rendering.text import format_json, plain
from backup_auditor.rendering.timeline_text import timeline_lines
from backup_auditor.rendering.wrapping import columns, hanging


def render_explanation(
    subject: IndexSubject, findings: Iterable[Finding], *, width: int = 100, is_coloured: bool = False
) -> Iterator[str]:
    """Explain the verdicts on one index as lines of text of at most `width` columns of a terminal."""
    page = _Page(max(width, 40), Ink(is_coloured))
    inventory, policy = subject.project.inventory, subject.project.policy
    yield from page.heading(f"{subject.name} in {inventory.project}, at {format_moment(subject.observed_at)}")
    yield from page.section("Facts", index_rows(subject))
    yield from page.section("Schedules", schedule_rows(subject))
    yield from page.section("Backups", backup_rows(subject))
    yield from page.section("Runs", run_rows(subject))
    if subject.unsupported is None:
        yield ""
        yield from timeline_lines(timeline_of(subject), subject.observed_at, page.width, page.ink)
    yield from page.section(f"Required by {policy.source}", requirement_rows(subject))
    yield ""
    yield page.ink.strong("Verdicts")
    for finding in findings:
        yield from page.verdict(finding)


@dataclass(frozen=True, slots=True)
class _Page:
    width: int
    ink: Ink

    def section(self, title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
        yield ""
        yield from self.heading(title)
        yield from columns([(plain(label), plain(text)) for label, text in rows], self.width)

    def heading(self, text: str) -> Iterator[str]:
        yield from map(self.ink.strong, hanging(plain(text), self.width, "  "))

    def verdict(self, finding: Finding) -> Iterator[str]:
        verdict = f"  {finding.compliance.replace('_', ' ')}"
        severity = f" {finding.severity}" if finding.remediation else ""
        first, *rest = hanging(f"{verdict}{severity}  {finding.control}{since(finding)}", self.width, "    ")
        strong = self.ink.strong(finding.control)
        yield self.ink.of(finding.compliance, verdict) + first[len(verdict) :].replace(finding.control, strong)
        yield from (it.replace(finding.control, strong) for it in rest)
        indent = " " * 6
        yield from hanging(indent + plain(finding.reason), self.width, indent)
        figures = ", ".join(f"{name} = {_value(value)}" for name, value in finding.evidence.items())
        if figures:
            yield from map(self.ink.faint, hanging(indent + plain(figures), self.width, indent))
        if finding.remediation:
            yield from hanging(f"{indent}next: {plain(finding.remediation)}", self.width, indent)
        if finding.exemption is not None:
            accepted = finding.exemption
            text = f"{indent}accepted until {accepted.expires} by {accepted.owner}: {accepted.reason}"
            yield from hanging(plain(text), self.width, indent)


def _value(value: object) -> str:
    return value if isinstance(value, str) else format_json(value)
