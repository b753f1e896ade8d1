"""A plan: what is to be done to a project, what is left out and why, and the slots it takes."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.actions import Action, Kind

LONGEST_AGE = timedelta(hours=24)
"""How old a plan may be when it is carried out."""


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """Something that is not done although the policy would have it, and why."""

    index: str
    kind: Kind
    reason: str
    is_unknown: bool = False
    """Whether it is left out because something could not be read, or Pinecone does not say it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in this order."""

    project: str
    policy_sha256: str
    made_at: datetime
    """When the facts were read that it is made of."""
    create_schedules: Mode
    fix_schedules: Mode
    actions: tuple[Action, ...]
    left_out: tuple[LeftOut, ...]
    slots_before: int
    slots_after: int
    quota: int | None
    project_id: str | None = None
    """Pinecone's own id of the project, where any schedule told it."""

    @property
    def plan_id(self) -> str:
        """What makes it the same plan: project, policy and actions, whenever it is made."""
        calls = [(it.key, str(it.call)) for it in self.actions]
        text = json.dumps([self.project, self.policy_sha256, calls])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def action(self, key: str) -> Action | None:
        """Return the action that a key names."""
        return next((it for it in self.actions if it.key == key), None)

    def mode_of(self, kind: Kind) -> Mode:
        """Return what the policy lets be done of a kind."""
        return mode_of(kind, self.create_schedules, self.fix_schedules)

    @property
    def applicable(self) -> tuple[Action, ...]:
        """The actions that the policy lets be carried out, and not only proposed."""
        return tuple(it for it in self.actions if self.mode_of(it.kind) is Mode.APPLY)

    def why_not_now(self, now: datetime) -> str | None:
        """Return why it is too late, or too early, to carry it out; `None` where it is not."""
        age = now - self.made_at
        if age > LONGEST_AGE:
            return f"is more than {LONGEST_AGE // timedelta(hours=1)} hours old"
        return "is of a time to come" if age < -timedelta(minutes=5) else None


def mode_of(kind: Kind, create_schedules: Mode, fix_schedules: Mode) -> Mode:
    """Return which of the policy's modes holds for a kind. A first backup is made where schedules are."""
    return fix_schedules if kind is Kind.CHANGE_SCHEDULE else create_schedules
