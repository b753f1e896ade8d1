"""Creates, changes and deletes backup schedules."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from backup_auditor.adapters.pinecone import shapes
from backup_auditor.adapters.pinecone.calling import Caller
from backup_auditor.adapters.pinecone.failures import AnswerLostError
from backup_auditor.adapters.pinecone.paging import quoted
from backup_auditor.adapters.pinecone.reader import PineconeReader
from backup_auditor.adapters.pinecone.translation import Translation
from backup_auditor.adapters.pinecone.understanding import read_one
from backup_auditor.adapters.pinecone.writing.settling import delete, known_before, settle
from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.listing import Walk
from backup_auditor.errors import NotUnderstoodError


class ScheduleWriter:
    """Changes the schedules of a project. Raises any `PineconeError`."""

    def __init__(self, caller: Caller, version: str, reader: PineconeReader) -> None:
        """Write through a caller, and look through a reader."""
        self._caller = caller
        self._version = version
        self._reader = reader
        self._translation = Translation()

    def describe(self, schedule_id: str) -> Schedule:
        """Read one schedule."""
        return self._schedule(self._caller.read(_target(schedule_id), self._version))

    def create(
        self,
        index: str,
        name: str,
        frequency: Frequency,
        retention: timedelta,
        beside: Iterable[Schedule] | None = None,
    ) -> Schedule:
        """Create an enabled schedule. `ConflictError` means that the index has one; a paused one is no hindrance.

        `beside` are the index's schedules, where they were just read.
        """

        def look() -> Walk[Schedule]:
            return self._reader.schedules(index)

        before = known_before(look, _id, beside)
        body = {
            "name": name,
            "schedule": {"type": "time-based", "frequency": frequency.value},
            "retention": {"expire_after_days": retention.days},
        }
        target = f"/indexes/{quoted(index)}/backup-schedules".encode()
        try:
            return self._schedule(self._caller.write("POST", target, self._version, json.dumps(body).encode()))
        except (AnswerLostError, NotUnderstoodError) as lost:
            reason = str(lost)

        def is_it(found: Schedule) -> bool:
            is_set_so = (Frequency.of(found.frequency), found.retention) == (frequency, retention)
            return found.schedule_id not in before and found.name == name and is_set_so

        return settle(reason, self._caller, look, is_it)

    def update(
        self,
        schedule_id: str,
        *,
        enabled: bool | None = None,
        frequency: Frequency | None = None,
        retention: timedelta | None = None,
    ) -> Schedule:
        """Change what is given and leave the rest.

        Another retention holds for the backups that are already there: a lower one deletes some of them sooner.
        Resuming a schedule starts an extra backup.
        """
        body: dict[str, Any] = {}
        if enabled is not None:
            body["enabled"] = enabled
        if frequency is not None:
            body["frequency"] = frequency.value
        if retention is not None:
            body["retention"] = {"expire_after_days": retention.days}
        try:
            answer = self._caller.write("PATCH", _target(schedule_id), self._version, json.dumps(body).encode())
            return self._schedule(answer)
        except (AnswerLostError, NotUnderstoodError) as lost:
            reason = str(lost)

        def is_as_asked(found: Schedule) -> bool:
            is_frequency = frequency is None or Frequency.of(found.frequency) is frequency
            return is_frequency and enabled in {None, found.enabled} and retention in {None, found.retention}

        return settle(reason, self._caller, lambda: Walk((self.describe(schedule_id),)), is_as_asked)

    def delete(self, schedule_id: str) -> None:
        """Delete a schedule, and none of its backups. One that is not there counts as deleted."""
        delete(self._caller, _target(schedule_id), self._version)

    def _schedule(self, body: bytes) -> Schedule:
        return self._translation.schedule(read_one(body, shapes.SCHEDULE))


def _id(schedule: Schedule) -> str:
    return schedule.schedule_id


def _target(schedule_id: str) -> bytes:
    return f"/backup-schedules/{quoted(schedule_id)}".encode()
