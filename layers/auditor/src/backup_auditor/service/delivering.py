"""Delivers what the outbox holds: channels side by side, the messages of each one after the other."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from backup_auditor.domain.alerting.channel import ChannelKind
from backup_auditor.domain.alerting.message import Message
from backup_auditor.errors import BackupAuditorError
from backup_auditor.gathering.crew import Crew
from backup_auditor.service.delivery.handing_over import Handover
from backup_auditor.service.delivery.means import Fate, Means
from backup_auditor.service.delivery.registered import Address

_AT_ONCE = 8

type _Fates = Counter[tuple[str, Fate]]
type AddressOf = Callable[[Message], Address]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What became of the messages that were due."""

    sent: int
    dropped: int
    failed: int
    waiting: int
    failures: Mapping[str, int]
    """By project, of all whose messages were due: how many failed, and not only for the first time."""


def deliver(
    means: Means, address_of: AddressOf, project: str | None = None, only: ChannelKind | None = None
) -> Deliveries:
    """Deliver the messages of a project, or of all, that are due; of one kind, or of all.

    `address_of` tells where a message goes now; where it raises, the message waits, and counts as failed. Raises
    `StateError` where the outbox cannot be read: then nothing was looked at.
    """
    lanes: dict[tuple[str, str], list[Handover]] = {}
    fates: _Fates = Counter()
    for message in sorted(means.outbox.pending(project, means.now()), key=_age):
        if only is not None and _kind_of(message) != only:
            continue
        try:
            address = address_of(message)
        except BackupAuditorError as error:
            fates += _unknown(message, error, means)
        else:
            lanes.setdefault(_lane_of(message), []).append(Handover(message, address, means))
    with Crew(_AT_ONCE) as crew:
        for lane in lanes.values():
            crew.do(partial(_work_off, lane), fates.update, instead=_waiting(lane))
        crew.finish(means.patience.seconds_left)
    return _deliveries(fates)


def _age(message: Message) -> tuple[datetime, str]:
    return message.observed_at, message.message_id


def _kind_of(message: Message) -> str:
    return message.channel_id.partition(":")[0]


def _lane_of(message: Message) -> tuple[str, str]:
    """Return what takes one message at a time. A webhook does, whichever projects share it: it takes one a second."""
    is_shared = _kind_of(message) == ChannelKind.SLACK
    return "" if is_shared else message.project, message.channel_id


def _work_off(lane: Sequence[Handover]) -> _Fates:
    """Deliver the messages of one channel, the oldest first; where it is too busy for one, the others wait."""
    fates: _Fates = Counter()
    for number, handover in enumerate(lane, 1):
        outcome = handover.done()
        fates[handover.message.project, outcome.fate] += 1
        if outcome.is_channel_busy:
            return fates + _waiting(lane[number:])
    return fates


def _waiting(lane: Sequence[Handover]) -> _Fates:
    return Counter((it.message.project, Fate.WAITING) for it in lane)


def _unknown(message: Message, error: BackupAuditorError, means: Means) -> _Fates:
    """Let a message wait whose channel cannot be known: an alert may not be lost."""
    extra = {"project": message.project, "audit_id": message.audit_id, "channel": message.channel_id}
    text = f"{message.project}: a message to {message.channel_id} waits: {error}"
    means.log.error(text, extra=extra)
    return Counter({(message.project, Fate.FAILED_LASTINGLY): 1})


def _deliveries(fates: _Fates) -> Deliveries:
    totals: Counter[Fate] = Counter()
    failures: Counter[str] = Counter()
    for (project, fate), count in fates.items():
        totals[fate] += count
        failures[project] += count if fate is Fate.FAILED_LASTINGLY else 0
    return Deliveries(
        sent=totals[Fate.SENT],
        dropped=totals[Fate.DROPPED],
        failed=totals[Fate.FAILED] + totals[Fate.FAILED_LASTINGLY],
        waiting=totals[Fate.WAITING],
        failures=dict(failures),
    )
