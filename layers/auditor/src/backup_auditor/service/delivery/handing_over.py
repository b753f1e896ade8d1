"""One message on its way: taken from the outbox, put beside the report that was kept, carried, and settled."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from backup_auditor.domain.alerting.channel import Channel
from backup_auditor.domain.alerting.message import Message
from backup_auditor.domain.alerting.told import told_of
from backup_auditor.domain.report import Report
from backup_auditor.errors import BackupAuditorError, ReportAlteredError, StateError
from backup_auditor.ports.state import Claim
from backup_auditor.service.delivery.means import Fate, Means, Outcome
from backup_auditor.service.delivery.parcel import Parcel
from backup_auditor.service.delivery.settling import ACCEPTED, Settlement

_FOR_ONE_MESSAGE = 40.0
"""Seconds: with fewer left, none is begun."""
_LONGEST_LEASE = 15 * 60.0
_LEASE_MARGIN = 60.0
"""Seconds that a lease outlasts whoever took it: a function that was stopped sends nothing more."""


@dataclass(frozen=True, slots=True)
class Handover:
    """One message and its channel; `None` where the project has no such channel any more."""

    message: Message
    channel: Channel | None
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
        return self._carried(self.channel, claim, progress) if self.channel else settlement.dropped()

    def _carried(self, channel: Channel, claim: Claim, progress: str) -> Outcome:
        settlement = Settlement(self.message, self.means)
        try:
            self._carry(channel, claim, progress)
        except BackupAuditorError as error:
            return settlement.failed(claim, error, str(error))
        except Exception as error:  # noqa: BLE001  it may keep no other message, and its text may hold anything
            return settlement.failed(claim, error, f"{_place_of(error)}; please report it as a defect")
        return settlement.accepted()

    def _carry(self, channel: Channel, claim: Claim, progress: str) -> None:
        note = partial(self.means.outbox.note_progress, self.message)
        parcel = Parcel(self.message, channel, self._report(), claim.may_be_repeat, progress, note)
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
