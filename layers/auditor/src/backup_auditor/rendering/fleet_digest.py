"""The digest of the fleet as spans, as text and as JSON: what changed, what was not audited, and the page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from backup_auditor.domain.discovery_notice import UnregisteredProject
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.fleet_record import FleetComparison
from backup_auditor.domain.outbox import FLEET, OutboxMessage
from backup_auditor.domain.reporting.fleet import UnauditedProject, UnregisteredProjects
from backup_auditor.domain.reporting.fleet_changes import ProjectChange, ProjectResult, find_changes, list_results
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_minute, format_moment
from backup_auditor.rendering.digest import DigestRow, DigestSection, Span, SpanStyle
from backup_auditor.rendering.fleet import build_total_rows, describe_fleet, describe_unregistered_project
from backup_auditor.rendering.fleet_json import (
    FleetDocument,
    build_totals_json,
    build_unaudited_json,
    build_unregistered_json,
)
from backup_auditor.rendering.formats.json import build_stored_file_json
from backup_auditor.rendering.summary import COMPLIANCE_HEADINGS
from backup_auditor.rendering.text import escape_text, escape_truncated, truncate

FLEET_EVENT = "Backup Fleet Digest"
"""What a message calls itself for filter policies. The bus gets no such event."""
_MAX_NAME_LENGTH = 200
_MAX_TEXT_LENGTH = 500


@dataclass(frozen=True)
class FleetDigest:
    """The content of one message about the fleet. The same digest renders to the same text."""

    message: OutboxMessage
    comparison: FleetComparison
    current: FleetDocument
    previous: FleetDocument | None
    """The page of the digest before; `None` if there was none, or if the page has expired."""
    build_link: Callable[[str], str | None]
    """Returns the URL of a stored file."""
    is_possible_duplicate: bool

    @cached_property
    def changes(self) -> tuple[ProjectChange, ...]:
        """The projects whose results changed since the digest before. Without one, those that are not compliant."""
        if self.previous is not None:
            return tuple(find_changes(self.current.fleet, self.previous.fleet))
        results = list_results(self.current.fleet).items()
        return tuple(ProjectChange(name, None, it) for name, it in results if it.compliance is not Compliance.COMPLIANT)

    @property
    def compliance(self) -> Compliance:
        """The worst compliance. With a project that was not audited, or is unregistered, it is at best unknown."""
        counts, order = self.current.fleet.totals.compliance, (Compliance.NON_COMPLIANT, Compliance.INSUFFICIENT_DATA)
        worst = next((it for it in order if counts[it]), None)
        if worst is None and not self.current.fleet.is_completely_known:
            return Compliance.INSUFFICIENT_DATA
        return worst or Compliance.COMPLIANT

    @property
    def unregistered_projects(self) -> tuple[UnregisteredProject, ...]:
        """The projects of the organization that are unregistered, as far as that is known."""
        unregistered = self.current.fleet.unregistered
        return () if unregistered is None else unregistered.projects

    @property
    def severity(self) -> Severity | None:
        """The highest severity of the open findings."""
        return next((severity for severity, count in self.current.fleet.totals.open_counts.items() if count), None)

    @property
    def title_parts(self) -> tuple[str, str, str]:
        """The status, the fleet, and what changed."""
        status = {Compliance.COMPLIANT: "OK", Compliance.INSUFFICIENT_DATA: "UNKNOWN"}.get(self.compliance)
        if status is None:
            status = "OPEN" if self.severity is None else self.severity.upper()
        parts = [f"{pluralize(len(self.changes), 'project')} {'changed' if self.previous else 'not compliant'}"]
        if self.current.fleet.unaudited:
            parts.append(f"{len(self.current.fleet.unaudited):,} not audited")
        if self.unregistered_projects:
            parts.append(f"{len(self.unregistered_projects):,} unregistered")
        return status, "fleet", ", ".join(parts)

    @property
    def title(self) -> str:
        """The title: status, fleet and changes."""
        return ": ".join(self.title_parts)

    @property
    def advice(self) -> str:
        """What follows the title: the results of all projects."""
        return describe_fleet(self.current.fleet)

    @property
    def notes(self) -> tuple[str, ...]:
        """Other facts about the digest, a sentence each."""
        totals = "; ".join(f"{name} {text}" for name, text in build_total_rows(self.current.fleet))
        sentences = [
            f"Totals: {totals}.",
            f"Compared with the night of {format_minute(self.previous.night)}."
            if self.previous
            else "No previous digest to compare with.",
        ]
        if self.is_possible_duplicate:
            sentences.append("Possible duplicate: an earlier delivery could not be confirmed.")
        return tuple(sentences)

    @property
    def page(self) -> tuple[str, str | None]:
        """The location and the link of the page for people; without an HTML page, those of its document."""
        document = self.comparison.page.document
        location = (document.page or document).location
        return location, self.build_link(location)

    @property
    def footer(self) -> str:
        """The night, and where the page is."""
        return f"Night of {format_minute(self.current.night)}. Page: {self.page[0]}"


def build_fleet_sections(digest: FleetDigest, row_limit: int) -> tuple[DigestSection, ...]:
    """Return so many rows each of the changes, the projects not audited, the unregistered ones, and the warnings."""
    fleet = digest.current.fleet
    sections = (
        DigestSection(
            "Changed" if digest.previous else "Not compliant",
            tuple(_build_change_row(it, has_before=digest.previous is not None) for it in digest.changes[:row_limit]),
            len(digest.changes),
        ),
        DigestSection(
            "Not audited", tuple(map(_build_unaudited_row, fleet.unaudited[:row_limit])), len(fleet.unaudited)
        ),
        DigestSection(
            "Unregistered",
            tuple(map(_build_unregistered_row, digest.unregistered_projects[:row_limit])),
            len(digest.unregistered_projects),
        ),
        DigestSection(
            "Warnings",
            tuple(DigestRow(((Span(escape_truncated(it, _MAX_TEXT_LENGTH)),),)) for it in fleet.warnings[:row_limit]),
            len(fleet.warnings),
        ),
    )
    return tuple(it for it in sections if it.row_count)


def _build_change_row(change: ProjectChange, *, has_before: bool) -> DigestRow:
    before = f" (was: {_describe_result(change.before, 'not registered')})" if has_before else ""
    text = f": {_describe_result(change.after, 'no longer registered')}{before}"
    return DigestRow(((_build_name(change.name), Span(text)),))


def _build_unaudited_row(project: UnauditedProject) -> DigestRow:
    return DigestRow(((_build_name(project.name), Span(f": {escape_truncated(project.reason, _MAX_TEXT_LENGTH)}")),))


def _build_unregistered_row(project: UnregisteredProject) -> DigestRow:
    facts = f" ({project.project_id}): {describe_unregistered_project(project)}"
    return DigestRow(((_build_name(project.name), Span(escape_truncated(facts, _MAX_TEXT_LENGTH))),))


def _build_name(name: str) -> Span:
    return Span(escape_truncated(name, _MAX_NAME_LENGTH), SpanStyle.BOLD)


def _describe_result(result: ProjectResult | None, absent: str) -> str:
    """Return the result of a project in words."""
    if result is None:
        return absent
    if result.compliance is None:
        return "not audited"
    counts = ", ".join(f"{count:,} {severity}" for severity, count in result.open_counts.items() if count)
    heading = COMPLIANCE_HEADINGS[result.compliance].lower()
    return f"{heading}, {counts}" if counts else heading


def render_fleet_text(digest: FleetDigest, row_limit: int) -> str:
    """Write a digest of the fleet with at most so many rows under each title, one statement a line."""
    lines = [f"{digest.title}. {digest.advice}", "", *digest.notes]
    for section in build_fleet_sections(digest, row_limit):
        lines += ["", section.title.upper(), *map(str, section.rows)]
        rest = section.describe_rest(len(section.rows))
        if rest:
            lines.append(rest)
    return "\n".join([*lines, "", *_render_footer(digest)]) + "\n"


def render_fleet_summary(digest: FleetDigest) -> str:
    """Write the first line of a digest of the fleet, and the location of its page."""
    return "\n".join((f"{digest.title}. {digest.advice}", *digest.notes, *_render_footer(digest))) + "\n"


def _render_footer(digest: FleetDigest) -> Iterator[str]:
    yield escape_text(digest.footer)
    if digest.page[1]:
        yield f"      {digest.page[1]}"
    yield f"Message {digest.message.message_id}"


def build_fleet_digest_json(digest: FleetDigest, row_limit: int) -> Mapping[str, object]:
    """Return a digest of the fleet as a JSON object with at most so many rows of each kind."""
    fleet, document = digest.current.fleet, digest.comparison.page.document
    page = document.page and {
        **build_stored_file_json(document.page),
        "link": digest.build_link(document.page.location),
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "message_id": digest.message.message_id,
        "event": FLEET_EVENT,
        "trigger": digest.message.trigger,
        "possible_duplicate": digest.is_possible_duplicate,
        "headline": f"{digest.title}. {digest.advice}",
        "project": FLEET,
        "night": format_moment(digest.current.night),
        "revision": digest.current.revision,
        "previous_night": None if digest.previous is None else format_moment(digest.previous.night),
        "compliance": digest.compliance,
        "severity": digest.severity or "none",
        "totals": build_totals_json(fleet),
        "report": {**build_stored_file_json(document), "link": digest.build_link(document.location), "page": page},
        "changed": [_build_change_json(it) for it in digest.changes[:row_limit]],
        "not_audited": [
            {name: truncate(str(text), _MAX_TEXT_LENGTH) for name, text in build_unaudited_json(it).items()}
            for it in fleet.unaudited[:row_limit]
        ],
        **({} if fleet.unregistered is None else {"unregistered": _build_unregistered(fleet.unregistered, row_limit)}),
        "warnings": [truncate(it, _MAX_TEXT_LENGTH) for it in fleet.warnings[:row_limit]],
        "omitted": {
            "changed": _count_rest(digest.changes, row_limit),
            "not_audited": _count_rest(fleet.unaudited, row_limit),
            "unregistered": _count_rest(digest.unregistered_projects, row_limit),
            "warnings": _count_rest(fleet.warnings, row_limit),
        },
    }


def _build_unregistered(unregistered: UnregisteredProjects, row_limit: int) -> Mapping[str, object]:
    return build_unregistered_json(replace(unregistered, projects=unregistered.projects[:row_limit]))


def _build_change_json(change: ProjectChange) -> dict[str, object]:
    return {
        "project": truncate(change.name, _MAX_TEXT_LENGTH),
        "before": None if change.before is None else _build_result_json(change.before),
        "after": None if change.after is None else _build_result_json(change.after),
    }


def _build_result_json(result: ProjectResult) -> dict[str, object]:
    return {"compliance": result.compliance, "open": dict(result.open_counts)}


def _count_rest(rows: Sequence[object], row_limit: int) -> int:
    return max(0, len(rows) - row_limit)
