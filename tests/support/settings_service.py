"""One index at a service that runs schedules and deletes what expired, while people change the settings.

Nothing here is the product's: it is what happens, of which audits see only what they read.
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import datetime, timedelta

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LENGTHS = {"daily": DAY, "weekly": 7 * DAY, "monthly": 31 * DAY}


@dataclass(eq=False)
class Plan:
    """A schedule, also once it is deleted."""

    plan_id: str
    name: str
    frequency: str
    days: int
    created_at: datetime
    anchor: datetime
    is_enabled: bool = True
    is_deleted: bool = False
    next_run: datetime | None = None

    def place_next(self, moment: datetime) -> None:
        """Plan the first run after a moment."""
        count = 0
        run = self.anchor
        while run <= moment:
            count += 1
            run = self._run(count)
        self.next_run = run

    def _run(self, count: int) -> datetime:
        if self.frequency != "monthly":
            return self.anchor + count * LENGTHS[self.frequency]
        month = self.anchor.month - 1 + count
        year, month = self.anchor.year + month // 12, month % 12 + 1
        return self.anchor.replace(year=year, month=month, day=min(self.anchor.day, monthrange(year, month)[1]))


@dataclass(eq=False)
class Copy:
    """A backup, also once it is gone."""

    copy_id: str
    at: datetime
    plan: Plan | None
    is_listed: bool = True
    is_stuck: bool = False
    """Whether the service forgets to delete it."""


@dataclass(eq=False)
class Service:
    """One index, its schedules and its backups."""

    now: datetime
    plans: list[Plan] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    skips_until: datetime | None = None
    """Until when no run starts."""
    sticks: bool = False
    """Whether what is made now is never deleted."""
    is_anchored_anew: bool = False
    """Whether a changed frequency counts from the moment of the change."""

    @property
    def live(self) -> list[Plan]:
        """The schedules that are not deleted."""
        return [it for it in self.plans if not it.is_deleted]

    def pass_to(self, moment: datetime) -> None:
        """Let everything happen until a moment, in its order."""
        while True:
            due = [(it.next_run, it) for it in self.live if it.is_enabled and it.next_run and it.next_run <= moment]
            if not due:
                break
            at, plan = min(due, key=lambda it: it[0])
            self._expire(at)
            if self.skips_until is None or at >= self.skips_until:
                self._take(at, plan)
            plan.place_next(at)
        self._expire(moment)
        self.now = moment

    def _take(self, at: datetime, plan: Plan | None) -> None:
        self.copies.append(Copy(f"copy-{len(self.copies)}", at, plan, is_stuck=self.sticks and plan is not None))

    def _expire(self, moment: datetime) -> None:
        for it in self.copies:
            if it.plan is not None and not it.is_stuck and it.at + it.plan.days * DAY <= moment:
                it.is_listed = False

    def create(self, frequency: str, days: int, name: str = "nightly") -> None:
        """Create a schedule."""
        made = Plan(f"plan-{len(self.plans)}", name, frequency, days, self.now, self.now)
        made.place_next(self.now)
        self.plans.append(made)

    def pause(self, plan: Plan) -> None:
        """Pause a schedule."""
        plan.is_enabled = False

    def resume(self, plan: Plan) -> None:
        """Resume a schedule: it runs at once, and from then on at that time."""
        plan.is_enabled = True
        plan.anchor = self.now
        if self.skips_until is None or self.now >= self.skips_until:
            self._take(self.now, plan)
        plan.place_next(self.now)

    def run_every(self, plan: Plan, frequency: str) -> None:
        """Change how often a schedule runs."""
        plan.frequency = frequency
        if self.is_anchored_anew:
            plan.anchor = self.now
        plan.place_next(self.now)

    def keep(self, plan: Plan, days: int) -> None:
        """Change for how long a schedule keeps backups: that of the backups it made, too."""
        plan.days = days
        self._expire(self.now)

    def take_by_hand(self) -> None:
        """Take a backup that never expires."""
        self._take(self.now, None)

    def delete(self, copy: Copy) -> None:
        """Delete a backup by hand."""
        copy.is_listed = False
