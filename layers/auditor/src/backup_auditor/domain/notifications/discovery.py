"""What changed in the organization since the last look at it, and the messages that are due about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backup_auditor.domain.discovery import DiscoveredProject, Discovery, ProjectStatus
from backup_auditor.domain.discovery_notice import (
    AccountAlert,
    DiscoveryNotice,
    DiscoveryState,
    Resolution,
    ResolvedProject,
    UnregisteredProject,
)
from backup_auditor.domain.identifiers import is_key
from backup_auditor.domain.notice import NoticeKind
from backup_auditor.domain.notifications.digest import compute_message_id
from backup_auditor.domain.outbox import EVENT_CHANNEL, FLEET, Channel, OutboxMessage, Trigger
from backup_auditor.domain.text import cut_text, join_names, pluralize, quote_text

_TOLERANCE = timedelta(minutes=30)
"""How much less than a day, or a week, is enough: an hourly look can be some minutes early."""
_LOOK_INTERVAL = timedelta(days=1) - _TOLERANCE
_REMINDER_INTERVAL = timedelta(days=7) - _TOLERANCE
_MAX_NAME_LENGTH = 200
"""The most characters of a name in the state: with any names, it fits one item of a table."""
_RESOLUTIONS = {ProjectStatus.IGNORED: Resolution.IGNORED, ProjectStatus.GONE: Resolution.GONE}


def is_look_due(state: DiscoveryState, now: datetime) -> bool:
    """Return whether the last complete listing of the organization is a day old, or there was none."""
    return state.complete_at is None or _has_passed(state.complete_at, _LOOK_INTERVAL, now)


def _has_passed(moment: datetime, interval: timedelta, now: datetime) -> bool:
    """Return whether a time is an interval ago. One in the future is of a wrong clock, and counts as passed."""
    return not timedelta() <= now - moment < interval


@dataclass(frozen=True, slots=True)
class DiscoveryChange:
    """The result of one look at the organization."""

    state: DiscoveryState
    notice: DiscoveryNotice | None
    """The notice that is due."""
    unregistered_count: int | None
    """How many projects are unregistered; `None` if it is unknown."""
    unseen_projects: tuple[UnregisteredProject, ...]
    """The projects that were unregistered before and of which the look shows nothing."""


@dataclass(frozen=True, slots=True)
class _Comparison[Item, ResolvedItem]:
    """What was open before a look, and what is open after it."""

    new: tuple[Item, ...]
    open: tuple[Item, ...]
    """What was open before and still is."""
    unseen: tuple[Item, ...]
    """What was open before and of which the look shows nothing. It stays open, and no message is about it."""
    resolved: tuple[ResolvedItem, ...]

    @property
    def remaining(self) -> tuple[Item, ...]:
        """Everything that is not resolved."""
        return (*self.open, *self.unseen, *self.new)


def advance_discovery(state: DiscoveryState, discovery: Discovery, now: datetime) -> DiscoveryChange:
    """Return what a look at the organization changes.

    Only what the look shows resolves something: a project that is registered, ignored, or gone by Pinecone's answer for
    its id, and an alert whose check passes. A partial listing resolves no project; a project that it has is there.
    """
    projects, alerts = _compare_projects(state, discovery, now), _compare_alerts(state, discovery, now)
    is_reminder_due = state.reminded_at is not None and _has_passed(state.reminded_at, _REMINDER_INTERVAL, now)
    kind = _choose_kind(projects, alerts, is_reminder_due=is_reminder_due)
    notice = None
    if kind is not None:
        notice = DiscoveryNotice(
            kind,
            now,
            projects.new,
            projects.open,
            projects.resolved,
            alerts.new,
            alerts.open,
            alerts.resolved,
            tuple(_find_caveats(discovery)) if projects.new else (),
        )
    reminded_at = state.reminded_at if kind is None and state.reminded_at is not None else now
    is_complete = discovery.is_listing_complete
    next_state = replace(
        state,
        complete_at=now if is_complete else state.complete_at,
        reminded_at=reminded_at if projects.remaining or alerts.remaining else None,
        projects=projects.remaining,
        alerts=alerts.remaining,
    )
    count = len(projects.open) + len(projects.new) if is_complete and not projects.unseen else None
    return DiscoveryChange(next_state, notice, count, projects.unseen)


def _choose_kind(
    projects: _Comparison[UnregisteredProject, ResolvedProject],
    alerts: _Comparison[AccountAlert, AccountAlert],
    *,
    is_reminder_due: bool,
) -> NoticeKind | None:
    """Return the kind of the notice that is due. Each names what is open, so the next reminder counts from it."""
    if projects.new or alerts.new:
        return NoticeKind.OPENED
    if projects.resolved or alerts.resolved:
        return NoticeKind.RESOLVED
    return NoticeKind.REMINDER if is_reminder_due and (projects.open or alerts.open) else None


def _compare_projects(
    state: DiscoveryState, discovery: Discovery, now: datetime
) -> _Comparison[UnregisteredProject, ResolvedProject]:
    rows = {it.project_id: it for it in reversed(discovery.projects) if it.project_id is not None}
    open_projects: list[UnregisteredProject] = []
    unseen_projects: list[UnregisteredProject] = []
    resolved_projects: list[ResolvedProject] = []
    for project in state.projects:
        row = rows.pop(project.project_id, None)
        resolution = _find_resolution(row) if discovery.is_listing_complete else None
        if resolution is not None:
            resolved_projects.append(ResolvedProject(project, resolution))
        elif row is not None and row.status is ProjectStatus.UNREGISTERED:
            open_projects.append(_describe_project(row, project.first_seen))
        else:
            unseen_projects.append(project)
    new_rows = (it for it in rows.values() if it.status is ProjectStatus.UNREGISTERED and it.possible_entry is None)
    new_projects = sorted(
        (_describe_project(it, now) for it in new_rows), key=lambda it: (it.name.casefold(), it.project_id)
    )
    return _Comparison(tuple(new_projects), tuple(open_projects), tuple(unseen_projects), tuple(resolved_projects))


def _find_resolution(row: DiscoveredProject | None) -> Resolution | None:
    """Return why the project of a row is resolved: an entry that leads to it is enough, whatever Pinecone answers."""
    if row is None:
        return None
    return _RESOLUTIONS.get(row.status) if row.entry is None else Resolution.REGISTERED


def _describe_project(row: DiscoveredProject, first_seen: datetime) -> UnregisteredProject:
    project_id, name, project = row.project_id or "", row.name or "", row.project
    return UnregisteredProject(
        project_id=project_id,
        name=project_id if is_key(name) else cut_text(name, _MAX_NAME_LENGTH),
        first_seen=first_seen,
        organization_id=project.organization_id if project else None,
        created_at=project.created_at if project else None,
        detail=row.detail,
    )


def _compare_alerts(
    state: DiscoveryState, discovery: Discovery, now: datetime
) -> _Comparison[AccountAlert, AccountAlert]:
    """Compare the alerts with the checks that could be made. Another value that is wrong is a new alert."""
    checks = {(it.subject, it.key): it for it in discovery.account_checks}
    new_alerts = {
        key: AccountAlert(it.subject, it.key, it.value, it.warning, now)
        for key, it in checks.items()
        if it.warning is not None
    }
    open_alerts: list[AccountAlert] = []
    unseen_alerts: list[AccountAlert] = []
    resolved_alerts: list[AccountAlert] = []
    for alert in state.alerts:
        check = checks.get((alert.subject, alert.key))
        if check is None:
            unseen_alerts.append(alert)
        elif check.warning is None:
            resolved_alerts.append(alert)
        elif check.value == alert.value:
            open_alerts.append(replace(new_alerts.pop((alert.subject, alert.key)), first_seen=alert.first_seen))
    return _Comparison(tuple(new_alerts.values()), tuple(open_alerts), tuple(unseen_alerts), tuple(resolved_alerts))


def _find_caveats(discovery: Discovery) -> Iterator[str]:
    """Yield why a project may be listed although it is registered or ignored."""
    unknown = [it for it in discovery.list_projects(ProjectStatus.UNKNOWN) if it.project_id is None]
    if unknown:
        names = join_names(quote_text(it.entry or "") for it in unknown)
        yield (
            f"The Pinecone project of {pluralize(len(unknown), 'entry', 'entries')} is unknown ({names}), so a listed"
            " project may be theirs; add project_id to each."
        )
    if discovery.has_ignore_errors:
        yield "A line of ignore in the registry is invalid, so a listed project may be the one in it; correct the line."


def create_discovery_messages(notice: DiscoveryNotice, channels: Iterable[Channel]) -> tuple[OutboxMessage, ...]:
    """Return the messages of a notice, one per channel of the fleet, and one to the bus if a project is new."""
    event_channels = (EVENT_CHANNEL,) if notice.new_projects else ()
    channels_by_id = {it.channel_id: it for it in (*event_channels, *channels)}
    return tuple(
        OutboxMessage(
            message_id=compute_message_id(FLEET, notice.notice_id, channel),
            project=FLEET,
            audit_id=None,
            observed_at=notice.noticed_at,
            channel_id=channel_id,
            trigger=Trigger.REMINDER if notice.kind is NoticeKind.REMINDER else Trigger.CHANGE,
            content=notice,
            previous_at=None,
        )
        for channel_id, channel in channels_by_id.items()
    )
