"""A digest as spans, as text and as JSON: its headline, advice and sections, and the link to the report."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.listing import ReadFailure
from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.remediation.plan import Proposal
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_minute, format_moment
from backup_auditor.rendering.formats.json import build_proposal_json, build_stored_file_json
from backup_auditor.rendering.grouping import build_finding_anchor, label_resource
from backup_auditor.rendering.summary import (
    COMPLETENESS_CONTROL,
    describe_incompleteness,
    describe_reads,
    describe_verdict,
)
from backup_auditor.rendering.text import escape_text, escape_truncated, format_json, truncate

_MAX_NAME_LENGTH = 200
_MAX_SENTENCE_LENGTH = 500
_MAX_TEXT_LENGTH = 1000
"""The limit for one text of a row: no name and no reason takes the room of all others."""


class SpanStyle(StrEnum):
    """How a channel that can format text shows a span."""

    BOLD = "bold"
    """The name of an index."""
    CODE = "code"
    """An id, a control or an API call."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line. The texts of all spans, joined, are the line as plain text."""

    text: str
    style: SpanStyle | None = None
    link: str | None = None
    """The URL of what the text names; plain text leaves it out."""


type Line = tuple[Span, ...]

_CODE_PATTERN = re.compile(
    r"\b(?:GET|POST|PUT|PATCH|DELETE) /[^\s,;]*[^\s,;.:)](?: (?:with|and) \{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})?"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
)
"""API calls and ids in the text of a reason or a remediation."""


def _split_code(text: str) -> Iterator[Span]:
    """Split a text at its API calls and ids, which become code."""
    position = 0
    for match in _CODE_PATTERN.finditer(text):
        yield Span(text[position : match.start()])
        yield Span(match[0], SpanStyle.CODE)
        position = match.end()
    yield Span(text[position:])


def join_spans(spans: Iterable[Span]) -> str:
    """Return spans as plain text."""
    return "".join(it.text for it in spans)


def format_headline(digest: Digest) -> str:
    """Return the most important line of a digest."""
    return f"{format_title(digest)}. {join_spans(build_advice(digest))}".rstrip()


def build_advice(digest: Digest) -> Line:
    """Return what follows the title: read errors, the worst finding, and what to do about it."""
    worst = find_worst(digest)
    incomplete_sentence = (
        None if worst is not None and worst.control == COMPLETENESS_CONTROL else describe_incompleteness(digest.report)
    )
    worst_line = _describe_worst(digest)
    if incomplete_sentence is None:
        return worst_line
    return (Span(incomplete_sentence), *((Span(" "), *worst_line) if worst_line else ()))


def format_title(digest: Digest) -> str:
    """Return the title: status, project and changes."""
    status, project, changes = format_title_parts(digest)
    return f"{status}: {project}: {changes}"


def format_title_parts(digest: Digest) -> tuple[str, str, str]:
    """Return the status, the project and the changes."""
    incomplete_note = "" if digest.report.is_complete else " (audit incomplete)"
    return (
        f"{_describe_status(digest)}{incomplete_note}",
        escape_truncated(digest.report.project, _MAX_NAME_LENGTH),
        _describe_changes(digest),
    )


def format_severity_counts(severities: Iterable[Severity]) -> str:
    """Count severities, the worst first: `1 critical, 3 high`."""
    counts = Counter(severities)
    return ", ".join(f"{counts[it]:,} {it}" for it in reversed(Severity) if counts[it])


def _describe_status(digest: Digest) -> str:
    view, worst = digest.view, find_worst(digest)
    if worst is not None:
        return worst.severity.upper()
    if view.resolved_findings:
        return "RESOLVED"
    return "OK" if view.is_all_clear else "UNKNOWN"


def find_worst(digest: Digest) -> Finding | None:
    """Return the worst opened finding, else the worst finding that is still open."""
    return next(iter(digest.view.opened_findings or digest.view.unresolved_findings), None)


