"""Find the routes of messages and deliver them: channels in parallel, the messages of one channel in order."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import NamedTuple, Protocol

from backup_auditor.domain.audit_failure import FailureNotice
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.discovery_notice import DiscoveryNotice
from backup_auditor.domain.fleet_record import FleetComparison
from backup_auditor.domain.notifications.digest import find_trigger, readdress
from backup_auditor.domain.outbox import EVENT_CHANNEL, FLEET, Channel, ChannelKind, OutboxMessage
from backup_auditor.domain.registry import Registry
from backup_auditor.domain.reporting.report import Report
from backup_auditor.domain.timefmt import format_minute
from backup_auditor.errors import (
    AcceptanceUnknownError,
    BackupAuditorError,
    ChannelRefusedError,
    DeliveryError,
    EvidenceError,
    EvidenceMissingError,
    EvidenceRefusedError,
    RegistryError,
    ReportAlteredError,
    SecretError,
    SecretUnavailableError,
    StateError,
    describe_failure,
)
from backup_auditor.ports.messaging import Log
from backup_auditor.ports.stores import Claim, EvidenceStore, Outbox
from backup_auditor.rendering.fleet_json import FleetDocument, load_fleet_document
from backup_auditor.rendering.formats.json import load_report
from backup_auditor.retry import Retrier
from backup_auditor.worker_pool import WorkerPool

_MIN_SECONDS_PER_MESSAGE = 40.0
"""Seconds that must be left to start with a message."""
_MAX_LEASE_SECONDS = 15 * 60.0
_LEASE_MARGIN_SECONDS = 60.0
"""Seconds by which a claim is longer than the function that made it: a stopped function sends nothing more."""


@dataclass(frozen=True, slots=True)
class FleetDocuments:
    """The pages that a digest of the fleet is rendered from."""

    comparison: FleetComparison
    current: FleetDocument
    previous: FleetDocument | None
    """`None` for the first digest of a channel, or if the page before has expired or is of another version."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message, and what is needed to render and send it."""

    message: OutboxMessage
    channel: Channel
    content: Report | FailureNotice | DiscoveryNotice | FleetDocuments
    """The report of the message, its notice, or its pages of the fleet."""
    is_possible_duplicate: bool
    """Whether an earlier attempt may have arrived although it was not confirmed."""
    progress: str
    """The sender's record of the parts that were accepted before."""
    record_progress: Callable[[str], None]
    """Stores such a record. Raises `StateError`."""


class Sender(Protocol):
    """Sends messages to channels of one kind."""

    def send(self, delivery: Delivery) -> None:
        """Send a message, with retries as far as time allows. Raises `DeliveryError` and `SecretError`."""


class DeliveryDependencies(Protocol):
    """What deliveries need from outside."""

    outbox: Outbox
    evidence: EvidenceStore
    retrier: Retrier
    log: Log

    def find_sender(self, kind: ChannelKind) -> Sender:
        """Return the sender for channels of a kind."""

    def now(self) -> datetime:
        """Return the present time."""


class DeliveryStatus(StrEnum):
    """The status of a message after an attempt."""

    SENT = "accepted"
    DROPPED = "dropped"
    """The project no longer has its channel, or the channel's minimum severity excludes all of it."""
    WAITING = "waiting"
    """Not attempted: no time was left, another function has it, or another channel receives it."""
    FAILED = "failed"
    NEEDS_ATTENTION = "needs attention"
    """Failed for hours, or with an error that no retry resolves."""


class DeliveryResult(NamedTuple):
    """The status of a message, and whether its channel can take another one now."""

    status: DeliveryStatus
    is_channel_busy: bool = False
    """Whether the channel did not answer or asked to wait, so that another message would fail too."""


ACCEPTED_PROGRESS = "accepted"
"""The progress of a message that was accepted but could not be marked as sent: it is not sent again."""
_RETRY_WAITS = tuple(timedelta(minutes=it) for it in (1, 5, 15, 40))
"""Waits before the next attempts. The last is repeated, and is the longest that a channel can ask for: a message that
cannot be delivered fails at least once per hour, so the alarm stays on."""
_HEALING_TIME = timedelta(hours=4)
"""How old a message is when a failure needs attention: an outage of three hours is over, and a retry was due since."""
_FINAL_ERRORS = (ChannelRefusedError, SecretError, ReportAlteredError)
"""Errors that stay until a person corrects something."""
_RECORD_WAITS = (0.2, 1.0, 5.0)


class Route(Protocol):
    """Where a message goes."""

    def follow(self, attempt: "DeliveryAttempt", claim: Claim, progress: str) -> DeliveryResult:
        """Deliver a claimed message, or decide what becomes of it. A failure is recorded and not raised."""


