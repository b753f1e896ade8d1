"""Why an index got its verdicts: its facts, the rule that applied, and the arithmetic."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord
from backup_auditor.domain.control import InsufficientDataError
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.timeline import build_timeline
from backup_auditor.domain.finding import Finding
from backup_auditor.domain.listing import Denial
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.policy import ContentRequirement, ProtectionRequirement
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import days, format_length, format_moment
from backup_auditor.rendering.summary import since
from backup_auditor.rendering.text import Style, columns, escape_text, format_json, hanging
from backup_auditor.rendering.timeline_text import timeline_lines

_SHOWN = 5
type Rows = list[tuple[str, str]]


def index_rows(subject: IndexContext) -> Rows:
    """Tell what the index is, and which id is its own."""
    index, identity = subject.index, subject.backups.identity
    place = "/".join(it for it in (index.cloud, index.region) if it)
    state = ", ".join(it for it in (index.deployment, place, index.state) if it)
    protection = {True: "on", False: "off", None: "not known"}[index.deletion_protection]
    rows = [
        ("index", state),
        ("tags", ", ".join(f"{key}={value}" for key, value in sorted(index.tags.items())) or "none"),
        ("deletion protection", protection),
        ("own id", identity.id or _why_no_id(identity.doubt)),
    ]
    if index.cmek_id is not None:
        rows.append(("customer key", index.cmek_id))
    if subject.unsupported is not None:
        rows.append(("not judged", subject.unsupported))
    return rows


def _why_no_id(doubt: str | None) -> str:
    return f"not known: {doubt}" if doubt else "told by nothing: no schedule, and no backup of its own"


def schedule_rows(subject: IndexContext) -> Rows:
    """Tell each schedule."""
    answer = subject.facts.schedules
    rows = [(it.name or it.schedule_id, _schedule(it)) for it in subject.schedules.known]
    if isinstance(answer, Denial):
        rows.append(("refused", answer.message))
    elif subject.schedules.unread is not None:
        rows.append(("not read", f"{subject.schedules.unread.what}: {subject.schedules.unread.error}"))
    return rows or [("none", "it has no backup schedule")]


def _schedule(schedule: Schedule) -> str:
    state = {True: "enabled", False: "paused", None: "enabled or paused: not known"}[schedule.enabled]
    kept = format_length(schedule.retention) if schedule.retention is not None else "for a time that is not known"
    frequency = schedule.frequency or "how often is not known"
    next_run = "cannot be read" if schedule.next_run_unreadable else _moment(schedule.next_run)
    moments = f"next run {next_run}; made {_moment(schedule.created_at)}"
    return f"{frequency}, kept {kept}, {state}; {moments}; id {schedule.schedule_id}"


def backup_rows(subject: IndexContext) -> Rows:
    """Tell the backups under the index's name: the recovery points first, then what else there is."""
    rows: Rows = []
    try:
        points = subject.backups.recovery_points
        others = Counter(it.phase for it in subject.backups.all if it.is_listed and it not in points)
    except InsufficientDataError as error:
        rows.append(("not known", error.reason))
    else:
        rows.append(("recovery points", f"{len(points):,}"))
        rows += [_point(subject, it) for it in points[:_SHOWN]]
        if len(points) > _SHOWN:
            rows.append((f"and {len(points) - _SHOWN:,} older", f"the oldest of {_moment(points[-1].captured_at)}"))
        rows += [(_PHASES[phase], f"{number:,}") for phase, number in sorted(others.items())]
        foreign = [it for it in subject.backups.named if it.index_id != subject.backups.identity.id]
        if foreign:
            rows.append(("of earlier indexes", f"{len(foreign):,}: another index had this name"))
    if subject.backups.unread is not None:
        rows.append(("not all read", f"{subject.backups.unread.what}: {subject.backups.unread.error}"))
    return rows


def run_rows(subject: IndexContext) -> Rows:
    """Tell the history of each schedule."""
    rows: Rows = []
    for schedule in subject.schedules.known:
        unread = subject.backups.history_unread(schedule)
        runs = subject.backups.runs(schedule)
        told = Counter(it.phase for it in runs)
        text = ", ".join(f"{number:,} {_PHASES[phase]}" for phase, number in sorted(told.items(), reverse=True))
        if unread is not None:
            text = f"{text or 'none seen'}; not all read: {unread.what}: {unread.error}"
        rows.append((schedule.name or schedule.schedule_id, text or "no run yet"))
    return rows or [("none", "it has no schedule that could run")]