def _describe_changes(digest: Digest) -> str:
    view = digest.view
    parts = []
    if view.opened_findings:
        reopened_count = sum(it.lifecycle == "reopened" for it in view.opened_findings)
        reopened_note = f" ({reopened_count:,} reopened)" if reopened_count else ""
        parts.append(
            f"{pluralize(len(view.opened_findings), 'finding')} opened{reopened_note}"
            f" on {_label_resources(view.opened_findings)}"
        )
    if view.resolved_findings:
        resource_clause = "" if view.opened_findings else f" on {_label_resources(view.resolved_findings)}"
        parts.append(f"{pluralize(len(view.resolved_findings), 'finding')} resolved{resource_clause}")
    if view.unresolved_findings and parts:
        parts.append(f"still open: {format_severity_counts(it.severity for it in view.unresolved_findings)}")
    elif view.unresolved_findings:
        parts.append(
            f"{pluralize(len(view.unresolved_findings), 'finding')} still open on"
            f" {_label_resources(view.unresolved_findings)}"
        )
    elif not view.opened_findings:
        severity = view.min_severity
        parts.append("no open findings" if severity is Severity.LOW else f"no open findings at or above {severity}")
    return "; ".join(parts)


def _label_resources(findings: Sequence[Finding] | Sequence[ResolvedFinding]) -> str:
    resources = {it.resource for it in findings}
    labels = {label_resource(it) for it in resources}
    if len(labels) == 1:
        return escape_truncated(labels.pop(), _MAX_NAME_LENGTH)
    is_index = all(it.type is ResourceType.INDEX for it in resources)
    return pluralize(len(labels), "index", "indexes") if is_index else pluralize(len(labels), "resource")


def _describe_worst(digest: Digest) -> Line:
    """Describe the worst finding, and what to do about it; empty if there is nothing to say."""
    view, worst = digest.view, find_worst(digest)
    if worst is not None:
        reason, next_step = (escape_truncated(it, _MAX_SENTENCE_LENGTH) for it in (worst.reason, worst.remediation))
        is_named = len(view.opened_findings) + len(view.unresolved_findings) == 1 and not view.resolved_findings
        label = () if is_named else (Span("First: "), *_build_label(worst.resource, _MAX_NAME_LENGTH), Span(": "))
        full_stop = "" if reason.endswith((".", "…")) else "."  # it may end with an error of the service
        return (*label, *_split_code(f"{reason}{full_stop}" + (f" Next: {next_step}" if next_step else "")))
    if view.unknown_findings:
        return (Span(f"{pluralize(len(view.unknown_findings), 'check')} could not be evaluated."),)
    if digest.report.compliance is Compliance.COMPLIANT:
        return (Span(describe_verdict(digest.report)),)
    return ()


def _build_label(resource: Resource, length: int = _MAX_TEXT_LENGTH) -> Line:
    """Name a resource as `label_resource` does: the name of an index is bold, the id of a deleted one is code."""
    label, name = escape_truncated(label_resource(resource), length), escape_truncated(resource.name, length)
    if resource.type is ResourceType.PROJECT or not label.startswith(name):
        return (Span(label),)
    suffix = label.removeprefix(name)
    start, resource_id, end = suffix.partition(escape_text(resource.id)) if resource.id else (suffix, "", "")
    return (Span(name, SpanStyle.BOLD), Span(start), Span(resource_id, SpanStyle.CODE), Span(end))


_MODE_DESCRIPTIONS = {"propose": "proposed only", "apply": "the policy applies it"}


@dataclass(frozen=True, slots=True)
class DigestRow:
    """One row: a line that names what it is about, and lines that explain it."""

    lines: tuple[Line, ...]
    finding: Finding | None = None
    """The finding that the row is about, if it is open or unknown."""

    def __str__(self) -> str:
        """Return the row as plain text: the lines after the first are indented."""
        return "\n  ".join(map(join_spans, self.lines))


@dataclass(frozen=True, slots=True)
class DigestSection:
    """Rows of one kind, the first of `row_count`. Titles and counts contain no text of others."""

    name: str
    rows: tuple[DigestRow, ...]
    row_count: int
    severities: tuple[Severity, ...] = ()
    """The severity of each row, those without a row here included; empty if rows of this kind have none."""

    @property
    def title(self) -> str:
        """The name, and the number of rows by severity."""
        return f"{self.name} ({self.row_count:,}{_describe_severities(self.severities)})"

    def describe_rest(self, shown_count: int) -> str:
        """Return the number of rows after the first `shown_count`, by severity; empty if there are none."""
        rest_count = self.row_count - shown_count
        return (
            f"And {rest_count:,} more{_describe_severities(self.severities[shown_count:])}." if rest_count > 0 else ""
        )