@dataclass(frozen=True, slots=True)
class ChannelRoute:
    """The route to a channel that the project has."""

    channel: Channel

    def follow(self, attempt: "DeliveryAttempt", claim: Claim, progress: str) -> DeliveryResult:
        """Send the message to the channel."""
        return attempt.send(self.channel, claim, progress)


@dataclass(frozen=True, slots=True)
class LostRoute:
    """The route to a channel that the project certainly no longer has."""

    alternatives: tuple[Channel, ...]
    """The project's channels of the same kind: one of them can be the corrected name of the channel."""

    def follow(self, attempt: "DeliveryAttempt", _claim: Claim, _progress: str) -> DeliveryResult:
        """Readdress the message to a channel that has no message about its audit; drop it if all have one."""
        message, deps = attempt.message, attempt.deps
        for channel in self.alternatives:
            try:
                is_new = deps.outbox.readdress(message, readdress(message, channel))
            except StateError as error:
                return attempt.log_stuck(f"it cannot be moved to channel {channel.channel_id}: {error}")
            if is_new:  # with the next pending messages
                text = f"the project no longer has this channel; {channel.channel_id} receives the message instead"
                attempt.log(deps.log.warning, text)
                return DeliveryResult(DeliveryStatus.WAITING)
        return attempt.drop("the project no longer has this channel")


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
        """Return the route of a message. Raises `RegistryError` and `DocumentError`: no alert may be lost."""
        if message.channel_id == EVENT_CHANNEL.channel_id:
            return ChannelRoute(EVENT_CHANNEL)
        channel = _find_channel(self._load_registry(fresh=False), message)
        return ChannelRoute(channel) if channel else _find_current_route(self._load_registry(fresh=True), message)

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
    if message.project == FLEET:
        return (it.channel for it in registry.fleet_channels)
    return (channel for it in registry.projects if it.name == message.project for channel in it.channels)


