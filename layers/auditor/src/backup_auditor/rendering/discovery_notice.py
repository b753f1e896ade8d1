"""A notice about the organization as text and as JSON: the first of many projects, and the number of the others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from backup_auditor.domain.discovery_notice import (
    UNREGISTERED_SEVERITY,
    AccountAlert,
    DiscoveryNotice,
    Resolution,
    UnregisteredProject,
)
from backup_auditor.domain.events import EventType
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.organization import AccountSubject
from backup_auditor.domain.outbox import FLEET, OutboxMessage
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.domain.text import join_names, pluralize
from backup_auditor.domain.timefmt import format_minute, format_moment
from backup_auditor.rendering.fleet import describe_unregistered_project
from backup_auditor.rendering.fleet_json import build_unregistered_project_json
from backup_auditor.rendering.text import escape_truncated, truncate

DISCOVER_COMMAND = "backup-auditor registry discover --registry FILE --table TABLE --format yaml"
"""Prints the entries of unregistered projects."""
NEXT_STEP = f"Register or ignore the project; {DISCOVER_COMMAND} prints the entry."
_MAX_NAME_LENGTH = 100
_MAX_TEXT_LENGTH = 1000
_MAX_ROW_LENGTH = 300
_RESOLUTIONS = {
    Resolution.REGISTERED: "Registered",
    Resolution.IGNORED: "Ignored",
    Resolution.GONE: "Gone from Pinecone",
}
_SUBJECTS = {AccountSubject.PAYMENT: "payment status", AccountSubject.PLAN: "plan"}

type Json = Mapping[str, object]


@dataclass(frozen=True)
class DiscoveryMessage:
    """One message about the organization, and the notice in it. The same values render to the same text."""

    message: OutboxMessage
    notice: DiscoveryNotice
    is_possible_duplicate: bool
    """Whether an earlier attempt may have arrived although it was not confirmed."""

    @property
    def severity(self) -> Severity:
        """The worst severity of what is new or open; when all is resolved, of what was."""
        notice = self.notice
        has_open = notice.kind is not NoticeKind.RESOLVED or bool(notice.open_projects or notice.open_alerts)
        projects = (*notice.new_projects, *notice.open_projects) if has_open else notice.resolved_projects
        alerts = (*notice.new_alerts, *notice.open_alerts) if has_open else notice.resolved_alerts
        severities = [UNREGISTERED_SEVERITY for _ in projects[:1]] + [it.severity for it in alerts]
        return max(severities, key=lambda it: it.rank)

    @property
    def title_parts(self) -> tuple[str, str, str]:
        """The status, the fleet and the change."""
        kind = self.notice.kind
        status = "RESOLVED" if kind is NoticeKind.RESOLVED else self.severity.upper()
        note = " (reminder)" if kind is NoticeKind.REMINDER else ""
        return status, FLEET.removeprefix("."), f"{', '.join(self._list_changes())}{note}"

    def _list_changes(self) -> Iterator[str]:
        notice = self.notice
        if notice.kind is NoticeKind.RESOLVED:
            if notice.resolved_projects:
                yield f"{pluralize(len(notice.resolved_projects), 'project')} registered, ignored or gone"
            yield from (f"{_SUBJECTS[it.subject]} in order" for it in notice.resolved_alerts[:2])
            return
        is_reminder = notice.kind is NoticeKind.REMINDER
        alerts = notice.open_alerts if is_reminder else notice.new_alerts
        payments = [it for it in alerts if it.subject is AccountSubject.PAYMENT]
        yield from (f"payment status {escape_truncated(it.value, _MAX_NAME_LENGTH)}" for it in payments[:1])
        projects = notice.open_projects if is_reminder else notice.new_projects
        if projects:
            yield f"{pluralize(len(projects), 'project')} unregistered"
        if len(alerts) > len(payments):
            yield "project.plan is not the plan of the organization"

    @property
    def title(self) -> str:
        """The title: status, fleet and change."""
        return ": ".join(self.title_parts)

    @property
    def advice(self) -> str:
        """What follows the title: the next step, then what it is about."""
        return " ".join(self._list_advice())

    def _list_advice(self) -> Iterator[str]:
        notice = self.notice
        for alert in (*notice.new_alerts, *notice.open_alerts)[:1]:
            yield escape_truncated(alert.text, _MAX_TEXT_LENGTH // 2)
        if notice.new_projects:
            yield f"Next: register or ignore each project; {DISCOVER_COMMAND} prints the entries."
            yield f"Nothing audits {_join_projects(notice.new_projects)}."
        for resolution, text in _RESOLUTIONS.items():
            projects = [it.project for it in notice.resolved_projects if it.resolution is resolution]
            if projects:
                yield f"{text}: {_join_projects(projects)}."
        for alert in notice.resolved_alerts[:1]:
            yield f"This no longer applies: {escape_truncated(alert.text, _MAX_TEXT_LENGTH // 2)}"
        if not notice.new_projects and notice.open_projects:
            names = _join_projects(notice.open_projects)
            yield f"Next: register or ignore {names}; {DISCOVER_COMMAND} prints the entries."

    @property
    def headline(self) -> str:
        """The most important line of the message."""
        return f"{self.title}. {self.advice}"

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """Everything that the notice is about, a line each, the news first."""
        notice = self.notice
        return (
            *(it.text for it in notice.new_alerts),
            *(f"New: {_describe_project(it)}" for it in notice.new_projects),
            *(f"{_RESOLUTIONS[it.resolution]}: {_label_project(it.project)}" for it in notice.resolved_projects),
            *(f"No longer: {it.text}" for it in notice.resolved_alerts),
            *(it.text for it in notice.open_alerts),
            *(f"Still unregistered: {_describe_project(it)}" for it in notice.open_projects),
        )

    def list_rows(self, row_limit: int) -> list[str]:
        """Return the first rows, each cut to a length, and the number of the others."""
        rows = [escape_truncated(it, _MAX_ROW_LENGTH) for it in self.rows[:row_limit]]
        rest_count = len(self.rows) - len(rows)
        return [*rows, f"{rest_count:,} more; registry discover lists all"] if rest_count else rows

    @property
    def footnotes(self) -> tuple[str, str]:
        """The small print: the time and the caveats, and the id of the message."""
        sentences = [f"As of {format_minute(self.notice.noticed_at)}."]
        sentences += (escape_truncated(it, _MAX_TEXT_LENGTH // 2) for it in self.notice.caveats)
        if self.is_possible_duplicate:
            sentences.append("Possible duplicate: an earlier delivery could not be confirmed.")
        return " ".join(sentences), f"Message {self.message.message_id}"


def _label_project(project: UnregisteredProject) -> str:
    return f"{truncate(project.name, _MAX_NAME_LENGTH)} ({project.project_id})"


def _describe_project(project: UnregisteredProject) -> str:
    return f"{_label_project(project)}, {describe_unregistered_project(project)}"


def _join_projects(projects: Iterable[UnregisteredProject]) -> str:
    return join_names(escape_truncated(it.name, _MAX_NAME_LENGTH) for it in projects)


def render_discovery_text(message: DiscoveryMessage, row_limit: int) -> str:
    """Write a message about the organization, one statement a line."""
    small_print, message_id = message.footnotes
    return "\n".join([message.headline, "", *message.list_rows(row_limit), "", small_print, message_id]) + "\n"


def build_discovery_json(message: DiscoveryMessage, row_limit: int) -> Json:
    """Return a message about the organization as a JSON object, with the keys of a digest where they apply."""
    notice = message.notice
    projects = [
        *(_build_project(it, "new") for it in notice.new_projects),
        *(_build_project(it.project, it.resolution) for it in notice.resolved_projects),
        *(_build_project(it, "open") for it in notice.open_projects),
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "message_id": message.message.message_id,
        "event": EventType.PROJECT_UNREGISTERED,
        "trigger": message.message.trigger,
        "possible_duplicate": message.is_possible_duplicate,
        "headline": message.headline,
        "project": FLEET,
        "observed_at": format_moment(notice.noticed_at),
        "compliance": Compliance.INSUFFICIENT_DATA,
        "severity": message.severity,
        "notice": notice.kind,
        "remediation": message.advice,
        "projects": projects[:row_limit],
        "omitted": max(len(projects) - row_limit, 0),
        "alerts": [
            *(_build_alert(it, "new") for it in notice.new_alerts[:row_limit]),
            *(_build_alert(it, "open") for it in notice.open_alerts[:row_limit]),
            *(_build_alert(it, "resolved") for it in notice.resolved_alerts[:row_limit]),
        ],
    }


def _build_project(project: UnregisteredProject, status: str) -> Json:
    return {"status": status, **build_unregistered_project_json(project, _MAX_ROW_LENGTH)}


def _build_alert(alert: AccountAlert, status: str) -> Json:
    return {
        "status": status,
        "subject": alert.subject,
        "value": truncate(alert.value, _MAX_ROW_LENGTH),
        "text": truncate(alert.text, _MAX_TEXT_LENGTH),
        "severity": alert.severity,
        "first_seen": format_moment(alert.first_seen),
    }
