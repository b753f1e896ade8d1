"""The nights of the fleet: which night it is, what its page says and when, and which channels get a digest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor.domain.audit_failure import (
    OVERDUE_AFTER,
    FailureKind,
    WatchedProject,
    describe_next_step,
    find_failure,
)
from backup_auditor.domain.discovery_notice import DiscoveryState
from backup_auditor.domain.events import find_scheduled_time
from backup_auditor.domain.fleet_record import FleetComparison, FleetPage, FleetRecords, RecordedDigest
from backup_auditor.domain.notifications.digest import compute_message_id
from backup_auditor.domain.outbox import FLEET, DigestTiming, FleetChannel, OutboxMessage, Trigger
from backup_auditor.domain.registry import Registry
from backup_auditor.domain.reporting.fleet import (
    Fleet,
    FleetProject,
    UnauditedProject,
    UnregisteredProjects,
    build_fleet,
)
from backup_auditor.domain.text import cut_text
from backup_auditor.domain.timefmt import format_minute

_DAY = timedelta(days=1)
_SHORTEST_NIGHT = timedelta(hours=22, minutes=30)
"""The least time between the beginnings of two nights: a day of 23 hours, and half an hour. A schedule that starts
audits more often, such as every hour, has several requests in one night."""
WINDOW = OVERDUE_AFTER - timedelta(hours=25)
"""How long a night is waited for a project: an audit that starts late and needs every attempt of its queue."""
FAILING_WINDOW = timedelta(hours=1)
"""How long it is waited for a project that failed before, whose key may have been replaced since, and for a new one,
whose audit may have been requested."""
_DISCOVERY_VALIDITY = timedelta(hours=30)
"""How long a listing of the organization says what is unregistered: looks are a day apart, and a failed one is repeated
every hour."""
_MAX_REASON_LENGTH = 300
_WEEK = 7 * _DAY - (_DAY - _SHORTEST_NIGHT)
"""The least time between two weekly digests: nights are not always exactly a day apart."""


def find_night(projects: Iterable[WatchedProject], records: FleetRecords, now: datetime) -> datetime | None:
    """Return when the present night began; `None` before the first one.

    A night begins with the first scheduled request for audits that is long enough after the last night. One that has no
    page yet does not move with later requests, which a schedule of every hour makes. If no request is known for 30
    hours, the night began a day after the last one: then no audit ran, and the page says so.
    """
    page, night = records.page, records.night
    if night is not None and timedelta() <= now - night < _SHORTEST_NIGHT and (page is None or page.night < night):
        return night
    starts = [it for project in projects for it in _list_scheduled_times(project) if it <= now]
    latest = max(starts, default=None)
    if page is None or page.night > now:  # the clock was wrong when the page was recorded
        return latest
    if latest is not None and latest - page.night >= _SHORTEST_NIGHT:
        return latest
    last_request = page.night if latest is None else max(page.night, latest)
    return page.night + _DAY * max((now - last_request - (OVERDUE_AFTER - _DAY)) // _DAY, 0)


def _list_scheduled_times(project: WatchedProject) -> list[datetime]:
    request_ids = [it.request_id for it in (project.row, project.failed_audit) if it is not None]
    return [moment for it in request_ids if (moment := find_scheduled_time(it)) is not None]


@dataclass(frozen=True, slots=True)
class KnownFleet:
    """What is stored about the registered projects."""

    registry: Registry
    projects: Mapping[str, WatchedProject]
    """All registered projects, by name."""
    rows: Mapping[str, FleetProject]
    """The rows of the last recorded audits, by project."""
    warnings: tuple[str, ...] = ()
    """Sentences about the registry."""
    discovery: DiscoveryState | None = None
    """What the last look at the organization found; `None` if none is made."""


@dataclass(frozen=True, slots=True)
class FleetNight:
    """What is known about one night."""

    start: datetime
    fleet: Fleet
    awaited: tuple[str, ...]
    """The projects without a result that can still come."""


def build_night(start: datetime, known: KnownFleet, now: datetime) -> FleetNight:
    """Return a night as it is known now. The same facts give the same page at any time.

    A project that was registered after the night began is left out until it is audited, and is awaited for an hour.
    """
    audited, unaudited, awaited = [], [], []
    registry = known.registry
    valid_names = {it.name for it in registry.projects}
    for name in registry.names:
        project, row = known.projects[name], known.rows.get(name)
        if row is not None and row.observed_at >= start:
            audited.append(row)
            continue
        if name not in valid_names:
            reason = "; ".join(registry.format_error(it) for it in registry.errors if it.name == name)
            unaudited.append(UnauditedProject(name, reason))
            continue
        if _is_new(project, start):
            if now < start + FAILING_WINDOW:
                awaited.append(name)
            continue
        unaudited.append(UnauditedProject(name, _explain_missing_audit(name, project, start, now)))
        if now < start + _compute_window(name, project, start, now):
            awaited.append(name)
    unregistered = None if known.discovery is None else _list_unregistered(known.discovery, known, now)
    return FleetNight(start, build_fleet(audited, unaudited, known.warnings, unregistered), tuple(awaited))


def _list_unregistered(discovery: DiscoveryState, known: KnownFleet, now: datetime) -> UnregisteredProjects:
    """Return what the last look found unregistered, without the projects to which an entry leads since then."""
    registered_ids = {
        *(it.project_id for it in known.registry.projects),
        *(it.project_id for it in known.registry.errors),
        *(it.last_audits.pinecone_project_id for it in known.projects.values()),
    }
    projects = (it for it in discovery.projects if it.project_id not in registered_ids)
    return UnregisteredProjects(
        tuple(sorted(projects, key=lambda it: (it.name.casefold(), it.project_id))),
        discovery.complete_at,
        is_current=discovery.complete_at is not None and now - discovery.complete_at < _DISCOVERY_VALIDITY,
    )


def _is_new(project: WatchedProject, start: datetime) -> bool:
    """Return whether a project was registered after a night began, and nothing is known about its audits."""
    is_known = project.last_audits.observed_at is not None or project.failed_audit is not None
    return not is_known and project.registered_at is not None and project.registered_at > start


def _compute_window(name: str, project: WatchedProject, start: datetime, now: datetime) -> timedelta:
    """Return how long after the beginning of a night it is waited for a project that has no result."""
    if project.failed_audit is not None and project.failed_audit.failed_at >= start:
        return timedelta()
    return WINDOW if find_failure(name, project, now) is None else FAILING_WINDOW


def _explain_missing_audit(name: str, project: WatchedProject, start: datetime, now: datetime) -> str:
    """Return why a project was not audited, and what to do: a text that does not change with the time."""
    failure = find_failure(name, project, now)
    if failure is not None and failure.kind is FailureKind.FAILED:
        # a digest cuts a longer text at its end, where the next step is
        return f"{cut_text(failure.reason, _MAX_REASON_LENGTH)}; {failure.next_step}"
    last = project.last_audits.observed_at
    if last is not None and last >= start:
        return f"its last audit, of {format_minute(last)}, was recorded without figures; the next audit has them"
    period = "it was never audited" if last is None else f"its last audit is of {format_minute(last)}"
    return f"no audit in this night; {period}; read the log of the function audit, {describe_next_step(name)}"


def find_due_channels(
    channels: Iterable[FleetChannel], records: FleetRecords, night: datetime, results_sha256: str
) -> list[FleetChannel]:
    """Return the channels that get a digest with a new revision of a page.

    A channel gets at most one digest of a night: with the first page, and *on change* with the first one whose results
    differ from those of its last digest. A channel without a digest gets one with the first page of a night, so that a
    corrected name of a channel causes no second digest.
    """
    is_first_page = records.page is None or records.page.night != night
    due_channels = {}
    for channel in channels:
        digest = records.digests.get(channel.channel.channel_id)
        if digest is None or digest.night > night:  # the clock was wrong when it was recorded
            is_due = is_first_page
        elif digest.night == night:
            is_due = False
        else:
            is_due = {
                DigestTiming.DAILY: is_first_page,
                DigestTiming.WEEKLY: is_first_page and night - digest.night >= _WEEK,
                DigestTiming.ON_CHANGE: digest.results_sha256 != results_sha256,
            }[channel.when]
        if is_due:
            due_channels[channel.channel.channel_id] = channel
    return list(due_channels.values())


def create_digest_messages(
    page: FleetPage, channels: Iterable[FleetChannel], digests: Mapping[str, RecordedDigest], now: datetime
) -> tuple[OutboxMessage, ...]:
    """Return the messages about a page, one for each channel, each with the page of the last digest of its channel."""
    messages = []
    for channel in (it.channel for it in channels):
        digest = digests.get(channel.channel_id)
        comparison = FleetComparison(page, None if digest is None else digest.document)
        message = OutboxMessage(
            message_id=compute_message_id(FLEET, comparison.subject_id, channel),
            project=FLEET,
            audit_id=None,
            observed_at=now,
            channel_id=channel.channel_id,
            trigger=Trigger.FLEET_DIGEST,
            content=comparison,
            previous_at=None,
        )
        messages.append(message)
    return tuple(messages)
