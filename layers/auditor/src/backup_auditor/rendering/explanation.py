"""The explanation of an index: its facts, the rule that applies, and its findings with their evidence."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.results import EndedDrill, IndexDrills
from backup_auditor.domain.evaluation.timeline import build_timeline
from backup_auditor.domain.finding import Finding, InsufficientDataError
from backup_auditor.domain.listing import Denial
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.policy import ContentRequirement, ProtectionRequirement, RecoveryRequirement
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_minute, format_moment
from backup_auditor.rendering.drill_history import (
    build_state_rows,
    describe_proof_age,
    describe_restore_times,
    list_restore_times,
)
from backup_auditor.rendering.summary import COMPLIANCE_HEADINGS, describe_since
from backup_auditor.rendering.text import Style, escape_text, format_columns, format_value, wrap_text
from backup_auditor.rendering.timeline_text import render_timeline

_MAX_RECOVERY_POINTS = 5
type ExplanationRows = list[tuple[str, str]]


def build_index_rows(context: IndexContext) -> ExplanationRows:
    """Return the facts of the index and its own id."""
    index, live_id = context.index, context.backups.live_id
    location = "/".join(it for it in (index.cloud, index.region) if it)
    state = ", ".join(it for it in (index.deployment, location, index.state) if it)
    protection = {True: "on", False: "off", None: "unknown"}[index.deletion_protection]
    reason = live_id.unknown_reason
    unknown_clause = f": {reason}" if reason else " (no schedule or backup reports it)"
    rows = [
        ("index", state),
        ("tags", ", ".join(f"{key}={value}" for key, value in sorted(index.tags.items())) or "none"),
        ("deletion protection", protection),
        ("own id", live_id.id or f"unknown{unknown_clause}"),
    ]
    if index.cmek_id is not None:
        rows.append(("customer key", index.cmek_id))
    if context.unsupported_reason is not None:
        rows.append(("not evaluated", context.unsupported_reason))
    return rows


def build_schedule_rows(context: IndexContext) -> ExplanationRows:
    """Return a row for each schedule."""
    listing = context.facts.schedules
    rows = [(it.name or it.schedule_id, _describe_schedule(it)) for it in context.schedules.known_schedules]
    if isinstance(listing, Denial):
        rows.append(("refused", listing.message))
    elif context.schedules.failure is not None:
        rows.append(("read error", f"{context.schedules.failure.call}: {context.schedules.failure.error}"))
    return rows or [("none", "no backup schedule")]


def _describe_schedule(schedule: Schedule) -> str:
    state = {True: "enabled", False: "paused", None: "enabled or paused: unknown"}[schedule.enabled]
    retention = format_length(schedule.retention) if schedule.retention is not None else "unknown"
    frequency = schedule.frequency or "unknown frequency"
    next_run = "cannot be read" if schedule.next_run_unreadable else _format_optional_moment(schedule.next_run)
    times = f"next run {next_run}; created {_format_optional_moment(schedule.created_at)}"
    return f"{frequency}, retention {retention}, {state}; {times}; id {schedule.schedule_id}"


def build_backup_rows(context: IndexContext) -> ExplanationRows:
    """Return the backups under the index's name: recovery points first, then the others by state."""
    rows: ExplanationRows = []
    try:
        points = context.backups.require_recovery_points()
        other_counts = Counter(
            it.phase for it in context.backups.require_backups() if it.is_listed and it not in points
        )
    except InsufficientDataError as error:
        rows.append(("unknown", error.reason))
    else:
        rows.append(("recovery points", f"{len(points):,}"))
        rows += [_build_point_row(context, it) for it in points[:_MAX_RECOVERY_POINTS]]
        if len(points) > _MAX_RECOVERY_POINTS:
            oldest = f"oldest from {_format_optional_moment(points[-1].captured_at)}"
            rows.append((f"and {len(points) - _MAX_RECOVERY_POINTS:,} older", oldest))
        rows += [(_PHASE_NAMES[phase], f"{number:,}") for phase, number in sorted(other_counts.items())]
        earlier_backups = [it for it in context.backups.backups_under_name if it.index_id != context.backups.live_id.id]
        if earlier_backups:
            rows.append(("of earlier indexes", f"{len(earlier_backups):,}: another index had this name"))
    if context.backups.failure is not None:
        rows.append(("read error", f"{context.backups.failure.call}: {context.backups.failure.error}"))
    return rows


