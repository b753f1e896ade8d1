"""Lives of sixty nights in which the settings of schedules change, audited, and held against what the contract says."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import ControlCatalog, evaluate_controls
from backup_auditor.domain.finding import Compliance, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.advance import advance
from backup_auditor.domain.model import Backup
from backup_auditor.domain.model import Schedule as Listed
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from support.builders.facts import broken, index, inventory, whole
from support.builders.reports import BUILT_IN
from support.settings_model import Book, Reading, Row, Sighting
from support.settings_service import DAY, HOUR, Copy, Plan, Service

BEGIN = datetime(2026, 9, 1, 3, tzinfo=UTC)
NIGHTS = 60
CONTROLS = ("scheduled-runs-are-continuous", "backups-expire-on-time", "backup-did-not-vanish")
CHOSEN = ControlCatalog(index_controls=tuple(it for it in CATALOG.index_controls if it.id in CONTROLS))
NAMES = ("nightly", "steady", "keeper")
DAYS = (1, 2, 3, 5, 7, 10, 14, 30, 35, 60, 90)


@dataclass
class Life:
    """What happens to one index, night after night."""

    seed: int
    chance: random.Random = field(init=False)
    service: Service = field(init=False)
    book: Book = field(default_factory=Book)
    memory: ProjectState = EMPTY_STATE
    figures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Begin some days before the first audit."""
        self.chance = random.Random(self.seed)  # noqa: S311  no secret
        lead = self.chance.choice([0, 1, 5, 20, 50])
        self.service = Service(BEGIN - lead * DAY, is_anchored_anew=self.chance.random() < 0.3)
        self.restless = self.chance.choice([0.05, 0.15, 0.4])
        self.service.create(self._frequency(), self.chance.choice(DAYS))

    def _frequency(self) -> str:
        return self.chance.choice(["daily", "daily", "daily", "weekly", "monthly"])

    def nights(self) -> None:
        """Live through every night."""
        for night in range(NIGHTS):
            self._day(BEGIN + night * DAY)
            if self.chance.random() < (0.1 if night else 0):
                self.figures["not audited"] += 1
                continue
            self._audit(self.service.now)

    def _day(self, audit_at: datetime) -> None:
        audit_at += timedelta(seconds=self.chance.randrange(3600))
        room = int((audit_at - self.service.now).total_seconds())
        moments = sorted(self.chance.randrange(room) for _ in range(self._deeds()) if room > 0)
        begun = self.service.now
        for moment in moments:
            self.service.pass_to(begun + timedelta(seconds=moment))
            self._deed()
        self.service.pass_to(audit_at)

    def _deeds(self) -> int:
        return self.chance.choice([1, 1, 2, 3]) if self.chance.random() < self.restless else 0

    def _deed(self) -> None:
        live, chance, service = self.service.live, self.chance, self.service
        plan = chance.choice(live) if live else None
        deeds: dict[str, Callable[[], None]] = {
            "skip": self._skip,
            "stick": self._stick,
            "by hand": service.take_by_hand,
            "lose": self._lose,
        }
        if plan is None or chance.random() < 0.03:
            deeds["create"] = lambda: service.create(self._frequency(), chance.choice(DAYS), chance.choice(NAMES))
        if plan is not None:
            one = plan
            deeds["frequency"] = lambda: service.run_every(one, self._frequency())
            deeds["retention"] = lambda: service.keep(one, chance.choice(DAYS))
            deeds["retention again"] = lambda: service.keep(one, chance.choice(DAYS))
            deeds["pause" if plan.is_enabled else "resume"] = lambda: self._turn(one)
            deeds["rename"] = lambda: self._rename(one)
            deeds["several"] = lambda: self._several(one)
            if chance.random() < 0.3:
                deeds["delete and create"] = lambda: self._create_again(one)
        what = chance.choice(sorted(deeds))
        self.figures[what] += 1
        deeds[what]()

    def _skip(self) -> None:
        self.service.skips_until = self.service.now + self.chance.choice([1, 2, 3, 9, 20]) * DAY

    def _stick(self) -> None:
        self.service.sticks = not self.service.sticks

    def _lose(self) -> None:
        listed = [it for it in self.service.copies if it.is_listed]
        if listed:
            self.service.delete(self.chance.choice(listed))

    def _turn(self, plan: Plan) -> None:
        (self.service.pause if plan.is_enabled else self.service.resume)(plan)

    def _rename(self, plan: Plan) -> None:
        plan.name = self.chance.choice(NAMES)

    def _several(self, plan: Plan) -> None:
        self.service.run_every(plan, self._frequency())
        self.service.keep(plan, self.chance.choice(DAYS))
        if self.chance.random() < 0.5:
            self._turn(plan)

    def _create_again(self, plan: Plan) -> None:
        plan.is_deleted = True
        if self.chance.random() < 0.7:
            self.service.create(plan.frequency, plan.days, plan.name)

    # audits

    def _audit(self, now: datetime) -> None:
        reads_plans, reads_rows = (self.chance.random() > 0.06 for _ in range(2))
        told = self._inventory(now, reads_plans=reads_plans, reads_rows=reads_rows)
        judgement = evaluate_controls(told, BUILT_IN, CHOSEN, self.memory)
        expected = self.book.read(self._reading(now, reads_plans=reads_plans, reads_rows=reads_rows))
        found = {it.control: it for it in judgement.findings if it.resource.type is ResourceType.INDEX}
        for control, fails in expected.items():
            finding = found[control]
            said = finding.compliance is Compliance.NON_COMPLIANT
            assert said is bool(fails), (
                f"seed {self.seed}, {now}: {control} is {finding.compliance}, not {fails}: {finding}"
            )
            if fails is False:
                assert finding.compliance is not Compliance.INSUFFICIENT_DATA or not (reads_plans and reads_rows), (
                    f"seed {self.seed}, {now}: {finding}"
                )
            self.figures[f"{control} {fails}"] += 1
        outcome = advance(self.memory, told, BUILT_IN, judgement, f"audit-{now}")
        again = evaluate_controls(told, BUILT_IN, CHOSEN, outcome.state)
        assert again.findings == judgement.findings, f"seed {self.seed}, {now}: not the same when delivered twice"
        self.memory = outcome.state

    def _reading(self, now: datetime, *, reads_plans: bool, reads_rows: bool) -> Reading:
        plans = {
            it.plan_id: (Sighting(now, it.frequency, it.days, it.is_enabled), it.created_at) for it in self.service.live
        }
        live = set(plans) if reads_plans else set()
        rows = tuple(
            Row(
                it.copy_id, it.at, it.plan.plan_id if it.plan and it.plan.plan_id in live else None, it.plan is not None
            )
            for it in self.service.copies
            if it.is_listed
        )
        return Reading(now, plans if reads_plans else None, rows if reads_rows else None, rows)

    def _inventory(self, now: datetime, *, reads_plans: bool, reads_rows: bool) -> Inventory:
        listed = [_row(it) for it in self.service.copies if it.is_listed]
        schedules = [_schedule(it) for it in self.service.live] if reads_plans else broken()
        histories = {
            it.plan_id: whole([_row(copy) for copy in self.service.copies if copy.is_listed and copy.plan is it])
            for it in self.service.live
        }
        own = whole(listed) if reads_rows else broken()
        case = index(schedules=schedules, listed=listed, own=own)
        return inventory(
            case,
            observed_at=now,
            histories=histories if reads_plans else {},
            backups=whole(listed) if reads_rows else broken(),
        )


def _schedule(plan: Plan) -> Listed:
    return Listed(
        schedule_id=plan.plan_id,
        name=plan.name,
        index_id="id-main",
        project_id="project-1",
        frequency=plan.frequency,
        retention=plan.days * DAY,
        enabled=plan.is_enabled,
        next_run=plan.next_run,
        created_at=plan.created_at,
    )


def _row(copy: Copy) -> Backup:
    name = None if copy.plan is None else f"{copy.plan.name}-{copy.at:%Y%m%dT%H%M%SZ}"
    return Backup(
        backup_id=copy.copy_id,
        index_id="id-main",
        index_name="main",
        status="Ready",
        name=name or "by hand",
        created_at=copy.at - HOUR,
        scheduled_for=None if copy.plan is None else copy.at,
    )
