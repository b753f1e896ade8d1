"""Nightly audits of a project, whose reports are compared with the model."""

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
from simulation_year.actions import TrackedProject
from simulation_year.incidents import (
    DAILY_INCIDENTS,
    GUARDED_INCIDENTS,
    SIMPLE_INCIDENTS,
    TimeOfDay,
    WaitIterator,
    run_incidents,
)
from simulation_year.model import DAY, HOUR
from simulation_year.rules import Exemption, FindingKey
from support.builders.policies import parse_policy
from support.simulator import NEW_VERSION, serve

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
"""The first night; the year that follows ends one day after a leap day."""
MINUTE = timedelta(minutes=1)
EXEMPTED_INDEX, UNREADABLE_INDEX = "accepted", "quiet"
"""An index without a schedule that is exempted for a time, and one without incidents whose schedules are unreadable."""
PROJECT = "shop"


@dataclass(frozen=True)
class Size:
    """The size of a simulation."""

    index_count: int
    night_count: int
    pause_range: tuple[int, int]
    """The minimum and maximum number of nights between two incidents of an index."""
    max_incidents: int
    """The maximum number of incidents of an index."""
    quota: int


@dataclass
class SimulationCounts:
    """The totals of a simulation."""

    audits: int = 0
    requests: int = 0
    opened: Counter[str] = field(default_factory=Counter)
    reopened: Counter[str] = field(default_factory=Counter)
    resolved: Counter[str] = field(default_factory=Counter)
    drift: Counter[str] = field(default_factory=Counter)
    change_count: int = 0


class SilentProgress:
    """Progress that shows nothing."""

    def expect(self, label: str, count: int) -> None:
        """Show nothing."""

    def advance(self, label: str) -> None:
        """Show nothing."""