def build_sections(digest: Digest, row_limit: int) -> tuple[DigestSection, ...]:
    """Return the findings by what became of them, the proposals, read errors and warnings: so many rows of each."""
    view, report = digest.view, digest.report

    def build_findings_section(name: str, findings: Sequence[Finding]) -> DigestSection:
        rows = tuple(_build_finding_row(it, digest) for it in findings[:row_limit])
        return DigestSection(name, rows, len(findings), tuple(it.severity for it in findings))

    def build_section[Item](
        name: str, items: Sequence[Item], build_lines: Callable[[Item], tuple[Line, ...]]
    ) -> DigestSection:
        return DigestSection(name, tuple(DigestRow(build_lines(it)) for it in items[:row_limit]), len(items))

    sections = (
        build_findings_section("Opened", view.opened_findings),
        build_section("Resolved", view.resolved_findings, _build_resolved_lines),
        build_findings_section("Still open", view.still_open_findings),
        build_findings_section("Open before, unknown now", view.now_unknown_findings),
        build_section("Proposed", report.proposals or (), _build_proposal_lines),
        build_section("Read errors", report.read_failures, _build_read_error_lines),
        build_section("Warnings", report.warnings, lambda it: (tuple(_split_code(_shorten(it))),)),
    )
    return tuple(it for it in sections if it.row_count)


def _describe_severities(severities: Sequence[Severity]) -> str:
    return f": {format_severity_counts(severities)}" if severities else ""


def list_notes(digest: Digest) -> tuple[str, ...]:
    """Return other facts about the audit, a sentence each, without text of others."""
    report, view = digest.report, digest.view
    sentences = []
    if digest.is_possible_duplicate:
        sentences.append("Possible duplicate: an earlier delivery could not be confirmed.")
    hidden_count = sum(report.summary.open.values()) - len(view.open_findings)
    if hidden_count:
        sentences.append(f"{pluralize(hidden_count, 'open finding')} below {view.min_severity} not listed here.")
    new_unknown_count = len(view.unknown_findings) - len(view.now_unknown_findings)
    if new_unknown_count:
        sentences.append(
            pluralize(new_unknown_count, "further check" if view.now_unknown_findings else "check")
            + " could not be evaluated."
        )
    if report.summary.exempted:
        sentences.append(f"Accepted by exemptions: {pluralize(report.summary.exempted, 'finding')}.")
    if report.drift:
        sentences.append(
            f"{pluralize(len(report.drift), 'setting')} changed since the last complete audit; the report names them."
        )
    return tuple(sentences)


def _build_finding_row(finding: Finding, digest: Digest) -> DigestRow:
    head = (
        Span(f"{finding.severity.upper()} "),
        *_build_label(finding.resource),
        Span(": "),
        Span(_shorten(finding.control), SpanStyle.CODE, _build_finding_link(finding, digest)),
        Span(_format_since(finding, digest)),
    )
    next_lines = (tuple(_split_code(f"Next: {_shorten(finding.remediation)}")),) if finding.remediation else ()
    return DigestRow((head, tuple(_split_code(_shorten(finding.reason))), *next_lines), finding)


def _build_finding_link(finding: Finding, digest: Digest) -> str | None:
    """Return the URL of a finding on the page; `None` if there is none: the console does not pass a fragment on."""
    if digest.page_link is None or _is_console_link(digest.page_link):
        return None
    return f"{digest.page_link}#{build_finding_anchor(finding)}"


def _format_since(finding: Finding, digest: Digest) -> str:
    if finding.first_seen is None or finding.lifecycle == "new":
        return ""
    day = finding.first_seen.date()
    if finding.lifecycle == "reopened":
        return f" (reopened, first seen {day})"
    return f" (since {day}; reminder)" if digest.is_reminder(finding) else f" (since {day})"


