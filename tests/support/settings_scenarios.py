"""Scenarios of sixty nights in which settings of schedules change, audited and compared with a reference model."""

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
from support.builders.facts import build_complete_listing, build_failed_listing, build_index, build_inventory
from support.builders.reports import BUILT_IN_POLICY
from support.settings_model import BackupRow, IndexReading, ReferenceModel, ScheduleSighting
from support.settings_service import DAY, HOUR, ServiceBackup, ServiceSchedule, SimulatedService

FIRST_AUDIT_AT = datetime(2026, 9, 1, 3, tzinfo=UTC)
NIGHT_COUNT = 60
CONTROL_IDS = ("scheduled-runs-are-continuous", "backups-expire-on-time", "backup-did-not-vanish")
SELECTED_CATALOG = ControlCatalog(index_controls=tuple(it for it in CATALOG.index_controls if it.id in CONTROL_IDS))
SCHEDULE_NAMES = ("nightly", "steady", "keeper")
RETENTION_DAYS = (1, 2, 3, 5, 7, 10, 14, 30, 35, 60, 90)


@dataclass
class SettingsScenario:
    """The changes and audits of one index over sixty nights."""

    seed: int
    rng: random.Random = field(init=False)
    service: SimulatedService = field(init=False)
    model: ReferenceModel = field(default_factory=ReferenceModel)
    state: ProjectState = EMPTY_STATE
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Start some days before the first audit."""
        self.rng = random.Random(self.seed)  # noqa: S311  not a secret
        lead_days = self.rng.choice([0, 1, 5, 20, 50])
        self.service = SimulatedService(FIRST_AUDIT_AT - lead_days * DAY, resets_anchor=self.rng.random() < 0.3)
        self.change_probability = self.rng.choice([0.05, 0.15, 0.4])
        self.service.create_schedule(self._choose_frequency(), self.rng.choice(RETENTION_DAYS))

    def _choose_frequency(self) -> str:
        return self.rng.choice(["daily", "daily", "daily", "weekly", "monthly"])

    def run_nights(self) -> None:
        """Run every night."""
        for night in range(NIGHT_COUNT):
            self._run_day(FIRST_AUDIT_AT + night * DAY)
            if self.rng.random() < (0.1 if night else 0):
                self.counts["not audited"] += 1
                continue
            self._audit(self.service.now)

    def _run_day(self, audit_at: datetime) -> None:
        audit_at += timedelta(seconds=self.rng.randrange(3600))
        day_seconds = int((audit_at - self.service.now).total_seconds())
        moments = sorted(self.rng.randrange(day_seconds) for _ in range(self._choose_change_count()) if day_seconds > 0)
        day_start = self.service.now
        for moment in moments:
            self.service.advance_to(day_start + timedelta(seconds=moment))
            self._apply_random_change()
        self.service.advance_to(audit_at)

    def _choose_change_count(self) -> int:
        return self.rng.choice([1, 1, 2, 3]) if self.rng.random() < self.change_probability else 0

    def _apply_random_change(self) -> None:
        live_schedules, rng, service = self.service.live_schedules, self.rng, self.service
        schedule = rng.choice(live_schedules) if live_schedules else None
        changes: dict[str, Callable[[], None]] = {
            "skip": self._skip_runs,
            "stick": self._toggle_expiry,
            "by hand": service.create_manual_backup,
            "lose": self._delete_random_backup,
        }
        if schedule is None or rng.random() < 0.03:
            changes["create"] = lambda: service.create_schedule(
                self._choose_frequency(), rng.choice(RETENTION_DAYS), rng.choice(SCHEDULE_NAMES)
            )
        if schedule is not None:
            chosen_schedule = schedule
            changes["frequency"] = lambda: service.set_frequency(chosen_schedule, self._choose_frequency())
            changes["retention"] = lambda: service.set_retention(chosen_schedule, rng.choice(RETENTION_DAYS))
            changes["retention again"] = lambda: service.set_retention(chosen_schedule, rng.choice(RETENTION_DAYS))
            changes["pause" if schedule.is_enabled else "resume"] = lambda: self._toggle_schedule(chosen_schedule)
            changes["rename"] = lambda: self._rename_schedule(chosen_schedule)
            changes["several"] = lambda: self._apply_several_changes(chosen_schedule)
            if rng.random() < 0.3:
                changes["delete and create"] = lambda: self._replace_schedule(chosen_schedule)
        change_name = rng.choice(sorted(changes))
        self.counts[change_name] += 1
        changes[change_name]()

    def _skip_runs(self) -> None:
        self.service.skips_until = self.service.now + self.rng.choice([1, 2, 3, 9, 20]) * DAY

    def _toggle_expiry(self) -> None:
        self.service.keeps_expired = not self.service.keeps_expired

    def _delete_random_backup(self) -> None:
        listed_backups = [it for it in self.service.backups if it.is_listed]
        if listed_backups:
            self.service.delete_backup(self.rng.choice(listed_backups))

    def _toggle_schedule(self, schedule: ServiceSchedule) -> None:
        (self.service.pause_schedule if schedule.is_enabled else self.service.resume_schedule)(schedule)

    def _rename_schedule(self, schedule: ServiceSchedule) -> None:
        schedule.name = self.rng.choice(SCHEDULE_NAMES)

    def _apply_several_changes(self, schedule: ServiceSchedule) -> None:
        self.service.set_frequency(schedule, self._choose_frequency())
        self.service.set_retention(schedule, self.rng.choice(RETENTION_DAYS))
        if self.rng.random() < 0.5:
            self._toggle_schedule(schedule)

    def _replace_schedule(self, schedule: ServiceSchedule) -> None:
        schedule.is_deleted = True
        if self.rng.random() < 0.7:
            self.service.create_schedule(schedule.frequency, schedule.days, schedule.name)

    # audits

    def _audit(self, now: datetime) -> None:
        reads_schedules, reads_rows = (self.rng.random() > 0.06 for _ in range(2))
        inventory = self._build_inventory(now, reads_schedules=reads_schedules, reads_rows=reads_rows)
        evaluation = evaluate_controls(inventory, BUILT_IN_POLICY, SELECTED_CATALOG, self.state)
        expected = self.model.evaluate(self._build_reading(now, reads_schedules=reads_schedules, reads_rows=reads_rows))
        findings_by_control = {it.control: it for it in evaluation.findings if it.resource.type is ResourceType.INDEX}
        for control, is_failure_expected in expected.items():
            finding = findings_by_control[control]
            is_non_compliant = finding.compliance is Compliance.NON_COMPLIANT
            assert is_non_compliant is bool(is_failure_expected), (
                f"seed {self.seed}, {now}: {control} is {finding.compliance}, not {is_failure_expected}: {finding}"
            )
            if is_failure_expected is False:
                assert finding.compliance is not Compliance.INSUFFICIENT_DATA or not (reads_schedules and reads_rows), (
                    f"seed {self.seed}, {now}: {finding}"
                )
            self.counts[f"{control} {is_failure_expected}"] += 1
        result = advance(self.state, inventory, BUILT_IN_POLICY, evaluation.findings, f"audit-{now}")
        second_evaluation = evaluate_controls(inventory, BUILT_IN_POLICY, SELECTED_CATALOG, result.state)
        assert second_evaluation.findings == evaluation.findings, (
            f"seed {self.seed}, {now}: the second evaluation gives other findings"
        )
        self.state = result.state

    def _build_reading(self, now: datetime, *, reads_schedules: bool, reads_rows: bool) -> IndexReading:
        schedules = {
            it.schedule_id: (ScheduleSighting(now, it.frequency, it.days, it.is_enabled), it.created_at)
            for it in self.service.live_schedules
        }
        live_ids = set(schedules) if reads_schedules else set()
        rows = tuple(
            BackupRow(
                it.backup_id,
                it.captured_at,
                it.schedule.schedule_id if it.schedule and it.schedule.schedule_id in live_ids else None,
                it.schedule is not None,
            )
            for it in self.service.backups
            if it.is_listed
        )
        return IndexReading(now, schedules if reads_schedules else None, rows if reads_rows else None, rows)

    def _build_inventory(self, now: datetime, *, reads_schedules: bool, reads_rows: bool) -> Inventory:
        listed_rows = [_build_backup(it) for it in self.service.backups if it.is_listed]
        schedules = (
            [_build_schedule(it) for it in self.service.live_schedules] if reads_schedules else build_failed_listing()
        )
        histories = {
            it.schedule_id: build_complete_listing(
                [_build_backup(backup) for backup in self.service.backups if backup.is_listed and backup.schedule is it]
            )
            for it in self.service.live_schedules
        }
        own_listing = build_complete_listing(listed_rows) if reads_rows else build_failed_listing()
        case = build_index(schedules=schedules, listed_backups=listed_rows, own_backups=own_listing)
        return build_inventory(
            case,
            observed_at=now,
            histories=histories if reads_schedules else {},
            backups=build_complete_listing(listed_rows) if reads_rows else build_failed_listing(),
        )


def _build_schedule(schedule: ServiceSchedule) -> Listed:
    return Listed(
        schedule_id=schedule.schedule_id,
        name=schedule.name,
        index_id="id-main",
        project_id="project-1",
        frequency=schedule.frequency,
        retention=schedule.days * DAY,
        enabled=schedule.is_enabled,
        next_run=schedule.next_run,
        created_at=schedule.created_at,
    )


def _build_backup(backup: ServiceBackup) -> Backup:
    name = None if backup.schedule is None else f"{backup.schedule.name}-{backup.captured_at:%Y%m%dT%H%M%SZ}"
    return Backup(
        backup_id=backup.backup_id,
        index_id="id-main",
        index_name="main",
        status="Ready",
        name=name or "by hand",
        created_at=backup.captured_at - HOUR,
        scheduled_for=None if backup.schedule is None else backup.captured_at,
    )
