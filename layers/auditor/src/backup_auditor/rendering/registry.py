"""A registry for people and machines: the settings of an entry, and the projects of an organization beside its own."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from backup_auditor.domain.discovery import DiscoveredProject, Discovery, ProjectStatus, choose_entry_names
from backup_auditor.domain.identifiers import to_variable_part
from backup_auditor.domain.organization import Organization
from backup_auditor.domain.outbox import Channel
from backup_auditor.domain.registry import IgnoredProject, RegisteredProject, Registry
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_moment
from backup_auditor.rendering.text import escape_text, format_columns, format_json, wrap_text

_MAX_ROWS = 20
"""The limit of projects of one status in the table."""
_MAX_WIDTH = 80
_KEY_VARIABLE_PREFIX = "PINECONE_API_KEY_"


def render_discovery_table(discovery: Discovery, width: int) -> Iterator[str]:
    """Show the organizations, the counts, and the projects by status; of many projects of a status the first ones."""
    width = min(width, _MAX_WIDTH)
    for organization in discovery.organizations:
        yield from wrap_text(_describe_organization(organization), width, "  ")
    counts = [f"{len(discovery.list_projects(it)):,} {it.label}" for it in ProjectStatus if discovery.list_projects(it)]
    yield from wrap_text(", ".join(counts) or "no project", width, "  ")
    for status in ProjectStatus:
        projects = discovery.list_projects(status)
        if projects:
            yield ""
            yield f"{status.label}:"
            yield from format_columns([_format_row(it) for it in projects[:_MAX_ROWS]], width)
        if len(projects) > _MAX_ROWS:
            yield f"  {len(projects) - _MAX_ROWS:,} more; --format json lists all"
    for text in list_discovery_notes(discovery):
        yield ""
        yield from wrap_text(escape_text(text), width, "  ")
    if discovery.list_projects(ProjectStatus.UNREGISTERED):
        yield ""
        text = "next: register or ignore each unregistered project; --format yaml prints entries for the registry"
        yield from wrap_text(text, width, "  ")


def list_discovery_notes(discovery: Discovery) -> Iterator[str]:
    """Return what was not read, and the warnings."""
    yield from (f"not read: {it}" for it in discovery.read_failures)
    yield from (f"warning: {it}" for it in discovery.warnings)


def _describe_organization(organization: Organization) -> str:
    plan, payment_status = organization.plan or "unknown", organization.payment_status or "unknown"
    return escape_text(f"organization {organization.name}: plan {plan}, payment status {payment_status}")


def _format_row(project: DiscoveredProject) -> tuple[str, str]:
    created_at = project.project.created_at if project.project and project.entry is None else None
    texts = (project.project_id, created_at and f"created {created_at.date()}", project.detail)
    return escape_text(project.label), escape_text("; ".join(it for it in texts if it))


def render_discovery_json(discovery: Discovery, observed_at: datetime) -> str:
    """Show everything as one JSON document."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "observed_at": format_moment(observed_at),
        "complete": discovery.is_complete,
        "summary": {str(it): len(discovery.list_projects(it)) for it in ProjectStatus},
        "organizations": [
            {"id": it.organization_id, "name": it.name, "plan": it.plan, "payment_status": it.payment_status}
            for it in discovery.organizations
        ],
        "projects": [_build_project(it) for it in discovery.projects],
        "read_errors": [{"call": it.call, "error": it.error} for it in discovery.read_failures],
        "warnings": list(discovery.warnings),
    }
    return json.dumps(document, indent=1)


def _build_project(row: DiscoveredProject) -> dict[str, object]:
    created_at = row.project.created_at if row.project else None
    return {
        "status": row.status,
        "id": row.project_id,
        "name": row.name,
        "entry": row.entry,
        "organization_id": row.project.organization_id if row.project else None,
        "created_at": created_at and format_moment(created_at),
        "detail": row.detail,
        "ignored": row.ignored and _build_ignored(row.ignored),
    }


def _build_ignored(ignored: IgnoredProject) -> dict[str, str]:
    return {"owner": ignored.owner, "reason": ignored.reason, "expires": ignored.expires.isoformat()}


def render_discovery_yaml(discovery: Discovery, registry: Registry | None) -> Iterator[str]:
    """Show an entry for each unregistered project; without a registry, a whole one. No key is in it."""
    rows = discovery.list_projects(ProjectStatus.UNREGISTERED)
    if not rows:
        yield "# no project is unregistered" if discovery.has_listed else "# no project was listed"
        return
    if registry is None:
        yield "version: 1"
        yield "defaults:"
        yield f"  key_env: {format_json(f'{_KEY_VARIABLE_PREFIX}{{NAME}}')}"
        yield "projects:"
    else:
        yield f"# {pluralize(len(rows), 'entry', 'entries')} for projects in {escape_text(registry.source)}"
    yield from _format_entries(rows, registry or Registry((), has_default_key=True))


def _format_entries(rows: Sequence[DiscoveredProject], registry: Registry) -> Iterator[str]:
    """Yield the entries, with a comment before each that a person has to check."""
    projects = [it.project for it in rows if it.project is not None]
    for row, project, name in zip(rows, projects, choose_entry_names(projects, registry), strict=True):
        if row.detail is not None:
            yield f"  # {escape_text(row.detail)}"
        if name != project.name:
            yield f"  # its name at Pinecone is {format_json(project.name)}"
        key = "" if registry.has_default_key else f", key_env: {_KEY_VARIABLE_PREFIX}{to_variable_part(name)}"
        yield f"  - {{name: {_format_scalar(name)}, project_id: {format_json(project.project_id)}{key}}}"


def render_effective_entry(project: RegisteredProject) -> Iterator[str]:
    """Show every setting of a project in YAML, with a comment where it comes from the defaults."""
    settings = {
        "name": project.name,
        "project_id": project.project_id,
        "secret": project.secret,
        "key_env": project.key_variable,
        "editor_secret": project.editor_secret,
        "drill_secret": project.drill_secret,
        "ping_secret": project.ping_secret,
        "policy": project.policy,
    }
    for key, value in settings.items():
        if value is not None:
            yield f"{key}: {_format_scalar(value)}{_describe_source(project, key)}"
    if project.channels:
        yield f"alerts:{_describe_source(project, 'alerts')}"
        yield from (f"  - {_format_channel(it)}" for it in project.channels)
    elif project.has_own_channels:  # without the key, the channels of the stack would apply
        yield f"alerts: []{_describe_source(project, 'alerts')}"


def _describe_source(project: RegisteredProject, key: str) -> str:
    return "  # from defaults" if key in project.inherited_keys else ""


def _format_channel(channel: Channel) -> str:
    weekly_summary = ", weekly_summary: true" if channel.has_weekly_summary else ""
    return f"{{{channel.kind}: {_format_scalar(channel.target)}, severity: {channel.min_severity}{weekly_summary}}}"


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"false", "n", "no", "null", "off", "on", "true", "y", "yes"})
"""What YAML 1.1 or 1.2 does not read as text."""


def _format_scalar(text: str) -> str:
    """Return a text as a scalar that every version of YAML reads as the same text, in quotes where needed."""
    is_plain = _PLAIN.fullmatch(text) is not None and text.casefold() not in _WORDS
    return text if is_plain else format_json(text)
