"""Deliver the messages of the outbox: channels in parallel, the messages of one channel in order."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from backup_auditor.application.notifications.delivery import (
    ACCEPTED,
    Delivery,
    DeliveryDependencies,
    DeliveryRecorder,
    DeliveryResult,
    DeliveryStatus,
)
from backup_auditor.application.notifications.routing import Route
from backup_auditor.domain.notifications.triggers import readdress, trigger_for
from backup_auditor.domain.outbox import Channel, ChannelKind, OutboxMessage
from backup_auditor.domain.reporting.report import Report
from backup_auditor.errors import BackupAuditorError, ReportAlteredError, StateError
from backup_auditor.ports.stores import Claim
from backup_auditor.rendering.formats.json import load_report
from backup_auditor.worker_pool import WorkerPool

_FOR_ONE_MESSAGE = 40.0
"""Seconds: with fewer left, none is begun."""
_LONGEST_LEASE = 15 * 60.0
_LEASE_MARGIN = 60.0
"""Seconds that a lease outlasts whoever took it: a function that was stopped sends nothing more."""


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One message, and where it goes."""

    message: OutboxMessage
    address: Route
    means: DeliveryDependencies

    def done(self) -> DeliveryResult:
        """Bring the message to its channel, once. Whatever fails is recorded, and raised nowhere."""
        seconds_left = self.means.patience.seconds_left()
        if seconds_left < _FOR_ONE_MESSAGE:
            return DeliveryResult(DeliveryStatus.WAITING)
        settlement = DeliveryRecorder(self.message, self.means)
        lease = timedelta(seconds=min(seconds_left, _LONGEST_LEASE) + _LEASE_MARGIN)
        now = self.means.now()
        try:
            claim = self.means.outbox.claim(self.message, now, now + lease)
            if claim is None:
                return DeliveryResult(DeliveryStatus.WAITING)
            progress = self.means.outbox.progress(self.message) if claim.attempts > 1 else ""
        except StateError as error:
            return settlement.stuck(f"it cannot be taken from the outbox: {error}")
        if progress == ACCEPTED:
            return settlement.accepted()
        channel = self.address.channel
        return self._carried(settlement, channel, claim, progress) if channel else self._readdressed(settlement)

    def _readdressed(self, settlement: DeliveryRecorder) -> DeliveryResult:
        """Hand a message to a channel that has not heard of its audit; drop it where everybody has."""
        for channel in self.address.instead:
            try:
                is_new = self.means.outbox.readdress(self.message, readdress(self.message, channel))
            except StateError as error:
                return settlement.stuck(f"it cannot be handed to {channel.channel_id}: {error}")
            if is_new:
                return settlement.handed_to(channel)
        return settlement.dropped("the project has no such channel any more")

    def _carried(self, settlement: DeliveryRecorder, channel: Channel, claim: Claim, progress: str) -> DeliveryResult:
        try:
            report = self._report()
            if trigger_for(channel, report, self.message.previous_at) is None:
                return settlement.dropped(f"nothing in it is {channel.severity} or worse, which the channel wants now")
            self._carry(channel, report, claim, progress)
        except BackupAuditorError as error:
            return settlement.failed(claim, error, str(error))
        except Exception as error:  # noqa: BLE001  it may keep no other message, and its text may hold anything
            return settlement.failed(claim, error, f"{_place_of(error)}; please report it as a defect")
        return settlement.accepted()

    def _carry(self, channel: Channel, report: Report, claim: Claim, progress: str) -> None:
        note = partial(self.means.outbox.note_progress, self.message)
        parcel = Delivery(self.message, channel, report, claim.may_be_repeat, progress, note)
        self.means.carrier_for(channel.kind).carry(parcel)

    def _report(self) -> Report:
        kept = self.message.report
        content = self.means.evidence.read(kept)
        if hashlib.sha256(content).hexdigest() != kept.sha256:
            raise ReportAlteredError(
                f"{kept.location} is not the report that was kept there: restore its version with SHA-256 {kept.sha256}"
            )
        return load_report(content, kept.location)