def build_run_rows(context: IndexContext) -> ExplanationRows:
    """Return the history of each schedule."""
    rows: ExplanationRows = []
    for schedule in context.schedules.known_schedules:
        failure = context.backups.find_history_failure(schedule)
        runs = context.backups.find_runs(schedule)
        phase_counts = Counter(it.phase for it in runs)
        text = ", ".join(
            f"{number:,} {_PHASE_NAMES[phase]}" for phase, number in sorted(phase_counts.items(), reverse=True)
        )
        if failure is not None:
            text = f"{text or 'none'}; read error: {failure.call}: {failure.error}"
        rows.append((schedule.name or schedule.schedule_id, text or "no run yet"))
    return rows or [("none", "no schedule")]


def build_explained_drill_rows(drills: IndexDrills, observed_at: datetime) -> ExplanationRows:
    """Return the last proof, the restore times and the next drill of an index."""
    proof, times = drills.last_proof, list_restore_times(drills)
    rows: ExplanationRows = []
    if drills.unknown_reason is None:
        rows.append(("last proof", f"{describe_proof_age(drills, observed_at)}{_describe_proof(proof)}"))
    if times:
        rows.append(("restore times", describe_restore_times(times, drills.max_restore_time)))
    return [*rows, *build_state_rows(drills, observed_at)]


def _describe_proof(proof: EndedDrill | None) -> str:
    if proof is None:
        return ""
    return f", at {format_minute(proof.ended_at)}; backup {proof.backup_id}, drill {proof.drill_id}"


def _build_point_row(context: IndexContext, point: BackupRecord) -> tuple[str, str]:
    age = format_length(context.observed_at - point.captured_at) if point.captured_at else "of unknown age"
    count, expiry = point.backup.record_count, context.backups.find_expiry(point)
    records = "unknown record count" if count is None else pluralize(count, "record")
    end = "expiry unknown" if expiry.expires_at is None else f"expires {format_moment(expiry.expires_at)}"
    if expiry.expires is False:
        end = "never expires"
    text = f"{age} old, {records}, {end}, id {point.backup.backup_id}"
    return f"  {_format_optional_moment(point.captured_at)}", text


def _format_optional_moment(moment: datetime | None) -> str:
    return "unknown" if moment is None else format_moment(moment)


_PHASE_NAMES = {
    BackupPhase.UNKNOWN: "unknown status",
    BackupPhase.SCHEDULED: "scheduled",
    BackupPhase.IN_PROGRESS: "in progress",
    BackupPhase.FAILED: "failed",
    BackupPhase.READY: "Ready",
}


def build_requirement_rows(context: IndexContext) -> ExplanationRows:
    """Return the rule that applies, and what it requires."""
    requirements = context.requirements
    limits = (("at least", requirements.schedule.retention_min), ("at most", requirements.schedule.retention_max))
    limit_text = " and ".join(f"{word} {format_length(limit)}" for word, limit in limits if limit)
    retention = f"retention {limit_text}" if limit_text else "any retention"
    requirement = "required" if requirements.schedule.required else "not required"
    copies, horizon = requirements.recovery.min_copies, requirements.recovery.horizon
    copies_limit = "any number" if copies is None else f"at least {copies:,}"
    horizon_clause = "" if horizon is None else f"; one must outlast the next {format_length(horizon)}"
    stuck_after = requirements.runs.stuck_after
    in_progress_limit = "any time" if stuck_after is None else f"at most {format_length(stuck_after)}"
    return [
        ("rule", f"{context.rule.name}, over the defaults" if context.rule else "defaults (no rule matches)"),
        ("schedule", f"{requirement}; at least {requirements.schedule.frequency}, {retention}"),
        (
            "recovery points",
            f"{copies_limit}; newest at most {format_length(requirements.max_age)} old{horizon_clause}",
        ),
        ("runs", f"at most {format_length(context.grace)} late; in progress for {in_progress_limit}"),
        ("restore drills", _describe_drill_limits(requirements.recovery)),
        ("content", _describe_content(requirements.content)),
        ("protection", _describe_protection(requirements.protection)),
    ]


