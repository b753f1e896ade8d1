"""What is left of a memory when audits are discarded that were recorded in the future, or all of them.

A memory holds no earlier version of itself. So verdicts of discarded audits are taken back one step, facts that they
read in Pinecone stay, and moments that they wrote become the moment of the discard.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from backup_auditor.domain.audit_record import AuditRecord
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
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE

_TOLD_BY_PINECONE = frozenset({"captured_at", "expires_at"})
"""Moments that no audit wrote: one may rightly lie in the future."""


@dataclass(frozen=True, slots=True)
class Discard:
    """What a state loses by a discard, and what it holds after it."""

    before: ProjectState
    after: ProjectState
    audits: tuple[AuditRecord, ...]
    """The audits whose records are deleted, the oldest first."""

    @property
    def dropped(self) -> int:
        """How many findings are dropped: no audit that stays has seen them."""
        return len(self.before.findings) - len(self.after.findings)

    @property
    def taken_back(self) -> int:
        """How many findings lose their last change."""
        before = self.before.findings
        return sum(it.state is not before[key].state for key, it in self.after.findings.items())

    @property
    def recording(self) -> StateChange:
        """What a store has to record."""
        recording = diff_states(self.before, self.after)
        if recording is None:
            raise ValueError("a discard is of another revision than the memory before it")
        return replace(recording, discarded=self.audits)


def is_ahead(recorded: datetime | None, now: datetime) -> bool:
    """Tell whether an audit was recorded in the future of a clock. A small difference between clocks is none."""
    return recorded is not None and recorded - now > CLOCK_TOLERANCE


def discard_of_all(memory: ProjectState, audits: Sequence[AuditRecord]) -> Discard | None:
    """Discard everything: the next audit is the first. `None` where there is nothing."""
    after = ProjectState(revision=memory.revision)
    if memory == after and not audits:
        return None
    return Discard(memory, replace(after, revision=memory.revision + 1), tuple(audits))


def discard_of_future(memory: ProjectState, audits: Sequence[AuditRecord], now: datetime) -> Discard | None:
    """Discard the audits in the future of a clock; `None` where there are none.

    The last audit is then the last one that is not ahead; where there is none, the next audit is the first.
    """
    ahead = tuple(it for it in audits if is_ahead(it.observed_at, now))
    if not ahead and not is_ahead(memory.observed_at, now):
        return None
    after = replace(memory, revision=memory.revision + 1)
    if is_ahead(memory.observed_at, now):
        after = _Rewriting(memory, audits, now).memory()
    return Discard(memory, after, ahead)


class _Rewriting:
    """The memory without the audits of the future."""

    def __init__(self, memory: ProjectState, audits: Sequence[AuditRecord], now: datetime) -> None:
        self._memory = memory
        self._now = now
        self._kept = [it for it in audits if not is_ahead(it.observed_at, now)]
        self._history = tuple(it for it in memory.history if not is_ahead(it.observed_at, now))
        self._past = {it.observed_at: it.is_complete for it in self._history}
        self._past |= {it.observed_at: it.is_complete for it in self._kept}

    def memory(self) -> ProjectState:
        memory = self._memory
        last = max(self._past, default=None)
        return replace(
            memory,
            revision=memory.revision + 1,
            audit_id=next((it.audit_id for it in self._kept if it.observed_at == last), None),
            observed_at=last,
            complete_at=self._complete_at(),
            findings={key: it for key, it in map(self._finding, memory.findings.items()) if it is not None},
            backups={key: self._dated(it) for key, it in memory.backups.items()},
            schedules={key: self._schedule(it) for key, it in memory.schedules.items()},
            indexes={key: self._dated(it) for key, it in memory.indexes.items()},
            drift=(),
            history=self._history,
        )

    def _complete_at(self) -> datetime | None:
        if not is_ahead(self._memory.complete_at, self._now):
            return self._memory.complete_at
        return max((at for at, is_complete in self._past.items() if is_complete), default=None)

    def _schedule(self, it: KnownSchedule) -> KnownSchedule:
        """Return a schedule whose settings were last seen now, if an audit of the future saw them last."""
        seen_at = self._memory.seen_at(it)
        if it.since is None or seen_at is None:
            return self._dated(it)
        return self._dated(replace(it, seen_at=seen_at, earlier=tuple(map(self._dated, it.earlier))))

    def _dated[Known: (KnownBackup, KnownSchedule, KnownIndex, EarlierSettings)](self, known: Known) -> Known:
        """Return what is known of something: what an audit of the future dated is of the moment of the discard."""
        moments = {it.name: getattr(known, it.name) for it in fields(known) if it.name not in _TOLD_BY_PINECONE}
        ahead: dict[str, Any] = {
            name: self._now for name, it in moments.items() if isinstance(it, datetime) and is_ahead(it, self._now)
        }
        return replace(known, **ahead) if ahead else known

    def _finding(self, entry: tuple[str, KnownFinding]) -> tuple[str, KnownFinding | None]:
        """Return a finding as it was before its last change, if that was made in the future."""
        key, it = entry
        if is_ahead(it.first_seen, self._now):
            return key, None
        if not is_ahead(it.changed_at, self._now):
            return entry
        was = replace(it, changed_at=it.first_seen, changed_by="")
        if it.state is FindingState.OPEN:
            return key, replace(was, state=FindingState.RESOLVED, times=max(it.times - 1, 0))
        return key, was if it.state is FindingState.EXEMPTED else replace(was, state=FindingState.OPEN)
