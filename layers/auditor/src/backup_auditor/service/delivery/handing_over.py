"""One message on its way: taken from the outbox, put beside the report that was kept, carried, and settled."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from backup_auditor.domain.alerting.channel import Channel
from backup_auditor.domain.alerting.message import Message
from backup_auditor.domain.alerting.occasions import occasion_for, readdressed
from backup_auditor.domain.alerting.told import told_of
from backup_auditor.domain.report import Report
from backup_auditor.errors import BackupAuditorError, ReportAlteredError, StateError
from backup_auditor.ports.state import Claim
from backup_auditor.service.delivery.means import Fate, Means, Outcome
from backup_auditor.service.delivery.parcel import Parcel
from backup_auditor.service.delivery.registered import Address
from backup_auditor.service.delivery.settling import ACCEPTED, Settlement

_FOR_ONE_MESSAGE = 40.0
"""Seconds: with fewer left, none is begun."""
_LONGEST_LEASE = 15 * 60.0
_LEASE_MARGIN = 60.0
"""Seconds that a lease outlasts whoever took it: a function that was stopped sends nothing more."""


@dataclass(frozen=True, slots=True)
class Handover:
    """One message, and where it goes."""

    message: Message
    address: Address
    means: Means

    def done(self) -> Outcome:
        """Bring the message to its channel, once. Whatever fails is recorded, and raised nowhere."""
        seconds_left = self.means.patience.seconds_left()
        if seconds_left < _FOR_ONE_MESSAGE:
            return Outcome(Fate.WAITING)
        settlement = Settlement(self.message, self.means)
        lease = timedelta(seconds=min(seconds_left, _LONGEST_LEASE) + _LEASE_MARGIN)
        now = self.means.now()
        try:
            claim = self.means.outbox.claim(self.message, now, now + lease)
            if claim is None:
                return Outcome(Fate.WAITING)
            progress = self.means.outbox.progress(self.message) if claim.attempts > 1 else ""
        except StateError as error:
            return settlement.stuck(f"it cannot be taken from the outbox: {error}")
        if progress == ACCEPTED:
            return settlement.accepted()
        channel = self.address.channel
        return self._carried(settlement, channel, claim, progress) if channel else self._readdressed(settlement)

    def _readdressed(self, settlement: Settlement) -> Outcome:
        """Hand a message to a channel that has not heard of its audit; drop it where everybody has."""
        for channel in self.address.instead:
            try:
                is_new = self.means.outbox.readdress(self.message, readdressed(self.message, channel))
            except StateError as error:
                return settlement.stuck(f"it cannot be handed to {channel.channel_id}: {error}")
            if is_new:
                return settlement.handed_to(channel)
        return settlement.dropped("the project has no such channel any more")

    def _carried(self, settlement: Settlement, channel: Channel, claim: Claim, progress: str) -> Outcome:
        try:
            report = self._report()
            if occasion_for(channel, report, self.message.previous_at) is None:
                return settlement.dropped(f"nothing in it is {channel.severity} or worse, which the channel wants now")
            self._carry(channel, report, claim, progress)
        except BackupAuditorError as error:
            return settlement.failed(claim, error, str(error))
        except Exception as error:  # noqa: BLE001  it may keep no other message, and its text may hold anything
            return settlement.failed(claim, error, f"{_place_of(error)}; please report it as a defect")
        return settlement.accepted()

    def _carry(self, channel: Channel, report: Report, claim: Claim, progress: str) -> None:
        note = partial(self.means.outbox.note_progress, self.message)
        parcel = Parcel(self.message, channel, report, claim.may_be_repeat, progress, note)
        self.means.carrier_for(channel.kind).carry(parcel)

    def _report(self) -> Report:
        kept = self.message.report
        content = self.means.evidence.read(kept)
        if hashlib.sha256(content).hexdigest() != kept.sha256:
            raise ReportAlteredError(
                f"{kept.location} is not the report that was kept there: restore its version with SHA-256 {kept.sha256}"
            )
        return told_of(content, kept.location)


def _place_of(error: Exception) -> str:
    """Name an error and the line that raised it, without its text."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" in {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{place}"
