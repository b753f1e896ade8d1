"""Audits a project night after night, and holds every report against the book."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.adapters.sqlite.state_store import open_state
from backup_auditor.application.audit import run_audit
from backup_auditor.domain.finding import Compliance, Resource, ResourceType
from backup_auditor.domain.reporting.report import Report
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from simulation_year import rules
from simulation_year.actions import Project
from simulation_year.lives import DAILY, GUARDED, SIMPLE, Life, When, life_of
from simulation_year.model import DAY, HOUR
from simulation_year.rules import Exemption, Found
from support.builders.policies import policy
from support.simulator import NEW, serving

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
"""The first night; a leap day is the last but one of the year that follows."""
MINUTE = timedelta(minutes=1)
ACCEPTED, QUIET = "accepted", "quiet"
"""An index without a schedule that is exempted for a time, and one that has no trouble but that it cannot be read."""
PROJECT = "shop"


@dataclass(frozen=True)
class Size:
    """How much is simulated."""

    indexes: int
    nights: int
    pause: tuple[int, int]
    """How many nights pass between two troubles of an index, at the least and at the most."""
    troubles: int
    """How many troubles an index has at most."""
    quota: int


@dataclass
class Figures:
    """What happened in all."""

    audits: int = 0
    requests: int = 0
    opened: Counter[str] = field(default_factory=Counter)
    reopened: Counter[str] = field(default_factory=Counter)
    resolved: Counter[str] = field(default_factory=Counter)
    drift: Counter[str] = field(default_factory=Counter)
    deeds: int = 0


class Unseen:
    """Shows nobody how far an audit has come."""

    def expect(self, label: str, count: int) -> None:
        """Say nothing."""

    def advance(self, label: str) -> None:
        """Say nothing."""


class Watch:
    """The nights of one project."""

    def __init__(self, seed: int, size: Size, state: Path, versions: tuple[str, str]) -> None:
        """Let everything be created, and run for as long as it takes until all is well."""
        self.chance = random.Random(seed)  # noqa: S311  the same seed, the same year
        self.size = size
        self.state = state
        self.versions = versions
        self.figures = Figures()
        self.exemption = Exemption(ACCEPTED, (START + size.nights * 2 // 3 * DAY).date())
        self.policy = policy(rules.policy_text(size.quota, self.exemption))
        self.project = Project(START - 140 * DAY, self.chance)
        self.due: list[tuple[int, When, str, Life]] = []
        self.open: set[Found] = set()
        self.in_doubt: set[Found] = set()
        self.ever_open: set[Found] = set()
        self.first_seen: dict[Found, datetime] = {}
        self.known: set[str] = set()
        """The names that the last complete audit saw."""
        self._settle()

    def _settle(self) -> None:
        begin = [self._begin(number) for number in range(self.size.indexes)]
        born = sorted((START - (130 if n.startswith("monthly") else 60) * DAY + self._clock(), n) for n in begin)
        for moment, name in born:
            self.project.pass_to(moment)
            self.project.create_index(name)
            if name != ACCEPTED:
                least = rules.demand_of(name).least
                self.project.create_schedule(name, least + self.chance.randint(1, max(7, least // 6)))
        for name in begin:
            kinds = {"weekly": SIMPLE, "monthly": SIMPLE, "guarded": GUARDED, ACCEPTED: [], QUIET: []}
            troubles = kinds.get(name.split("-")[0], DAILY)
            chosen = self.chance.sample(troubles, min(self.size.troubles, len(troubles)))
            self._continue(0, name, life_of(self.project, name, chosen, self.size.pause))

    def _begin(self, number: int) -> str:
        if number < 2:
            return (ACCEPTED, QUIET)[number]
        return f"{('guarded', 'daily', 'daily', 'daily', 'weekly', 'daily', 'daily', 'monthly')[number % 8]}-{number}"

    def _clock(self) -> timedelta:
        return self.chance.randint(8 * 60, 21 * 60) * MINUTE + self.chance.choice((0, 7, 13)) * MINUTE

    def _continue(self, night: int, name: str, life: Life) -> None:
        wait = next(life, None)
        if wait is not None:
            self.due.append((night + wait.nights, wait.when, name, life))

    def deeds_of(self, night: int) -> list[tuple[datetime, str, Life]]:
        """Return what is done between the audit of the night before and that of this night, and when."""
        due = [it for it in self.due if it[0] == night]
        self.due = [it for it in self.due if it[0] != night]
        return sorted(((self._moment(night, when, name), name, it) for _, when, name, it in due), key=lambda it: it[:2])

    def _moment(self, night: int, when: When, name: str) -> datetime:
        """Choose a moment that is no matter of minutes away from anything."""
        last, now = START + (night - 1) * DAY, START + night * DAY
        kin = [it for key, it in self.project.live.items() if key.startswith(name)]
        runs = [run for it in kin for one in it.enabled if (run := one.next_run) and last < run <= now]
        anchors = [one.anchor for it in kin for one in it.schedules]
        low, high = last + 30 * MINUTE, now - 30 * MINUTE
        if When.ANCHORS in when:
            low, high = last + 8 * HOUR, now - 2 * HOUR
        if When.BEFORE_RUNS in when and runs:
            high = min(runs) - 20 * MINUTE
            low = max(last + 30 * MINUTE, high - 2 * HOUR)
        assert low < high, "no room for a deed"
        while True:
            moment = low + self.chance.randrange(int((high - low) / MINUTE)) * MINUTE
            apart = [abs((moment - it) % HOUR - HOUR / 2) for it in (now, *anchors)]
            if all(it < 27 * MINUTE for it in apart) and all(abs(moment - it) >= 20 * MINUTE for it in runs):
                return moment

    def faults(self, night: int) -> set[Found]:
        """Return everything that is not as it should be."""
        now, project = START + night * DAY, self.project
        found: set[Found] = set()
        for name, index in project.live.items():
            earlier = [it for it in project.gone if it.name == name]
            faults = rules.faults_of(index, earlier, now, tells_planned=self.versions[1] != NEW)
            found |= {(control, "index", name) for control in faults}
        for index in project.gone:
            found |= {(it, "deleted_index", index.id) for it in rules.faults_of_deleted(index, now)}
        every = [*project.live.values(), *project.gone]
        broken = set(rules.faults_of_project(list(project.live.values()), every, self.size.quota))
        if now.date() > self.exemption.expires:
            broken.add("exemptions-are-current")
        return found | {(it, "project", PROJECT) for it in broken}

    def doubts(self, night: int) -> set[Found]:
        """Return everything of which nothing can be said."""
        now, tells_planned = START + night * DAY, self.versions[1] != NEW
        live = self.project.live.items()
        told = {name: rules.doubts_of(it, now, tells_planned=tells_planned) for name, it in live if name != ACCEPTED}
        return {(control, "index", name) for name, controls in told.items() for control in controls}

    def expected(self, night: int, *, is_complete: bool) -> set[Found]:
        """Return what is to be open after the audit of a night."""
        now = START + night * DAY
        faults = self.faults(night)
        for it in faults:  # an accepted one is found too
            self.first_seen.setdefault(it, now)
        self.in_doubt = self.doubts(night)
        found = {it for it in faults if not self.exemption.covers(it, now)} | (self.open & self.in_doubt)
        if is_complete:
            return found
        # Whether schedules fit is not known where those of an index are not, unless the others fill the quota alone.
        slots = {("schedules-fit-quota", "project", PROJECT)}
        others = [it for it in self.project.live.values() if it.name != QUIET]
        is_certain = rules.slots_are_short(others, [*others, *self.project.gone], self.size.quota)
        unread = ("inventory-is-complete", "project", PROJECT)
        self.first_seen.setdefault(unread, now)
        judged = {("index", it) for it in self.project.live} | {("project", PROJECT)}
        judged |= {("deleted_index", it.id) for it in self.project.gone if rules.is_judged(it, now)}
        kept = {it for it in self.open if it[1:] not in judged}
        return (found - slots) | kept | (slots if is_certain else slots & self.open) | {unread}

    def night(self, night: int, server: Server) -> None:
        """Let a day pass, audit, and compare."""
        now = START + night * DAY
        for moment, name, life in self.deeds_of(night):
            self.project.pass_to(moment)
            self._continue(night, name, life)
            self.figures.deeds += 1
        self.project.pass_to(now)
        is_complete = night % 37 != 29
        server.faults[:] = [] if is_complete else [Fault(status=403, path=f"/indexes/{QUIET}/backup-schedules")]
        for index in self.project.live.values():
            for schedule in index.schedules if is_complete or index.name != QUIET else ():
                schedule.see(now)
        expected = self.expected(night, is_complete=is_complete)
        report = self._audit(server, now)
        self._compare(report, expected, now)
        if is_complete:
            self._compare_drift(report)
        if night % 20 == 0:
            self._compare_again(report, self._audit(server, now))
        for index in (*self.project.live.values(), *self.project.gone):
            index.remember(now)
        self.project.gone = [it for it in self.project.gone if it.backups]

    def _audit(self, server: Server, now: datetime) -> Report:
        connection = Connection(server.viewer_key, server.url, *self.versions, max_concurrency=4)
        with open_reader(connection) as reader, open_state(self.state) as store:
            done = run_audit(reader, self.policy, project=PROJECT, observed_at=now, progress=Unseen(), store=store)
        assert done.record_error is None
        self.figures.audits += 1
        self.figures.requests += done.report.inventory.requests
        return done.report

    def _compare(self, report: Report, expected: set[Found], now: datetime) -> None:
        opened, closed = expected - self.open, self.open - expected
        anew = opened & self.ever_open
        self.ever_open |= opened
        for it in opened:
            (self.figures.reopened if it in anew else self.figures.opened)[it[0]] += 1
        self.figures.resolved.update(it[0] for it in closed)
        wanted = sorted((it, self.first_seen[it], it in opened) for it in expected)
        wrong = [it for it in report.findings if it.lifecycle is not None]
        assert all(it.lifecycle for it in report.findings if it.is_open), now
        told = sorted((_found(it.control, it.resource), it.first_seen, it.lifecycle != "ongoing") for it in wrong)
        if report.is_complete:
            assert told == wanted, _differences(told, wanted, now)
            unsaid = [it for it in report.findings if it.compliance is Compliance.INSUFFICIENT_DATA]
            assert {_found(it.control, it.resource) for it in unsaid} == self.in_doubt, now
        else:
            assert {it for it in told if it[2]} == {it for it in wanted if it[2]}, _differences(told, wanted, now)
        assert anew == {_found(it.control, it.resource) for it in wrong if it.lifecycle == "reopened"}, now
        ended = sorted(_found(it.control, it.resource) for it in report.resolved_findings)
        assert ended == sorted(closed), _differences(ended, sorted(closed), now)
        self.open = expected

    def _compare_again(self, first: Report, again: Report) -> None:
        """Hold a second audit of the same moment against the first: nothing is told twice."""
        if again.audit_id == first.audit_id:
            assert _lives(again) == _lives(first), again.observed_at
            assert (again.resolved_findings, again.drift) == (first.resolved_findings, first.drift), again.observed_at
            return
        # The first walked twice over something to be sure of a change that the second knows of already.
        assert {it.lifecycle for it in again.findings} <= {None, "ongoing"}, again.observed_at
        assert [it.fingerprint for it in again.findings if it.is_open] == [
            it.fingerprint for it in first.findings if it.is_open
        ]
        assert (again.resolved_findings, again.drift) == ((), ()), again.observed_at

    def _compare_drift(self, report: Report) -> None:
        live = set(self.project.live)
        wanted = Counter(it for it in self.project.drift if it[1] in live & self.known)
        if self.known:
            wanted.update(("index appeared", it) for it in live - self.known)
            wanted.update(("index disappeared", it) for it in self.known - live)
        told = Counter((it.change, it.resource.name) for it in report.drift)
        told = Counter({it: count for it, count in told.items() if it[0] != "index re-created"})
        assert told == wanted, report.observed_at
        self.figures.drift.update(it[0] for it in wanted.elements())
        self.project.drift.clear()
        self.known = live


def _found(control: str, resource: Resource) -> Found:
    key = resource.id if resource.type is ResourceType.DELETED_INDEX else resource.name
    return control, resource.type.value, key or ""


def _lives(report: Report) -> list[tuple[str, str | None, datetime | None]]:
    return [(it.fingerprint, it.lifecycle, it.first_seen) for it in report.findings]


def _differences(told: Sequence[object], wanted: Sequence[object], now: datetime) -> str:
    false, missed = [it for it in told if it not in wanted], [it for it in wanted if it not in told]
    return f"{now}: false {false}; missed {missed}"


@contextmanager
def watched(seed: int, size: Size, folder: Path, versions: tuple[str, str]) -> Iterator[tuple[Watch, Server]]:
    """Serve a project that is to be audited."""
    watch = Watch(seed, size, folder / "state.sqlite3", versions)
    with serving(watch.project.world) as server:
        yield watch, server


def figures_of(seed: int, size: Size, folder: Path, versions: tuple[str, str]) -> Figures:
    """Audit a project every night, and return what happened."""
    with watched(seed, size, folder, versions) as (watch, server):
        watch.project.drift.clear()
        for night in range(size.nights):
            watch.night(night, server)
    return watch.figures