def _build_resolved_lines(resolved: ResolvedFinding) -> tuple[Line, ...]:
    head = (
        *_build_label(resolved.resource),
        Span(": "),
        Span(_shorten(resolved.control), SpanStyle.CODE),
        Span(f" (was {resolved.severity})"),
    )
    return head, tuple(_split_code(_shorten(resolved.reason)))


def _build_proposal_lines(proposal: Proposal) -> tuple[Line, ...]:
    index = Span(_shorten(proposal.index), SpanStyle.BOLD)
    call = f"{proposal.method} {_shorten(proposal.path)} {_shorten(format_json(dict(proposal.body)))}"
    return (
        (index, Span(f": {proposal.kind.label} ({_MODE_DESCRIPTIONS[proposal.mode]})")),
        tuple(_split_code(_shorten(proposal.reason))),
        (Span(call, SpanStyle.CODE),),
    )


def _build_read_error_lines(failure: ReadFailure) -> tuple[Line, ...]:
    return ((Span(_shorten(failure.call), SpanStyle.CODE), Span(f": {_shorten(failure.error)}")),)


def _shorten(text: str) -> str:
    return escape_truncated(text, _MAX_TEXT_LENGTH)


_S3_SCHEME = "s3://"
_CONSOLE_HOSTS = (("cn-", "console.amazonaws.cn"), ("us-gov-", "console.amazonaws-us-gov.com"))
"""The consoles of the partitions that have their own, by the start of the names of their regions."""
_DEFAULT_CONSOLE_HOST = "console.aws.amazon.com"


def build_report_link(location: str, region: str, base_url: str | None = None) -> str | None:
    """Return the URL of a stored file under a base URL, else in the console of a region; `None` if it is not on S3."""
    if not location.startswith(_S3_SCHEME):
        return None
    bucket, _, key = location.removeprefix(_S3_SCHEME).partition("/")
    if base_url is not None:
        return f"{base_url.rstrip('/')}/{quote(key)}"
    host = next(
        (host for region_prefix, host in _CONSOLE_HOSTS if region.startswith(region_prefix)), _DEFAULT_CONSOLE_HOST
    )
    return f"https://{host}/s3/object/{quote(bucket)}?region={quote(region)}&prefix={quote(key)}"


def _is_console_link(link: str) -> bool:
    hosts = (_DEFAULT_CONSOLE_HOST, *(host for _, host in _CONSOLE_HOSTS))
    return link.startswith(tuple(f"https://{it}/" for it in hosts))


def find_readable_report(digest: Digest) -> tuple[str, str | None]:
    """Return the location and the link of a report for people: its page, else the report itself."""
    stored_report = digest.stored_report
    if stored_report.page:
        return stored_report.page.location, digest.page_link
    return stored_report.location, digest.report_link


def render_digest_text(digest: Digest, row_limit: int) -> str:
    """Write a digest with at most so many rows under each title, one statement a line."""
    lines = [format_headline(digest)]
    sentences = list_notes(digest)
    if sentences:
        lines += ["", *sentences]
    for section in build_sections(digest, row_limit):
        lines += ["", section.title.upper(), *map(str, section.rows)]
        rest = section.describe_rest(len(section.rows))
        if rest:
            lines.append(rest)
    return "\n".join([*lines, "", *_render_footer(digest)]) + "\n"


def render_digest_summary(digest: Digest) -> str:
    """Write the first line of a digest, and the location of the report."""
    return "\n".join((format_headline(digest), *list_notes(digest), *_render_footer(digest))) + "\n"


def _render_footer(digest: Digest) -> Iterator[str]:
    report = digest.report
    location, link = find_readable_report(digest)
    yield f"Audited {format_minute(report.observed_at)}: {describe_reads(report.inventory)}."
    yield f"Report: {escape_text(location)}"
    if link:
        yield f"        {link}"
    yield f"Audit {escape_text(report.audit_id)}, message {digest.message.message_id}"


