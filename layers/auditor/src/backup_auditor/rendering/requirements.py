"""What is required of one index, as rows of a label and a text."""

from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.moments import days, format_length
from backup_auditor.domain.requirements import ContentRequirement, ProtectionRequirement


def requirement_rows(subject: IndexSubject) -> list[tuple[str, str]]:
    """Tell the rule that applied, and what it requires."""
    require = subject.require
    limits = (("at least", require.schedule.retention_min), ("at most", require.schedule.retention_max))
    retention = " and ".join(f"{word} {format_length(limit)}" for word, limit in limits if limit) or "for any time"
    needed = "required" if require.schedule.required else "not required"
    copies, horizon = require.recovery.min_copies, require.recovery.horizon
    wanted = "any number" if copies is None else f"at least {copies:,}"
    lasting = "" if horizon is None else f", some left in {format_length(horizon)} whatever happens"
    stuck = require.runs.stuck_after
    under_way = "any time" if stuck is None else f"at most {format_length(stuck)}"
    return [
        ("rule", f"{subject.rule.name}, laid over the defaults" if subject.rule else "none fits: the defaults"),
        ("schedule", f"{needed}; {require.schedule.frequency} or oftener, kept {retention}"),
        ("recovery points", f"{wanted}, the newest at most {format_length(require.max_age)} old{lasting}"),
        ("runs", f"at most {format_length(subject.grace)} late, under way for {under_way}"),
        ("content", _content(require.content)),
        ("protection", _protection(require.protection)),
    ]


def _content(require: ContentRequirement) -> str:
    drops = (("records", require.max_record_drop_percent), ("namespaces", require.max_namespace_drop_percent))
    told = [f"at most {percent:g} % of the {things} gone" for things, percent in drops if percent is not None]
    if require.max_size_factor is not None:
        told.append(f"the size within a factor of {require.max_size_factor:g}")
    return ", ".join([*told, "may be empty" if require.allow_empty else "never empty"])


def _protection(require: ProtectionRequirement) -> str:
    deletion = "required" if require.deletion_protection else "not required"
    erased = "of any age" if require.erasure is None else f"at most {days(require.erasure)} d old"
    places = f"in {', '.join(require.locations)}" if require.locations else "anywhere"
    tags = ", ".join(require.required_tags) or "none"
    return f"from deletion {deletion}; backups {erased}, lying {places}; tags required: {tags}"