def _describe_drill_limits(requirement: RecoveryRequirement) -> str:
    within, max_time = requirement.restore_drill_within, requirement.max_restore_time
    proof = "not required" if within is None else f"one must have passed in the last {format_length(within)}"
    return f"{proof}; restore in {'any time' if max_time is None else f'at most {format_length(max_time)}'}"


def _describe_content(requirement: ContentRequirement) -> str:
    drop_limits = (
        ("records", requirement.max_record_drop_percent),
        ("namespaces", requirement.max_namespace_drop_percent),
    )
    clauses = [f"at most {percent:g} % fewer {noun}" for noun, percent in drop_limits if percent is not None]
    if requirement.max_size_factor is not None:
        clauses.append(f"size within a factor of {requirement.max_size_factor:g}")
    return ", ".join([*clauses, "may be empty" if requirement.allow_empty else "never empty"])


def _describe_protection(requirement: ProtectionRequirement) -> str:
    deletion_protection = "required" if requirement.deletion_protection else "not required"
    max_age = requirement.max_backup_age
    age_limit = "of any age" if max_age is None else f"at most {format_length(max_age)} old"
    locations = f"in {', '.join(requirement.locations)}" if requirement.locations else "in any location"
    tags = ", ".join(requirement.required_tags) or "none"
    return f"deletion protection {deletion_protection}; backups {age_limit}, {locations}; required tags: {tags}"


def render_explanation(
    context: IndexContext,
    findings: Iterable[Finding],
    drills: IndexDrills | None = None,
    *,
    width: int = 100,
    is_colored: bool = False,
) -> Iterator[str]:
    """Explain the verdicts on one index as lines of text of at most `width` columns of a terminal.

    `drills` are its restore drills, if it has any or the policy requires one.
    """
    page = _Page(max(width, 40), Style(is_colored))
    inventory, policy = context.project.inventory, context.project.policy
    yield from page.render_heading(f"{context.name} in {inventory.project}, at {format_moment(context.observed_at)}")
    yield from page.render_section("Facts", build_index_rows(context))
    yield from page.render_section("Schedules", build_schedule_rows(context))
    yield from page.render_section("Backups", build_backup_rows(context))
    yield from page.render_section("Runs", build_run_rows(context))
    if context.unsupported_reason is None:
        yield ""
        yield from render_timeline(build_timeline(context), context.observed_at, page.width, page.style)
    if drills is not None:
        yield from page.render_section("Restore drills", build_explained_drill_rows(drills, context.observed_at))
    yield from page.render_section(f"Required by {policy.source}", build_requirement_rows(context))
    yield ""
    yield page.style.bold("Verdicts")
    for finding in findings:
        yield from page.render_finding(finding)


@dataclass(frozen=True, slots=True)
class _Page:
    width: int
    style: Style

    def render_section(self, title: str, rows: ExplanationRows) -> Iterator[str]:
        yield ""
        yield from self.render_heading(title)
        yield from format_columns([(escape_text(label), escape_text(text)) for label, text in rows], self.width)

    def render_heading(self, text: str) -> Iterator[str]:
        yield from map(self.style.bold, wrap_text(escape_text(text), self.width, "  "))

    def render_finding(self, finding: Finding) -> Iterator[str]:
        verdict = f"  {COMPLIANCE_HEADINGS[finding.compliance]}"
        severity = f" {finding.severity}" if finding.remediation else ""
        first, *rest = wrap_text(f"{verdict}{severity}  {finding.control}{describe_since(finding)}", self.width, "    ")
        bold_control = self.style.bold(finding.control)
        yield self.style.color(finding.compliance, verdict) + first[len(verdict) :].replace(
            finding.control, bold_control
        )
        yield from (it.replace(finding.control, bold_control) for it in rest)
        indent = " " * 6
        yield from wrap_text(indent + escape_text(finding.reason), self.width, indent)
        evidence_text = ", ".join(f"{name} = {format_value(value)}" for name, value in finding.evidence.items())
        if evidence_text:
            yield from map(self.style.dim, wrap_text(indent + escape_text(evidence_text), self.width, indent))
        if finding.remediation:
            yield from wrap_text(f"{indent}next: {escape_text(finding.remediation)}", self.width, indent)
        if finding.exemption is not None:
            exemption = finding.exemption
            text = f"{indent}accepted until {exemption.expires} by {exemption.owner}: {exemption.reason}"
            yield from wrap_text(escape_text(text), self.width, indent)