def build_digest_json(digest: Digest, row_limit: int) -> Mapping[str, object]:
    """Return a digest as a JSON object with at most so many rows of each kind, the worst opened finding first."""
    view, message, report = digest.view, digest.message, digest.report
    findings, proposals = (*view.opened_findings, *view.unresolved_findings), report.proposals or ()
    stored_report = digest.stored_report
    page = stored_report.page and {**build_stored_file_json(stored_report.page), "link": digest.page_link}
    return {
        "schema_version": SCHEMA_VERSION,
        "message_id": message.message_id,
        "event": digest.event_type,
        "trigger": message.trigger,
        "possible_duplicate": digest.is_possible_duplicate,
        "headline": format_headline(digest),
        "project": truncate(report.project, _MAX_TEXT_LENGTH),
        "audit_id": report.audit_id,
        "observed_at": format_moment(report.observed_at),
        "complete": report.is_complete,
        "compliance": report.compliance,
        "severity": digest.severity or "none",
        "min_severity": view.min_severity,
        "opened": sum(it.lifecycle == "new" for it in view.opened_findings),
        "reopened": sum(it.lifecycle == "reopened" for it in view.opened_findings),
        "resolved": len(view.resolved_findings),
        "open": {it: sum(finding.severity is it for finding in view.open_findings) for it in reversed(Severity)},
        "previously_open_now_unknown": len(view.now_unknown_findings),
        "read_error_count": len(report.read_failures),
        "report": {**build_stored_file_json(stored_report), "link": digest.report_link, "page": page},
        "findings": [_build_finding(it, digest) for it in findings[:row_limit]],
        "resolved_findings": [_build_resolved(it) for it in view.resolved_findings[:row_limit]],
        **({"proposals": [build_proposal_json(it) for it in proposals[:row_limit]]} if proposals else {}),
        "read_errors": [
            {"call": truncate(it.call, _MAX_TEXT_LENGTH), "error": truncate(it.error, _MAX_TEXT_LENGTH)}
            for it in report.read_failures[:row_limit]
        ],
        **(
            {"warnings": [truncate(it, _MAX_TEXT_LENGTH) for it in report.warnings[:row_limit]]}
            if report.warnings
            else {}
        ),
        "omitted": {
            "findings": _count_rest(findings, row_limit),
            "resolved_findings": _count_rest(view.resolved_findings, row_limit),
            **({"proposals": _count_rest(proposals, row_limit)} if proposals else {}),
            "read_errors": _count_rest(report.read_failures, row_limit),
            **({"warnings": _count_rest(report.warnings, row_limit)} if report.warnings else {}),
        },
    }


def build_short_resource_json(resource: Resource) -> Mapping[str, str | None]:
    """Return a resource as reports have it."""
    return {
        "type": resource.type,
        "project": truncate(resource.project, _MAX_TEXT_LENGTH),
        "name": truncate(resource.name, _MAX_TEXT_LENGTH),
        "id": None if resource.id is None else truncate(resource.id, _MAX_TEXT_LENGTH),
    }


def _build_finding(finding: Finding, digest: Digest) -> Mapping[str, object]:
    return {
        "control": finding.control,
        "resource": build_short_resource_json(finding.resource),
        "compliance": finding.compliance,
        "severity": finding.severity,
        "reason": truncate(finding.reason, _MAX_TEXT_LENGTH),
        "remediation": truncate(finding.remediation, _MAX_TEXT_LENGTH),
        "fingerprint": finding.fingerprint,
        "lifecycle": finding.lifecycle,
        "first_seen": format_moment(finding.first_seen) if finding.first_seen else None,
        "is_reminder": digest.is_reminder(finding),
    }


def _build_resolved(resolved: ResolvedFinding) -> Mapping[str, object]:
    return {
        "control": resolved.control,
        "resource": build_short_resource_json(resolved.resource),
        "severity": resolved.severity,
        "fingerprint": resolved.fingerprint,
        "first_seen": format_moment(resolved.first_seen),
        "resolved_at": format_moment(resolved.resolved_at),
        "reason": truncate(resolved.reason, _MAX_TEXT_LENGTH),
    }


def _count_rest(rows: Sequence[object], row_limit: int) -> int:
    return max(0, len(rows) - row_limit)