class YearSimulation:
    """The nights of one project."""

    def __init__(self, seed: int, size: Size, state_path: Path, versions: tuple[str, str]) -> None:
        """Create all indexes, and run their schedules until the project is compliant."""
        self.rng = random.Random(seed)  # noqa: S311  the same seed gives the same year
        self.size = size
        self.state_path = state_path
        self.versions = versions
        self.counts = SimulationCounts()
        self.exemption = Exemption(EXEMPTED_INDEX, (START + size.night_count * 2 // 3 * DAY).date())
        self.policy = parse_policy(rules.write_policy(size.quota, self.exemption))
        self.project = TrackedProject(START - 140 * DAY, self.rng)
        self.due_changes: list[tuple[int, TimeOfDay, str, WaitIterator]] = []
        self.open_findings: set[FindingKey] = set()
        self.unknown_findings: set[FindingKey] = set()
        self.past_open_findings: set[FindingKey] = set()
        self.first_seen: dict[FindingKey, datetime] = {}
        self.known_names: set[str] = set()
        """The index names in the last complete audit."""
        self._create_indexes()

    def _create_indexes(self) -> None:
        names = [self._name_index(number) for number in range(self.size.index_count)]
        creations = sorted(
            (START - (130 if index_name.startswith("monthly") else 60) * DAY + self._draw_time(), index_name)
            for index_name in names
        )
        for moment, name in creations:
            self.project.advance_to(moment)
            self.project.create_index(name)
            if name != EXEMPTED_INDEX:
                min_retention_days = rules.find_requirement(name).min_retention_days
                self.project.create_schedule(
                    name, min_retention_days + self.rng.randint(1, max(7, min_retention_days // 6))
                )
        for name in names:
            incidents_by_kind = {
                "weekly": SIMPLE_INCIDENTS,
                "monthly": SIMPLE_INCIDENTS,
                "guarded": GUARDED_INCIDENTS,
                EXEMPTED_INDEX: [],
                UNREADABLE_INDEX: [],
            }
            incidents = incidents_by_kind.get(name.split("-")[0], DAILY_INCIDENTS)
            chosen_incidents = self.rng.sample(incidents, min(self.size.max_incidents, len(incidents)))
            self._continue_incidents(
                0, name, run_incidents(self.project, name, chosen_incidents, self.size.pause_range)
            )

    def _name_index(self, number: int) -> str:
        if number < 2:
            return (EXEMPTED_INDEX, UNREADABLE_INDEX)[number]
        return f"{('guarded', 'daily', 'daily', 'daily', 'weekly', 'daily', 'daily', 'monthly')[number % 8]}-{number}"

    def _draw_time(self) -> timedelta:
        return self.rng.randint(8 * 60, 21 * 60) * MINUTE + self.rng.choice((0, 7, 13)) * MINUTE

    def _continue_incidents(self, night: int, name: str, waits: WaitIterator) -> None:
        wait = next(waits, None)
        if wait is not None:
            self.due_changes.append((night + wait.nights, wait.time_of_day, name, waits))

    def take_due_changes(self, night: int) -> list[tuple[datetime, str, WaitIterator]]:
        """Return the changes between the previous audit and the audit of this night, with their times."""
        due_changes = [it for it in self.due_changes if it[0] == night]
        self.due_changes = [it for it in self.due_changes if it[0] != night]
        return sorted(
            ((self._draw_moment(night, time_of_day, name), name, it) for _, time_of_day, name, it in due_changes),
            key=lambda it: it[:2],
        )

    def _draw_moment(self, night: int, time_of_day: TimeOfDay, name: str) -> datetime:
        """Choose a time that is minutes away from every audit, run and anchor."""
        previous_audit, audit_at = START + (night - 1) * DAY, START + night * DAY
        related_indexes = [it for key, it in self.project.live_indexes.items() if key.startswith(name)]
        runs = [
            run
            for it in related_indexes
            for schedule in it.enabled_schedules
            if (run := schedule.next_run) and previous_audit < run <= audit_at
        ]
        anchors = [schedule.anchor for it in related_indexes for schedule in it.schedules]
        earliest, latest = previous_audit + 30 * MINUTE, audit_at - 30 * MINUTE
        if TimeOfDay.ANCHORS in time_of_day:
            earliest, latest = previous_audit + 8 * HOUR, audit_at - 2 * HOUR
        if TimeOfDay.BEFORE_RUNS in time_of_day and runs:
            latest = min(runs) - 20 * MINUTE
            earliest = max(previous_audit + 30 * MINUTE, latest - 2 * HOUR)
        assert earliest < latest, "no time for a change"
        while True:
            moment = earliest + self.rng.randrange(int((latest - earliest) / MINUTE)) * MINUTE
            distances = [abs((moment - it) % HOUR - HOUR / 2) for it in (audit_at, *anchors)]
            if all(it < 27 * MINUTE for it in distances) and all(abs(moment - it) >= 20 * MINUTE for it in runs):
                return moment

    def find_violations(self, night: int) -> set[FindingKey]:
        """Return all expected violations."""
        now, project = START + night * DAY, self.project
        violations: set[FindingKey] = set()
        for name, index in project.live_indexes.items():
            earlier_indexes = [it for it in project.deleted_indexes if it.name == name]
            controls = rules.find_index_violations(
                index, earlier_indexes, now, marks_scheduled_runs=self.versions[1] != NEW_VERSION
            )
            violations |= {(control, "index", name) for control in controls}
        for index in project.deleted_indexes:
            violations |= {(it, "deleted_index", index.id) for it in rules.find_deleted_index_violations(index, now)}
        all_indexes = [*project.live_indexes.values(), *project.deleted_indexes]
        project_controls = set(
            rules.find_project_violations(list(project.live_indexes.values()), all_indexes, self.size.quota)
        )
        if now.date() > self.exemption.expires:
            project_controls.add("exemptions-are-current")
        return violations | {(it, "project", PROJECT) for it in project_controls}

    def find_unknown_findings(self, night: int) -> set[FindingKey]:
        """Return all findings whose expected verdict is unknown."""
        now, marks_scheduled_runs = START + night * DAY, self.versions[1] != NEW_VERSION
        live_indexes = self.project.live_indexes.items()
        controls_by_name = {
            name: rules.find_unknown_controls(it, now, marks_scheduled_runs=marks_scheduled_runs)
            for name, it in live_indexes
            if name != EXEMPTED_INDEX
        }
        return {(control, "index", name) for name, controls in controls_by_name.items() for control in controls}

    def find_expected_findings(self, night: int, *, is_complete: bool) -> set[FindingKey]:
        """Return the findings that must be open after the audit of a night."""
        now = START + night * DAY
        violations = self.find_violations(night)
        for finding_key in violations:  # exempted findings are included
            self.first_seen.setdefault(finding_key, now)
        self.unknown_findings = self.find_unknown_findings(night)
        open_findings = {it for it in violations if not self.exemption.covers(it, now)} | (
            self.open_findings & self.unknown_findings
        )
        if is_complete:
            return open_findings
        # If the schedules of one index are unreadable, the fit is unknown unless the others alone exceed the quota.
        quota_findings = {("schedules-fit-quota", "project", PROJECT)}
        other_indexes = [it for it in self.project.live_indexes.values() if it.name != UNREADABLE_INDEX]
        is_quota_exceeded = rules.is_quota_exceeded(
            other_indexes, [*other_indexes, *self.project.deleted_indexes], self.size.quota
        )
        incomplete_finding = ("inventory-is-complete", "project", PROJECT)
        self.first_seen.setdefault(incomplete_finding, now)
        evaluated_resources = {("index", it) for it in self.project.live_indexes} | {("project", PROJECT)}
        evaluated_resources |= {
            ("deleted_index", it.id) for it in self.project.deleted_indexes if rules.is_evaluated(it, now)
        }
        unevaluated_findings = {it for it in self.open_findings if it[1:] not in evaluated_resources}
        return (
            (open_findings - quota_findings)
            | unevaluated_findings
            | (quota_findings if is_quota_exceeded else quota_findings & self.open_findings)
            | {incomplete_finding}
        )

    def run_night(self, night: int, server: Server) -> None:
        """Advance by a day, audit, and compare the report with the model."""
        now = START + night * DAY
        for moment, name, waits in self.take_due_changes(night):
            self.project.advance_to(moment)
            self._continue_incidents(night, name, waits)
            self.counts.change_count += 1
        self.project.advance_to(now)
        is_complete = night % 37 != 29
        server.faults[:] = (
            [] if is_complete else [Fault(status=403, path=f"/indexes/{UNREADABLE_INDEX}/backup-schedules")]
        )
        for index in self.project.live_indexes.values():
            for schedule in index.schedules if is_complete or index.name != UNREADABLE_INDEX else ():
                schedule.record_sighting(now)
        expected_findings = self.find_expected_findings(night, is_complete=is_complete)
        report = self._audit(server, now)
        self._check_report(report, expected_findings, now)
        if is_complete:
            self._check_drift(report)
        if night % 20 == 0:
            self._check_second_report(report, self._audit(server, now))
        for index in (*self.project.live_indexes.values(), *self.project.deleted_indexes):
            index.record_audit(now)
        self.project.deleted_indexes = [it for it in self.project.deleted_indexes if it.backups]

    def _audit(self, server: Server, now: datetime) -> Report:
        version, schedules_version = self.versions
        connection = Connection(
            server.viewer_key,
            server.url,
            api_version=version,
            schedules_api_version=schedules_version,
            max_concurrency=4,
        )
        with open_reader(connection) as reader, open_state(self.state_path) as store:
            result = run_audit(
                reader, self.policy, project=PROJECT, observed_at=now, progress=SilentProgress(), store=store
            )
        assert result.record_error is None
        self.counts.audits += 1
        self.counts.requests += result.report.inventory.requests
        return result.report

    def _check_report(self, report: Report, expected_findings: set[FindingKey], now: datetime) -> None:
        opened_findings, resolved_findings = (
            expected_findings - self.open_findings,
            self.open_findings - expected_findings,
        )
        reopened_findings = opened_findings & self.past_open_findings
        self.past_open_findings |= opened_findings
        for finding in opened_findings:
            (self.counts.reopened if finding in reopened_findings else self.counts.opened)[finding[0]] += 1
        self.counts.resolved.update(it[0] for it in resolved_findings)
        expected_entries = sorted((it, self.first_seen[it], it in opened_findings) for it in expected_findings)
        findings = [it for it in report.findings if it.lifecycle is not None]
        assert all(it.lifecycle for it in report.findings if it.is_open), now
        reported_entries = sorted(
            (_make_finding_key(it.control, it.resource), it.first_seen, it.lifecycle != "ongoing") for it in findings
        )
        if report.is_complete:
            assert reported_entries == expected_entries, _describe_differences(reported_entries, expected_entries, now)
            unknown_findings = [it for it in report.findings if it.compliance is Compliance.INSUFFICIENT_DATA]
            assert {_make_finding_key(it.control, it.resource) for it in unknown_findings} == self.unknown_findings, now
        else:
            assert {it for it in reported_entries if it[2]} == {it for it in expected_entries if it[2]}, (
                _describe_differences(reported_entries, expected_entries, now)
            )
        assert reopened_findings == {
            _make_finding_key(it.control, it.resource) for it in findings if it.lifecycle == "reopened"
        }, now
        reported_resolved = sorted(_make_finding_key(it.control, it.resource) for it in report.resolved_findings)
        assert reported_resolved == sorted(resolved_findings), _describe_differences(
            reported_resolved, sorted(resolved_findings), now
        )
        self.open_findings = expected_findings

    def _check_second_report(self, first: Report, second: Report) -> None:
        """Compare a second audit of the same time with the first: it reports no change again."""
        if second.audit_id == first.audit_id:
            assert _list_lifecycles(second) == _list_lifecycles(first), second.observed_at
            assert (second.resolved_findings, second.drift) == (first.resolved_findings, first.drift), (
                second.observed_at
            )
            return
        # The first audit made a second read to confirm a change that the second audit already knows.
        assert {it.lifecycle for it in second.findings} <= {None, "ongoing"}, second.observed_at
        assert [it.fingerprint for it in second.findings if it.is_open] == [
            finding.fingerprint for finding in first.findings if finding.is_open
        ]
        assert (second.resolved_findings, second.drift) == ((), ()), second.observed_at

    def _check_drift(self, report: Report) -> None:
        live_names = set(self.project.live_indexes)
        expected_drift = Counter(it for it in self.project.drift if it[1] in live_names & self.known_names)
        if self.known_names:
            expected_drift.update(("index appeared", it) for it in live_names - self.known_names)
            expected_drift.update(("index disappeared", it) for it in self.known_names - live_names)
        reported_drift = Counter((it.change, it.resource.name) for it in report.drift)
        reported_drift = Counter({it: count for it, count in reported_drift.items() if it[0] != "index re-created"})
        assert reported_drift == expected_drift, report.observed_at
        self.counts.drift.update(it[0] for it in expected_drift.elements())
        self.project.drift.clear()
        self.known_names = live_names


def _make_finding_key(control: str, resource: Resource) -> FindingKey:
    key = resource.id if resource.type is ResourceType.DELETED_INDEX else resource.name
    return control, resource.type.value, key or ""


def _list_lifecycles(report: Report) -> list[tuple[str, str | None, datetime | None]]:
    return [(it.fingerprint, it.lifecycle, it.first_seen) for it in report.findings]


def _describe_differences(reported: Sequence[object], expected: Sequence[object], now: datetime) -> str:
    unexpected, missing = [it for it in reported if it not in expected], [it for it in expected if it not in reported]
    return f"{now}: unexpected {unexpected}; missing {missing}"


@contextmanager
def serve_simulation(
    seed: int, size: Size, folder: Path, versions: tuple[str, str]
) -> Iterator[tuple[YearSimulation, Server]]:
    """Serve a simulated project, and yield the simulation and the server."""
    simulation = YearSimulation(seed, size, folder / "state.sqlite3", versions)
    with serve(simulation.project.simulated_project) as server:
        yield simulation, server


def simulate_year(seed: int, size: Size, folder: Path, versions: tuple[str, str]) -> SimulationCounts:
    """Audit a project every night, and return the totals."""
    with serve_simulation(seed, size, folder, versions) as (simulation, server):
        simulation.project.drift.clear()
        for night in range(size.night_count):
            simulation.run_night(night, server)
    return simulation.counts
