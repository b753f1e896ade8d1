"""The effective settings of one registered project, as an entry of a registry without defaults."""

from collections.abc import Iterator

from backup_auditor.domain.outbox import Channel
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.rendering.yaml_text import format_scalar


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
            yield f"{key}: {format_scalar(value)}{_describe_source(project, key)}"
    if project.channels:
        yield f"alerts:{_describe_source(project, 'alerts')}"
        yield from (f"  - {_format_channel(it)}" for it in project.channels)
    elif project.has_own_channels:  # without the key, the channels of the stack would apply
        yield f"alerts: []{_describe_source(project, 'alerts')}"


def _describe_source(project: RegisteredProject, key: str) -> str:
    return "  # from defaults" if key in project.inherited_keys else ""


def _format_channel(channel: Channel) -> str:
    weekly_summary = ", weekly_summary: true" if channel.has_weekly_summary else ""
    return f"{{{channel.kind}: {format_scalar(channel.target)}, severity: {channel.min_severity}{weekly_summary}}}"
