"""What is known of one index, as rows of a label and a text."""

from collections import Counter
from datetime import datetime

from backup_auditor.domain.control import InsufficientError
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.listing import Refusal
from backup_auditor.domain.moments import format_length, format_moment
from backup_auditor.domain.phase import Phase
from backup_auditor.domain.standing import Standing
from backup_auditor.domain.wording import counted

_SHOWN = 5
type Rows = list[tuple[str, str]]


def index_rows(subject: IndexSubject) -> Rows:
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


def schedule_rows(subject: IndexSubject) -> Rows:
    """Tell each schedule."""
    answer = subject.facts.schedules
    rows = [(it.name or it.schedule_id, _schedule(it)) for it in subject.schedules.known]
    if isinstance(answer, Refusal):
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


def backup_rows(subject: IndexSubject) -> Rows:
    """Tell the backups under the index's name: the recovery points first, then what else there is."""
    rows: Rows = []
    try:
        points = subject.backups.recovery_points
        others = Counter(it.phase for it in subject.backups.all if it.is_listed and it not in points)
    except InsufficientError as error:
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


def run_rows(subject: IndexSubject) -> Rows:
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


def _point(subject: IndexSubject, point: Standing) -> tuple[str, str]:
    age = format_length(subject.observed_at - point.captured_at) if point.captured_at else "of unknown age"
    records = "records not told" if point.backup.record_count is None else counted(point.backup.record_count, "record")
    return (
        f"  {_moment(point.captured_at)}",
        f"{age} old, {records}, {_expiry(subject, point)}, id {point.backup.backup_id}",
    )


def _expiry(subject: IndexSubject, point: Standing) -> str:
    expiry = subject.backups.expiry(point)
    if expiry.expires is False:
        return "never expires"
    return f"expires {format_moment(expiry.at)}" if expiry.at is not None else "expires at a time that is not known"


def _moment(moment: datetime | None) -> str:
    return "not told" if moment is None else format_moment(moment)


_PHASES = {
    Phase.UNKNOWN: "of unknown status",
    Phase.PLANNED: "planned",
    Phase.UNDER_WAY: "under way",
    Phase.FAILED: "failed",
    Phase.READY: "Ready",
}