def _place_of(error: Exception) -> str:
    """Name an error and the line that raised it, without its text."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" in {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{place}"


_AT_ONCE = 8

type _Fates = Counter[tuple[str, DeliveryStatus]]
type AddressOf = Callable[[OutboxMessage], Route]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What became of the messages that were due."""

    sent: int
    dropped: int
    failed: int
    waiting: int
    failures: Mapping[str, int]
    """By project, of all whose messages were due: how many failed, and not only for the first time."""


def deliver_pending(
    means: DeliveryDependencies, address_of: AddressOf, project: str | None = None, only: ChannelKind | None = None
) -> Deliveries:
    """Deliver the messages of a project, or of all, that are due; of one kind, or of all.

    `address_of` tells where a message goes now; where it raises, the message waits, and counts as failed. Raises
    `StateError` where the outbox cannot be read: then nothing was looked at.
    """
    lanes: dict[tuple[str, str], list[DeliveryAttempt]] = {}
    fates: _Fates = Counter()
    for message in sorted(means.outbox.pending(project, means.now()), key=_age):
        if only is not None and _kind_of(message) != only:
            continue
        try:
            address = address_of(message)
        except BackupAuditorError as error:
            fates += _unknown(message, error, means)
        else:
            lanes.setdefault(_lane_of(message), []).append(DeliveryAttempt(message, address, means))
    with WorkerPool(_AT_ONCE) as crew:
        for lane in lanes.values():
            crew.do(partial(_deliver_lane, lane), fates.update, instead=_waiting(lane))
        crew.finish(means.patience.seconds_left)
    return _deliveries(fates)


def _age(message: OutboxMessage) -> tuple[datetime, str]:
    return message.observed_at, message.message_id


def _kind_of(message: OutboxMessage) -> str:
    return message.channel_id.partition(":")[0]


def _lane_of(message: OutboxMessage) -> tuple[str, str]:
    """Return what takes one message at a time. A webhook does, whichever projects share it: it takes one a second."""
    is_shared = _kind_of(message) == ChannelKind.SLACK
    return "" if is_shared else message.project, message.channel_id


def _deliver_lane(lane: Sequence[DeliveryAttempt]) -> _Fates:
    """Deliver the messages of one channel, the oldest first; where it is too busy for one, the others wait."""
    fates: _Fates = Counter()
    for number, handover in enumerate(lane, 1):
        outcome = handover.done()
        fates[handover.message.project, outcome.fate] += 1
        if outcome.is_channel_busy:
            return fates + _waiting(lane[number:])
    return fates


def _waiting(lane: Sequence[DeliveryAttempt]) -> _Fates:
    return Counter((it.message.project, DeliveryStatus.WAITING) for it in lane)


def _unknown(message: OutboxMessage, error: BackupAuditorError, means: DeliveryDependencies) -> _Fates:
    """Let a message wait whose channel cannot be known: an alert may not be lost."""
    extra = {"project": message.project, "audit_id": message.audit_id, "channel": message.channel_id}
    text = f"{message.project}: a message to {message.channel_id} waits: {error}"
    means.log.error(text, extra=extra)
    return Counter({(message.project, DeliveryStatus.FAILED_LASTINGLY): 1})


def _deliveries(fates: _Fates) -> Deliveries:
    totals: Counter[DeliveryStatus] = Counter()
    failures: Counter[str] = Counter()
    for (project, fate), count in fates.items():
        totals[fate] += count
        failures[project] += count if fate is DeliveryStatus.FAILED_LASTINGLY else 0
    return Deliveries(
        sent=totals[DeliveryStatus.SENT],
        dropped=totals[DeliveryStatus.DROPPED],
        failed=totals[DeliveryStatus.FAILED] + totals[DeliveryStatus.FAILED_LASTINGLY],
        waiting=totals[DeliveryStatus.WAITING],
        failures=dict(failures),
    )
