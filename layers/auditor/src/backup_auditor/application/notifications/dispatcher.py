"""Find the routes of messages and deliver them: channels in parallel, the messages of one channel in order."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from backup_auditor.application.notifications.delivery import (
    ACCEPTED_PROGRESS,
    Delivery,
    DeliveryDependencies,
    DeliveryRecorder,
    DeliveryResult,
    DeliveryStatus,
)
from backup_auditor.domain.notifications.digest import find_trigger, readdress
from backup_auditor.domain.outbox import EVENT_CHANNEL, Channel, ChannelKind, OutboxMessage
from backup_auditor.domain.registry import Registry
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import BackupAuditorError, RegistryError, ReportAlteredError, StateError
from backup_auditor.ports.stores import Claim
from backup_auditor.rendering.formats.json import load_report
from backup_auditor.worker_pool import WorkerPool

_MIN_SECONDS_PER_MESSAGE = 40.0
"""Seconds that must be left to start with a message."""
_MAX_LEASE_SECONDS = 15 * 60.0
_LEASE_MARGIN_SECONDS = 60.0
"""Seconds by which a claim is longer than the function that made it: a stopped function sends nothing more."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a message goes."""

    channel: Channel | None
    """`None` if the project certainly no longer has the channel."""
    alternatives: tuple[Channel, ...] = ()
    """The project's channels of the same kind: one of them can be the corrected name of the channel."""


class RegistryReader(Protocol):
    """Reads the registry."""

    def __call__(self, *, fresh: bool) -> Registry:
        """Return the registry; with `fresh` not from a cache. Raises `RegistryError` and `DocumentError`."""


class ChannelRouter:
    """Finds the routes of one delivery run. The registry, or the error of reading it, is cached."""

    def __init__(self, read_registry: RegistryReader) -> None:
        """Take the reader of the registry, which is not called while only events are pending."""
        self._read_registry = read_registry
        self._registries: dict[bool, Registry | BackupAuditorError] = {}

    def find_route(self, message: OutboxMessage) -> Route:
        """Return the route of a message.

        Raises `RegistryError` and `DocumentError` if it is unknown: an invalid registry must not lose an alert.
        """
        if message.channel_id == EVENT_CHANNEL.channel_id:
            return Route(EVENT_CHANNEL)
        channel = _find_channel(self._load_registry(fresh=False), message)
        return Route(channel) if channel else _find_current_route(self._load_registry(fresh=True), message)

    def _load_registry(self, *, fresh: bool) -> Registry:
        if fresh not in self._registries:
            try:
                self._registries[fresh] = self._read_registry(fresh=fresh)
            except BackupAuditorError as error:
                self._registries[fresh] = error
        result = self._registries[fresh]
        if isinstance(result, BackupAuditorError):
            raise result
        return result


def _find_channel(registry: Registry, message: OutboxMessage) -> Channel | None:
    return next((it for it in _list_channels(registry, message) if it.channel_id == message.channel_id), None)


def _list_channels(registry: Registry, message: OutboxMessage) -> Iterator[Channel]:
    return (channel for it in registry.projects if it.name == message.project for channel in it.channels)


