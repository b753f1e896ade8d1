"""Delivers what the outbox holds: channels side by side, the messages of each one after the other."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from backup_auditor.domain.alerting.channel import Channel, ChannelKind
from backup_auditor.domain.alerting.message import Message
from backup_auditor.errors import BackupAuditorError
from backup_auditor.gathering.crew import Crew
from backup_auditor.service.delivery.handing_over import Handover
from backup_auditor.service.delivery.means import Fate, Means

_AT_ONCE = 8

type _Fates = Counter[tuple[str, Fate]]
type ChannelOf = Callable[[Message], Channel | None]


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
    means: Means, channel_of: ChannelOf, project: str | None = None, only: ChannelKind | None = None
) -> Deliveries:
    """Deliver the messages of a project, or of all, that are due; of one kind, or of all.

    `channel_of` tells the channel of a message, `None` where the project has it no more; where it raises, the message
    waits, and counts as failed. Raises `StateError` where the outbox cannot be read: then nothing was looked at.
    """
    lanes: dict[tuple[str, str], list[Message]] = {}
    for message in sorted(means.outbox.pending(project, means.now()), key=_age):
        if only is None or message.channel_id.partition(":")[0] == only:
            lanes.setdefault((message.project, message.channel_id), []).append(message)
    fates: _Fates = Counter()
    with Crew(_AT_ONCE) as crew:
        for messages in lanes.values():
            try:
                channel = channel_of(messages[0])
            except BackupAuditorError as error:
                fates += _unknown(messages, error, means)
                continue
            not_ended = Counter({(messages[0].project, Fate.WAITING): len(messages)})
            crew.do(partial(_work_off, messages, channel, means), fates.update, instead=not_ended)
        crew.finish(means.patience.seconds_left)
    return _deliveries(fates)


def _age(message: Message) -> tuple[datetime, str]:
    return message.observed_at, message.message_id


def _work_off(messages: Sequence[Message], channel: Channel | None, means: Means) -> _Fates:
    """Deliver the messages of one channel, the oldest first; where it is too busy for one, the others wait."""
    fates: _Fates = Counter()
    for number, message in enumerate(messages, 1):
        outcome = Handover(message, channel, means).done()
        fates[message.project, outcome.fate] += 1
        if outcome.is_channel_busy:
            fates[message.project, Fate.WAITING] += len(messages) - number
            break
    return fates


def _unknown(messages: Sequence[Message], error: BackupAuditorError, means: Means) -> _Fates:
    """Let messages wait whose channel cannot be known: an alert may not be lost."""
    for message in messages:
        extra = {"project": message.project, "audit_id": message.audit_id, "channel": message.channel_id}
        text = f"{message.project}: a message to {message.channel_id} waits: {error}"
        means.log.error(text, extra=extra)
    return Counter({(messages[0].project, Fate.FAILED_LASTINGLY): len(messages)})


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