def _point(subject: IndexContext, point: BackupRecord) -> tuple[str, str]:
    age = format_length(subject.observed_at - point.captured_at) if point.captured_at else "of unknown age"
    records = (
        "records not told" if point.backup.record_count is None else pluralize(point.backup.record_count, "record")
    )
    return (
        f"  {_moment(point.captured_at)}",
        f"{age} old, {records}, {_expiry(subject, point)}, id {point.backup.backup_id}",
    )


def _expiry(subject: IndexContext, point: BackupRecord) -> str:
    expiry = subject.backups.expiry(point)
    if expiry.expires is False:
        return "never expires"
    return f"expires {format_moment(expiry.at)}" if expiry.at is not None else "expires at a time that is not known"


def _moment(moment: datetime | None) -> str:
    return "not told" if moment is None else format_moment(moment)


_PHASES = {
    BackupPhase.UNKNOWN: "of unknown status",
    BackupPhase.PLANNED: "planned",
    BackupPhase.UNDER_WAY: "under way",
    BackupPhase.FAILED: "failed",
    BackupPhase.READY: "Ready",
}


def requirement_rows(subject: IndexContext) -> list[tuple[str, str]]:
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


def render_explanation(
    subject: IndexContext, findings: Iterable[Finding], *, width: int = 100, is_coloured: bool = False
) -> Iterator[str]:
    """Explain the verdicts on one index as lines of text of at most `width` columns of a terminal."""
    page = _Page(max(width, 40), Style(is_coloured))
    inventory, policy = subject.project.inventory, subject.project.policy
    yield from page.heading(f"{subject.name} in {inventory.project}, at {format_moment(subject.observed_at)}")
    yield from page.section("Facts", index_rows(subject))
    yield from page.section("Schedules", schedule_rows(subject))
    yield from page.section("Backups", backup_rows(subject))
    yield from page.section("Runs", run_rows(subject))
    if subject.unsupported is None:
        yield ""
        yield from timeline_lines(build_timeline(subject), subject.observed_at, page.width, page.ink)
    yield from page.section(f"Required by {policy.source}", requirement_rows(subject))
    yield ""
    yield page.ink.strong("Verdicts")
    for finding in findings:
        yield from page.verdict(finding)


@dataclass(frozen=True, slots=True)
class _Page:
    width: int
    ink: Style

    def section(self, title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
        yield ""
        yield from self.heading(title)
        yield from columns([(escape_text(label), escape_text(text)) for label, text in rows], self.width)

    def heading(self, text: str) -> Iterator[str]:
        yield from map(self.ink.strong, hanging(escape_text(text), self.width, "  "))

    def verdict(self, finding: Finding) -> Iterator[str]:
        verdict = f"  {finding.compliance.replace('_', ' ')}"
        severity = f" {finding.severity}" if finding.remediation else ""
        first, *rest = hanging(f"{verdict}{severity}  {finding.control}{since(finding)}", self.width, "    ")
        strong = self.ink.strong(finding.control)
        yield self.ink.of(finding.compliance, verdict) + first[len(verdict) :].replace(finding.control, strong)
        yield from (it.replace(finding.control, strong) for it in rest)
        indent = " " * 6
        yield from hanging(indent + escape_text(finding.reason), self.width, indent)
        figures = ", ".join(f"{name} = {_value(value)}" for name, value in finding.evidence.items())
        if figures:
            yield from map(self.ink.faint, hanging(indent + escape_text(figures), self.width, indent))
        if finding.remediation:
            yield from hanging(f"{indent}next: {escape_text(finding.remediation)}", self.width, indent)
        if finding.exemption is not None:
            accepted = finding.exemption
            text = f"{indent}accepted until {accepted.expires} by {accepted.owner}: {accepted.reason}"
            yield from hanging(escape_text(text), self.width, indent)


def _value(value: object) -> str:
    return value if isinstance(value, str) else format_json(value)