def _find_current_route(registry: Registry, message: OutboxMessage) -> Route:
    """Find the route in the current registry. Raises `RegistryError` if an invalid entry can be the project."""
    if registry.errors and all(it.name != message.project for it in registry.projects):
        problems = "; ".join(registry.format_error(it) for it in registry.errors[:3])
        raise RegistryError(f"{message.project} may be one of the invalid registry entries; correct them: {problems}")
    alternatives = (it for it in _list_channels(registry, message) if message.channel_id.startswith(f"{it.kind}:"))
    return Route(_find_channel(registry, message), tuple(alternatives))


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt to deliver a message."""

    message: OutboxMessage
    route: Route
    deps: DeliveryDependencies

    def run(self) -> DeliveryResult:
        """Send the message to its channel. A failure is recorded and not raised."""
        seconds_left = self.deps.retrier.seconds_left()
        if seconds_left < _MIN_SECONDS_PER_MESSAGE:
            return DeliveryResult(DeliveryStatus.WAITING)
        recorder = DeliveryRecorder(self.message, self.deps)
        lease = timedelta(seconds=min(seconds_left, _MAX_LEASE_SECONDS) + _LEASE_MARGIN_SECONDS)
        now = self.deps.now()
        try:
            claim = self.deps.outbox.claim(self.message, now, now + lease)
            if claim is None:
                return DeliveryResult(DeliveryStatus.WAITING)
            progress = self.deps.outbox.load_progress(self.message) if claim.attempts > 1 else ""
        except StateError as error:
            return recorder.log_stuck(f"it cannot be claimed in the outbox: {error}")
        if progress == ACCEPTED_PROGRESS:
            return recorder.record_accepted()
        channel = self.route.channel
        return self._deliver(recorder, channel, claim, progress) if channel else self._readdress(recorder)

    def _readdress(self, recorder: DeliveryRecorder) -> DeliveryResult:
        """Readdress the message to a channel that has no message about its audit; drop it if all have one."""
        for channel in self.route.alternatives:
            try:
                is_new = self.deps.outbox.readdress(self.message, readdress(self.message, channel))
            except StateError as error:
                return recorder.log_stuck(f"it cannot be readdressed to {channel.channel_id}: {error}")
            if is_new:
                return recorder.log_readdressed(channel)
        return recorder.record_drop("the project no longer has this channel")

    def _deliver(self, recorder: DeliveryRecorder, channel: Channel, claim: Claim, progress: str) -> DeliveryResult:
        try:
            report = self._load_report()
            if find_trigger(channel, report, self.message.previous_at) is None:
                return recorder.record_drop(
                    f"nothing in it has severity {channel.min_severity} or higher, which the channel requires now"
                )
            self._send(channel, report, claim, progress)
        except BackupAuditorError as error:
            return recorder.record_failure(claim, error, str(error))
        except Exception as error:  # noqa: BLE001  other messages must be sent, and the text can hold secrets
            return recorder.record_failure(
                claim, error, f"internal error {_describe_error(error)}; report it as a defect"
            )
        return recorder.record_accepted()

    def _send(self, channel: Channel, report: Report, claim: Claim, progress: str) -> None:
        record_progress = partial(self.deps.outbox.record_progress, self.message)
        delivery = Delivery(self.message, channel, report, claim.is_possible_duplicate, progress, record_progress)
        self.deps.find_sender(channel.kind).send(delivery)

    def _load_report(self) -> Report:
        stored_report = self.message.report
        content = self.deps.evidence.read(stored_report)
        if hashlib.sha256(content).hexdigest() != stored_report.sha256:
            raise ReportAlteredError(
                f"{stored_report.location} was altered; restore its version with SHA-256 {stored_report.sha256}"
            )
        return load_report(content, stored_report.location)


def _describe_error(error: Exception) -> str:
    """Return the type of an error and the line that raised it, without its text."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    location = f" in {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{location}"


_MAX_CONCURRENCY = 8

type _StatusCounts = Counter[tuple[str, DeliveryStatus]]
type RouteFinder = Callable[[OutboxMessage], Route]


@dataclass(frozen=True, slots=True)
class DeliverySummary:
    """The number of pending messages by result."""

    sent_count: int
    dropped_count: int
    failed_count: int
    waiting_count: int
    failures_by_project: Mapping[str, int]
    """By project, for all projects with pending messages: the number that needs attention."""


def deliver_pending(
    deps: DeliveryDependencies, find_route: RouteFinder, project: str | None = None, kind: ChannelKind | None = None
) -> DeliverySummary:
    """Deliver the pending messages of a project or of all projects, for one kind of channel or for all.

    `find_route` returns where a message goes now; if it raises, the message waits and counts as failed. Raises
    `StateError` if the outbox cannot be read.
    """
    queues: dict[tuple[str, str], list[DeliveryAttempt]] = {}
    counts: _StatusCounts = Counter()
    for message in sorted(deps.outbox.list_pending(project, deps.now()), key=_sort_key):
        if kind is not None and _find_channel_kind(message) != kind:
            continue
        try:
            route = find_route(message)
        except BackupAuditorError as error:
            counts += _log_unroutable(message, error, deps)
        else:
            queues.setdefault(_find_queue_key(message), []).append(DeliveryAttempt(message, route, deps))
    with WorkerPool(_MAX_CONCURRENCY) as pool:
        for queue in queues.values():
            pool.submit(partial(_deliver_queue, queue), counts.update, fallback=_count_waiting(queue))
        pool.finish(deps.retrier.seconds_left)
    return _summarize(counts)


def _sort_key(message: OutboxMessage) -> tuple[datetime, str]:
    return message.observed_at, message.message_id


def _find_channel_kind(message: OutboxMessage) -> str:
    return message.channel_id.partition(":")[0]


def _find_queue_key(message: OutboxMessage) -> tuple[str, str]:
    """Return the key of a queue with one message at a time. Projects share the queue of a webhook."""
    is_shared = _find_channel_kind(message) == ChannelKind.SLACK
    return "" if is_shared else message.project, message.channel_id


def _deliver_queue(queue: Sequence[DeliveryAttempt]) -> _StatusCounts:
    """Deliver the messages of one channel, the oldest first. If the channel is busy, the rest waits."""
    counts: _StatusCounts = Counter()
    for position, attempt in enumerate(queue, 1):
        result = attempt.run()
        counts[attempt.message.project, result.status] += 1
        if result.is_channel_busy:
            return counts + _count_waiting(queue[position:])
    return counts


def _count_waiting(queue: Sequence[DeliveryAttempt]) -> _StatusCounts:
    return Counter((it.message.project, DeliveryStatus.WAITING) for it in queue)


def _log_unroutable(message: OutboxMessage, error: BackupAuditorError, deps: DeliveryDependencies) -> _StatusCounts:
    """Log a message without a known route, and let it wait, so that no alert is lost."""
    extra = {"project": message.project, "audit_id": message.audit_id, "channel": message.channel_id}
    text = f"{message.project}: message to {message.channel_id} postponed: {error}"
    deps.log.error(text, extra=extra)
    return Counter({(message.project, DeliveryStatus.NEEDS_ATTENTION): 1})


def _summarize(counts: _StatusCounts) -> DeliverySummary:
    totals: Counter[DeliveryStatus] = Counter()
    failures: Counter[str] = Counter()
    for (project, status), count in counts.items():
        totals[status] += count
        failures[project] += count if status is DeliveryStatus.NEEDS_ATTENTION else 0
    return DeliverySummary(
        sent_count=totals[DeliveryStatus.SENT],
        dropped_count=totals[DeliveryStatus.DROPPED],
        failed_count=totals[DeliveryStatus.FAILED] + totals[DeliveryStatus.NEEDS_ATTENTION],
        waiting_count=totals[DeliveryStatus.WAITING],
        failures_by_project=dict(failures),
    )
