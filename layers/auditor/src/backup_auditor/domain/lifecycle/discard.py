"""Discard audits that were recorded in the future, or all audits, from a state.

A state has no earlier version of itself. So the last change of a finding is reverted, facts read from Pinecone stay,
and times that discarded audits wrote are replaced by the time of the discard.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from backup_auditor.domain.audit_record import AuditRecord, is_in_future
from backup_auditor.domain.lifecycle.state_change import StateChange, diff_states
from backup_auditor.domain.project_state import (
    EarlierSettings,
    FindingState,
    KnownBackup,
    KnownFinding,
    KnownIndex,
    KnownSchedule,
    ProjectState,
)

_PINECONE_TIMES = frozenset({"captured_at", "expires_at"})
"""Times that no audit wrote. They can be in the future."""


@dataclass(frozen=True, slots=True)
class Discard:
    """The state before and after a discard, and the deleted audits."""

    before: ProjectState
    after: ProjectState
    audits: tuple[AuditRecord, ...]
    """The audits whose records are deleted, the oldest first."""

    @property
    def dropped_count(self) -> int:
        """The number of findings that are dropped because no remaining audit has seen them."""
        return len(self.before.findings) - len(self.after.findings)

    @property
    def reverted_count(self) -> int:
        """The number of findings whose last change is reverted."""
        before = self.before.findings
        return sum(it.state is not before[key].state for key, it in self.after.findings.items())

    @property
    def state_change(self) -> StateChange:
        """The changes for a store to record."""
        change = diff_states(self.before, self.after)
        if change is None:
            raise ValueError("the states before and after a discard have the same revision")
        return replace(change, discarded_audits=self.audits)


def discard_all(state: ProjectState, audits: Sequence[AuditRecord]) -> Discard | None:
    """Discard all audits, so that the next one is the first. Return `None` where there is nothing to discard.

    Restore drills and first backups stay: no audit recorded them.
    """
    if state.without_derived() == ProjectState(revision=state.revision) and not audits:
        return None
    after = ProjectState(revision=state.revision + 1, drills=state.drills, first_backup_ids=state.first_backup_ids)
    return Discard(state, after, tuple(audits))


def discard_future(state: ProjectState, audits: Sequence[AuditRecord], now: datetime) -> Discard | None:
    """Discard the audits that were recorded after `now`. Return `None` where there are none.

    The last remaining audit becomes the last audit; without one, the next audit is the first.
    """
    future_audits = tuple(it for it in audits if is_in_future(it.observed_at, now))
    if not future_audits and not is_in_future(state.observed_at, now):
        return None
    after = replace(state, revision=state.revision + 1)
    if is_in_future(state.observed_at, now):
        after = _StateRewriter(state, audits, now).rewrite()
    return Discard(state, after, future_audits)


class _StateRewriter:
    """Builds the state without the audits of the future."""

    def __init__(self, state: ProjectState, audits: Sequence[AuditRecord], now: datetime) -> None:
        self._state = state
        self._now = now
        self._past_audits = [it for it in audits if not is_in_future(it.observed_at, now)]
        self._history = tuple(it for it in state.history if not is_in_future(it.observed_at, now))
        self._completeness_by_time = {it.observed_at: it.is_complete for it in self._history}
        self._completeness_by_time |= {it.observed_at: it.is_complete for it in self._past_audits}

    def rewrite(self) -> ProjectState:
        state = self._state
        last_observed_at = max(self._completeness_by_time, default=None)
        complete_at = state.complete_at
        if is_in_future(complete_at, self._now):
            complete_at = max(
                (key for key, is_complete in self._completeness_by_time.items() if is_complete), default=None
            )
        return replace(
            state,
            revision=state.revision + 1,
            audit_id=next((it.audit_id for it in self._past_audits if it.observed_at == last_observed_at), None),
            observed_at=last_observed_at,
            complete_at=complete_at,
            findings={key: it for key, it in map(self._revert_finding, state.findings.items()) if it is not None},
            backups={key: self._replace_future_times(it) for key, it in state.backups.items()},
            schedules={key: self._rewrite_schedule(it) for key, it in state.schedules.items()},
            indexes={key: self._replace_future_times(it) for key, it in state.indexes.items()},
            drift=(),
            history=self._history,
        )

    def _rewrite_schedule(self, schedule: KnownSchedule) -> KnownSchedule:
        """Return a schedule whose settings count as seen now if an audit of the future saw them last."""
        seen_at = self._state.find_seen_at(schedule)
        if schedule.since is None or seen_at is None:
            return self._replace_future_times(schedule)
        return self._replace_future_times(
            replace(
                schedule,
                seen_at=seen_at,
                earlier_settings=tuple(map(self._replace_future_times, schedule.earlier_settings)),
            )
        )

    def _replace_future_times[Known: (KnownBackup, KnownSchedule, KnownIndex, EarlierSettings)](
        self, record: Known
    ) -> Known:
        """Return the record with the times that an audit of the future wrote replaced by the time of the discard."""
        values = {it.name: getattr(record, it.name) for it in fields(record) if it.name not in _PINECONE_TIMES}
        future_times: dict[str, Any] = {
            name: self._now for name, it in values.items() if isinstance(it, datetime) and is_in_future(it, self._now)
        }
        return replace(record, **future_times) if future_times else record

    def _revert_finding(self, entry: tuple[str, KnownFinding]) -> tuple[str, KnownFinding | None]:
        """Return a finding as it was before its last change, if an audit of the future made that change."""
        key, known_finding = entry
        if is_in_future(known_finding.first_seen, self._now):
            return key, None
        if not is_in_future(known_finding.changed_at, self._now):
            return entry
        earlier_finding = replace(known_finding, changed_at=known_finding.first_seen, changed_by="")
        if known_finding.state is FindingState.OPEN:
            return key, replace(
                earlier_finding, state=FindingState.RESOLVED, times_opened=max(known_finding.times_opened - 1, 0)
            )
        return key, earlier_finding if known_finding.state is FindingState.EXEMPTED else replace(
            earlier_finding, state=FindingState.OPEN
        )
