"""A digest as text and as JSON: its headline, advice and sections, and the link to the report."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from backup_auditor.domain.finding import Compliance, Finding, Resource, ResourceType, Severity
from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.project_state import ResolvedFinding
from backup_auditor.domain.remediation.plan import Proposal
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_minute, format_moment
from backup_auditor.rendering.formats.json import build_proposal_json, build_stored_file_json
from backup_auditor.rendering.grouping import label_finding, label_resource
from backup_auditor.rendering.summary import (
    COMPLETENESS_CONTROL,
    describe_incompleteness,
    describe_reads,
    describe_verdict,
)
from backup_auditor.rendering.text import escape_text, escape_truncated, format_json, truncate

_MAX_NAME_LENGTH = 200
_MAX_SENTENCE_LENGTH = 500


def format_headline(digest: Digest) -> str:
    """Return the most important line of a digest."""
    return f"{format_title(digest)}. {format_advice(digest)}".rstrip()


def format_advice(digest: Digest) -> str:
    """Return what follows the title: read errors, the worst finding, and what to do about it."""
    worst = _find_worst(digest)
    incomplete_sentence = (
        None if worst is not None and worst.control == COMPLETENESS_CONTROL else describe_incompleteness(digest.report)
    )
    return " ".join(it for it in (incomplete_sentence, _describe_worst(digest)) if it)


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


def format_severity_counts(findings: Iterable[Finding]) -> str:
    """Count findings by severity, the worst first: `1 critical, 3 high`."""
    counts = Counter(it.severity for it in findings)
    return ", ".join(f"{counts[it]:,} {it}" for it in reversed(Severity) if counts[it])


def _describe_status(digest: Digest) -> str:
    view, worst = digest.view, _find_worst(digest)
    if worst is not None:
        return worst.severity.upper()
    if view.resolved_findings:
        return "RESOLVED"
    return "OK" if view.is_all_clear else "UNKNOWN"


def _find_worst(digest: Digest) -> Finding | None:
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
        parts.append(f"still open: {format_severity_counts(view.unresolved_findings)}")
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


def _describe_worst(digest: Digest) -> str:
    """Describe the worst finding, and what to do about it."""
    view, worst = digest.view, _find_worst(digest)
    if worst is not None:
        reason, next_step = (escape_truncated(it, _MAX_SENTENCE_LENGTH) for it in (worst.reason, worst.remediation))
        is_named = len(view.opened_findings) + len(view.unresolved_findings) == 1 and not view.resolved_findings
        prefix = "" if is_named else f"First: {escape_truncated(label_finding(worst), _MAX_NAME_LENGTH)}: "
        full_stop = "" if reason.endswith((".", "…")) else "."  # it may end with an error of the service
        return f"{prefix}{reason}{full_stop}" + (f" Next: {next_step}" if next_step else "")
    if view.unknown_findings:
        return f"{pluralize(len(view.unknown_findings), 'check')} could not be evaluated."
    if digest.report.compliance is Compliance.COMPLIANT:
        return describe_verdict(digest.report)
    return ""


_MAX_TEXT_LENGTH = 1000
"""The limit for one text of a row: no name and no reason takes the room of all others."""

_MODE_DESCRIPTIONS = {"propose": "proposed only", "apply": "the policy applies it"}


@dataclass(frozen=True, slots=True)
class DigestSection:
    """Rows of one kind. The title and the rest contain no text of others."""

    title: str
    rows: tuple[str, ...]
    rest: str = ""
    """The number of omitted rows, by severity; empty if all are shown."""


def build_sections(digest: Digest, row_limit: int) -> tuple[DigestSection, ...]:
    """Return the findings by what became of them, the proposals, read errors and warnings: so many rows of each."""
    view, report = digest.view, digest.report

    def build_findings_section(title: str, findings: Sequence[Finding]) -> DigestSection | None:
        return _build_section(title, findings, lambda it: _format_finding(it, digest), row_limit, _describe_severities)

    optional_sections = (
        build_findings_section("Opened", view.opened_findings),
        _build_section("Resolved", view.resolved_findings, _format_resolved, row_limit),
        build_findings_section("Still open", view.still_open_findings),
        build_findings_section("Open before, unknown now", view.now_unknown_findings),
        _build_section("Proposed", report.proposals or (), _format_proposal, row_limit),
        _build_section(
            "Read errors", report.read_failures, lambda it: f"{_shorten(it.call)}: {_shorten(it.error)}", row_limit
        ),
        _build_section("Warnings", report.warnings, _shorten, row_limit),
    )
    return tuple(it for it in optional_sections if it is not None)


def _build_section[Row](
    title: str,
    rows: Sequence[Row],
    format_row: Callable[[Row], str],
    row_limit: int,
    describe_rows: Callable[[Sequence[Row]], str] = lambda _: "",
) -> DigestSection | None:
    if not rows:
        return None
    rest = rows[row_limit:]
    return DigestSection(
        f"{title} ({len(rows):,}{describe_rows(rows)})",
        tuple(map(format_row, rows[:row_limit])),
        f"And {len(rest):,} more{describe_rows(rest)}." if rest else "",
    )


def _describe_severities(findings: Sequence[Finding]) -> str:
    return f": {format_severity_counts(findings)}"


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


def _format_finding(finding: Finding, digest: Digest) -> str:
    resource = _shorten(label_finding(finding))
    head = f"{finding.severity.upper()} {resource}: {_shorten(finding.control)}{_format_since(finding, digest)}"
    lines = [head, f"  {_shorten(finding.reason)}"]
    if finding.remediation:
        lines.append(f"  Next: {_shorten(finding.remediation)}")
    return "\n".join(lines)


def _format_since(finding: Finding, digest: Digest) -> str:
    if finding.first_seen is None or finding.lifecycle == "new":
        return ""
    day = finding.first_seen.date()
    if finding.lifecycle == "reopened":
        return f" (reopened, first seen {day})"
    return f" (since {day}; reminder)" if digest.is_reminder(finding) else f" (since {day})"


def _format_resolved(resolved: ResolvedFinding) -> str:
    resource, control = _shorten(label_resource(resolved.resource)), _shorten(resolved.control)
    return f"{resource}: {control} (was {resolved.severity})\n  {_shorten(resolved.reason)}"


def _format_proposal(proposal: Proposal) -> str:
    return (
        f"{_shorten(proposal.index)}: {proposal.kind.label} ({_MODE_DESCRIPTIONS[proposal.mode]})\n "
        f" {_shorten(proposal.reason)}\n"
        f"  {proposal.method} {_shorten(proposal.path)} {_shorten(format_json(dict(proposal.body)))}"
    )


def _shorten(text: str) -> str:
    return escape_truncated(text, _MAX_TEXT_LENGTH)


_S3_SCHEME = "s3://"
_CONSOLE_HOSTS = (("cn-", "console.amazonaws.cn"), ("us-gov-", "console.amazonaws-us-gov.com"))
"""The consoles of the partitions that have their own, by the start of the names of their regions."""


def build_report_link(location: str, region: str) -> str | None:
    """Return the address of a stored file in the console of a region; `None` if it is not on S3."""
    if not location.startswith(_S3_SCHEME):
        return None
    bucket, _, key = location.removeprefix(_S3_SCHEME).partition("/")
    host = next(
        (host for region_prefix, host in _CONSOLE_HOSTS if region.startswith(region_prefix)), "console.aws.amazon.com"
    )
    return f"https://{host}/s3/object/{quote(bucket)}?region={quote(region)}&prefix={quote(key)}"


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
        lines += ["", section.title.upper(), *section.rows]
        if section.rest:
            lines.append(section.rest)
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