def _find_current_route(registry: Registry, message: OutboxMessage) -> Route:
    """Find the route in the current registry. Raises `RegistryError` if an invalid entry can be the project.

    The same applies to an invalid channel of the fleet.
    """
    channel = _find_channel(registry, message)
    if message.project == FLEET and channel is None and registry.fleet_errors:
        problems = "; ".join(registry.format_error(it) for it in registry.fleet_errors[:3])
        raise RegistryError(f"{message.channel_id} may be one of the invalid fleet channels; correct them: {problems}")
    if registry.errors and message.project not in {FLEET, *(it.name for it in registry.projects)}:
        problems = "; ".join(registry.format_error(it) for it in registry.errors[:3])
        raise RegistryError(f"{message.project} may be one of the invalid registry entries; correct them: {problems}")
    alternatives = (it for it in _list_channels(registry, message) if message.channel_id.startswith(f"{it.kind}:"))
    return ChannelRoute(channel) if channel else LostRoute(tuple(alternatives))


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
        lease = timedelta(seconds=min(seconds_left, _MAX_LEASE_SECONDS) + _LEASE_MARGIN_SECONDS)
        now = self.deps.now()
        try:
            claim = self.deps.outbox.claim(self.message, now, now + lease)
            if claim is None:
                return DeliveryResult(DeliveryStatus.WAITING)
            progress = self.deps.outbox.load_progress(self.message) if claim.attempts > 1 else ""
        except StateError as error:
            return self.log_stuck(f"it cannot be claimed in the outbox: {error}")
        if progress == ACCEPTED_PROGRESS:
            return self._record_accepted()
        return self.route.follow(self, claim, progress)

    def send(self, channel: Channel, claim: Claim, progress: str) -> DeliveryResult:
        """Send the claimed message to a channel, and record the result."""
        try:
            content = self._load_content()
            if isinstance(content, Report) and find_trigger(channel, content, self.message.previous_at) is None:
                return self.drop(
                    f"nothing in it has severity {channel.min_severity} or higher, which the channel requires now"
                )
            record_progress = partial(self.deps.outbox.record_progress, self.message)
            delivery = Delivery(self.message, channel, content, claim.is_possible_duplicate, progress, record_progress)
            self.deps.find_sender(channel.kind).send(delivery)
        except Exception as error:  # noqa: BLE001  other messages must be sent
            return self._record_failure(claim, error, describe_failure(error))
        return self._record_accepted()

    def _load_content(self) -> Report | FailureNotice | DiscoveryNotice | FleetDocuments:
        match self.message.content:
            case FailureNotice() | DiscoveryNotice() as notice:
                return notice
            case FleetComparison() as comparison:
                current = self._load_fleet(comparison.page.document)
                return FleetDocuments(comparison, current, self._load_previous_fleet(comparison.previous))
            case StoredReport() as stored_report:
                return load_report(self._read_unaltered(stored_report), stored_report.location)

    def _load_previous_fleet(self, document: StoredFile | None) -> FleetDocument | None:
        """Return the page of the digest before, `None` if there is none to compare with.

        The bucket may no longer have it: the role may not list the bucket, so S3 refuses a missing page, and the right
        to read it was used just before. Or another version wrote it.
        """
        if document is None:
            return None
        try:
            content = self._read_unaltered(document)
        except (EvidenceMissingError, EvidenceRefusedError):
            return None
        with suppress(EvidenceError):
            return load_fleet_document(content, document.location)
        return None

    def _load_fleet(self, document: StoredFile) -> FleetDocument:
        return load_fleet_document(self._read_unaltered(document), document.location)

    def _read_unaltered(self, file: StoredFile) -> bytes:
        content = self.deps.evidence.read(file)
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise ReportAlteredError(f"{file.location} was altered; restore its version with SHA-256 {file.sha256}")
        return content

    def _record_accepted(self, status: DeliveryStatus = DeliveryStatus.SENT) -> DeliveryResult:
        """Mark the message as sent or dropped. If that fails, record it as progress, so that it is not sent twice."""
        outbox, reason = self.deps.outbox, ""
        for wait in (0.0, *_RECORD_WAITS):
            self.deps.retrier.sleep(wait)
            try:
                outbox.mark_sent(self.message, self.deps.now())
            except StateError as error:
                reason = str(error)
                continue
            self.log(self.deps.log.info, status)
            return DeliveryResult(status)
        try:
            outbox.record_progress(self.message, ACCEPTED_PROGRESS)
        except StateError:
            return self.log_stuck(f"{status}, but this could not be recorded: {reason}; it may be sent again")
        return self.log_stuck(f"{status}, but recorded only as progress: {reason}; it is not sent again")

    def _record_failure(self, claim: Claim, error: Exception, reason: str) -> DeliveryResult:
        """Record that the message was not accepted, or that this is unknown, and the time of the next attempt."""
        wait = _RETRY_WAITS[min(claim.attempts, len(_RETRY_WAITS)) - 1]
        if isinstance(error, DeliveryError) and error.retry_after is not None:
            wait = max(wait, min(timedelta(seconds=error.retry_after), _RETRY_WAITS[-1]))
        retry_at = self.deps.now() + wait
        is_known_error = isinstance(error, DeliveryError | SecretError | EvidenceError)
        may_have_arrived = not is_known_error or isinstance(error, AcceptanceUnknownError)
        try:
            self.deps.outbox.mark_failed(self.message, reason, retry_at, may_have_arrived=may_have_arrived)
        except StateError as record_error:
            return self.log_stuck(f"{reason}; the failure could not be recorded: {record_error}")
        text = f"{reason}; next attempt at {format_minute(retry_at)}"
        is_final = isinstance(error, _FINAL_ERRORS) and not isinstance(error, SecretUnavailableError)
        is_busy = isinstance(error, DeliveryError) and not is_final
        return DeliveryResult(self._log_failure(text, is_final=is_final, attempts=claim.attempts), is_busy)

    def drop(self, reason: str) -> DeliveryResult:
        """Record that no channel needs the message any more."""
        self.log(self.deps.log.warning, f"not sent: {reason}")
        return self._record_accepted(DeliveryStatus.DROPPED)

    def log_stuck(self, reason: str) -> DeliveryResult:
        """Log that the outbox could not be updated. The message stays, and is retried when its claim ends."""
        return DeliveryResult(self._log_failure(reason))

    def _log_failure(self, reason: str, *, is_final: bool = False, **fields: object) -> DeliveryStatus:
        """Log a failure, and return whether it needs attention: it is final, or the message is old."""
        status = _assess_failure(self.message, self.deps.now(), is_final=is_final)
        needs_attention = status is DeliveryStatus.NEEDS_ATTENTION
        self.log(self.deps.log.error if needs_attention else self.deps.log.warning, reason, **fields)
        return status

    def log(self, write_line: Callable[..., None], text: str, **fields: object) -> None:
        """Log a text about the message."""
        message = self.message
        extra = {
            "project": message.project,
            "audit_id": message.audit_id,
            "message_id": message.message_id,
            "channel": message.channel_id,
            "trigger": message.trigger,
            **fields,
        }
        subject = f"{message.project}: message of {format_minute(message.observed_at)} to {message.channel_id}"
        write_line(f"{subject}: {text}", extra=extra)


def _assess_failure(message: OutboxMessage, now: datetime, *, is_final: bool) -> DeliveryStatus:
    is_old = now - message.observed_at > _HEALING_TIME
    return DeliveryStatus.NEEDS_ATTENTION if is_final or is_old else DeliveryStatus.FAILED


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
    status = _assess_failure(message, deps.now(), is_final=isinstance(error, RegistryError))
    log_line = deps.log.error if status is DeliveryStatus.NEEDS_ATTENTION else deps.log.warning
    log_line(text, extra=extra)
    return Counter({(message.project, status): 1})


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
