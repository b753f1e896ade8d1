"""A project that nobody looked after: more than twenty different faults in some thirty indexes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backup_auditor_simulator.model import BackupState, IndexKind, RunOutcome
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.builder import (
    DAY,
    HOUR,
    ScheduledIndex,
    Script,
    add_backup,
    add_index,
    add_pause,
)

type ScenarioStep = Callable[[Script], None]


@dataclass(frozen=True, slots=True)
class FaultyIndex:
    """An index, and every control that it fails under the default policy."""

    name: str
    step: ScenarioStep
    failed_controls: frozenset[str] = field(default_factory=frozenset)


def make_faulty_index(name: str, step: ScenarioStep, *failed_controls: str) -> FaultyIndex:
    """Make a plant; without any control it is one that must stay silent."""
    return FaultyIndex(name, step, frozenset(failed_controls))


_BEFORE_NEWEST_RUN = 6 * HOUR
"""The newest run of a life was due an hour later."""


def _make_count_change(name: str, *, records: int, namespaces: int, final_counts: tuple[int, int]) -> ScenarioStep:
    """Let an index hold so many records and namespaces, and at last, when it is backed up, as many as these."""

    def add_steps(script: Script) -> None:
        ScheduledIndex(name=name, traits={"records": records, "namespaces": namespaces}).add_to(script)

        def change_counts(project: SimulatedProject) -> None:
            index = project.get_index(name)
            index.records, index.namespaces = final_counts

        script.add_change(_BEFORE_NEWEST_RUN, change_counts)

    return add_steps


def _add_overdue_backups(script: Script) -> None:
    ScheduledIndex(name="query-logs").add_to(script)

    def shorten_retention(project: SimulatedProject) -> None:
        for schedule in project.get_index("query-logs").schedules.values():
            project.force_retention(schedule, timedelta(days=9))

    script.add_change(DAY, shorten_retention)


_CONTENT_FAULTS = (
    make_faulty_index(
        "user-profiles",  # a clean-up took more than it should
        _make_count_change("user-profiles", records=400_000, namespaces=8, final_counts=(230_000, 8)),
        "record-count-is-stable",
    ),
    make_faulty_index(
        "tenant-memory",  # the namespaces of some tenants are gone, small ones
        _make_count_change("tenant-memory", records=300_000, namespaces=40, final_counts=(296_000, 31)),
        "namespace-count-is-stable",
    ),
    make_faulty_index(
        "clickstream-events",  # imported over and over
        _make_count_change("clickstream-events", records=90_000, namespaces=4, final_counts=(420_000, 4)),
        "backup-size-is-stable",
    ),
    make_faulty_index(
        "recipe-ideas",  # backed up every night, and never filled
        ScheduledIndex(name="recipe-ideas", traits={"records": 0, "namespaces": 1}).add_to,
        "recovery-point-is-not-empty",
    ),
    make_faulty_index("query-logs", _add_overdue_backups, "backups-expire-on-time"),
)


def _add_late_run(script: Script) -> None:
    ScheduledIndex(name="inventory-sync", outcomes={1: RunOutcome.NOT_STARTED}).add_to(script)

    def show_scheduled_status(project: SimulatedProject) -> None:
        for schedule in project.get_index("inventory-sync").schedules.values():
            if schedule.scheduled_run is not None:
                project.force_status(schedule.scheduled_run, "Scheduled")

    script.add_change(HOUR, show_scheduled_status)


def _add_skipped_runs(script: Script) -> None:
    ScheduledIndex(name="store-locator", days=10, outcomes=dict.fromkeys(range(10), RunOutcome.SKIPPED)).add_to(script)


def _add_excessive_cleanup(script: Script) -> None:
    ScheduledIndex(name="geo-places").add_to(script)

    def delete_older_backups(project: SimulatedProject) -> None:
        ready_backups = [it for it in project.get_index("geo-places").backups.values() if it.state is BackupState.READY]
        for backup in ready_backups[:-1]:
            project.delete_backup(backup.id)

    script.add_change(2 * HOUR, delete_older_backups)


def _add_recreated_index(script: Script) -> None:
    ScheduledIndex(name="loyalty-members").add_to(script)

    def recreate_index(project: SimulatedProject) -> None:
        project.delete_index("loyalty-members")
        project.create_index("loyalty-members")
        project.create_schedule("loyalty-members", "nightly", retention_days=14)

    script.add_change(3 * HOUR, recreate_index)


def _add_unknown_status(script: Script) -> None:
    ScheduledIndex(name="feature-store").add_to(script)

    def show_unknown_status(project: SimulatedProject) -> None:
        ready_backups = [
            it for it in project.get_index("feature-store").backups.values() if it.state is BackupState.READY
        ]
        project.force_status(ready_backups[-4], "Quarantined")

    script.add_change(2 * HOUR, show_unknown_status)


_RUN_FAULTS = (
    make_faulty_index(
        "inventory-sync",
        _add_late_run,
        "schedule-next-run-is-planned",
        "planned-run-started-on-time",
        "recovery-point-is-recent",
        "scheduled-runs-are-continuous",
    ),
    make_faulty_index(
        "store-locator",
        _add_skipped_runs,
        "index-has-recovery-point",
        "recovery-points-meet-minimum-copies",
        "scheduled-runs-are-continuous",
    ),
    make_faulty_index(
        "ad-targeting",
        ScheduledIndex(name="ad-targeting", outcomes={0: RunOutcome.FAILED, 1: RunOutcome.FAILED}).add_to,
        "latest-run-succeeded",
        "recovery-point-is-recent",
    ),
    make_faulty_index(
        "image-captions",
        ScheduledIndex(name="image-captions", since_run=HOUR, outcomes={0: RunOutcome.FAILED}).add_to,
        "latest-run-succeeded",
    ),
    make_faulty_index("geo-places", _add_excessive_cleanup, "recovery-points-meet-minimum-copies"),
    make_faulty_index(
        "voice-transcripts",
        ScheduledIndex(name="voice-transcripts", outcomes={4: RunOutcome.SKIPPED, 5: RunOutcome.SKIPPED}).add_to,
        "scheduled-runs-are-continuous",
    ),
    make_faulty_index(
        "email-dedupe",
        ScheduledIndex(name="email-dedupe", since_run=18 * HOUR, outcomes={0: RunOutcome.STUCK}).add_to,
        "no-run-is-stuck",
        "recovery-point-is-recent",
    ),
    make_faulty_index("loyalty-members", _add_recreated_index, "recovery-points-belong-to-index"),
    make_faulty_index("feature-store", _add_unknown_status, "backup-status-is-known"),
)


def _add_unprotected_index(script: Script) -> None:
    add_index(script, "orders", 12 * DAY, tags={"env": "prod"})


def _add_old_manual_backups(script: Script) -> None:
    add_index(script, "price-history", 90 * DAY)
    add_backup(script, "price-history", 21 * DAY)
    add_backup(script, "price-history", 20 * DAY)


def _add_paused_schedule(script: Script) -> None:
    ScheduledIndex(name="checkout-recs", traits={"tags": {"env": "prod"}}).add_to(script)
    add_pause(script, "checkout-recs", 9 * DAY)


def _add_second_enabled_schedule(script: Script) -> None:
    index = ScheduledIndex(name="support-tickets", days=30)
    index.add_to(script)
    script.add_change(
        index.age - HOUR,
        lambda project: project.create_schedule(
            "support-tickets", "nightly-2", retention_days=14, is_second_allowed=True
        ),
    )


def _add_long_retention(script: Script) -> None:
    ScheduledIndex(name="legal-contracts", days=30, retention_days=730).add_to(script)


def _add_long_schedule_name(script: Script) -> None:
    ScheduledIndex(name="knowledge-base", days=20, schedule_name="knowledge-base-nightly-protection").add_to(script)


def _add_missing_next_run(script: Script) -> None:
    ScheduledIndex(name="reviews-sentiment").add_to(script)

    def remove_next_run(project: SimulatedProject) -> None:
        for schedule in project.get_index("reviews-sentiment").schedules.values():
            project.force_next_run(schedule, None)

    script.add_change(2 * HOUR, remove_next_run)


def _make_weekly_index(name: str, retention_days: int, since_run: timedelta) -> ScheduledIndex:
    return ScheduledIndex(
        name=name,
        days=56,
        since_run=since_run,
        schedule_name="weekly",
        frequency="weekly",
        retention_days=retention_days,
    )


_TOO_SLOW = ("schedule-frequency-meets-policy", "recovery-point-is-recent")

_SCHEDULE_FAULTS = (
    make_faulty_index(
        "orders",
        _add_unprotected_index,
        "index-has-schedule",
        "index-has-recovery-point",
        "recovery-points-meet-minimum-copies",
    ),
    make_faulty_index("price-history", _add_old_manual_backups, "index-has-schedule", "recovery-point-is-recent"),
    make_faulty_index(
        "checkout-recs",
        _add_paused_schedule,
        "schedule-is-enabled",
        "recovery-point-is-recent",
        "recovery-points-outlast-horizon",
    ),
    make_faulty_index("support-tickets", _add_second_enabled_schedule, "schedule-is-unique"),
    make_faulty_index("invoices-archive", _make_weekly_index("invoices-archive", 60, 3 * DAY).add_to, *_TOO_SLOW),
    make_faulty_index(
        "ad-creatives",
        _make_weekly_index("ad-creatives", 10, 2 * DAY).add_to,
        *_TOO_SLOW,
        "schedule-guarantees-minimum-copies",
    ),
    make_faulty_index(
        "newsletter-topics",
        _make_weekly_index("newsletter-topics", 7, 3 * DAY).add_to,
        *_TOO_SLOW,
        "schedule-guarantees-minimum-copies",
        "schedule-retention-outlives-interval",
        "recovery-points-meet-minimum-copies",
    ),
    make_faulty_index(
        "chat-memory",
        ScheduledIndex(name="chat-memory", retention_days=3).add_to,
        "schedule-retention-meets-minimum",
    ),
    make_faulty_index("legal-contracts", _add_long_retention, "schedule-retention-within-maximum"),
    make_faulty_index(
        "knowledge-base",
        _add_long_schedule_name,
        "schedule-name-is-runnable",
        "index-has-recovery-point",
        "recovery-points-meet-minimum-copies",
        "latest-run-succeeded",
    ),
    make_faulty_index("reviews-sentiment", _add_missing_next_run, "schedule-next-run-is-planned"),
)


def _add_pod_index(script: Script) -> None:
    add_index(script, "session-features", 400 * DAY, kind=IndexKind.POD, environment="us-east1-gcp")


def _add_new_index(script: Script) -> None:
    ScheduledIndex(name="returns-triage", days=0, since_run=4 * HOUR).add_to(script)


def _add_paused_bad_schedule(script: Script) -> None:
    add_index(script, "payments-risk", 60 * DAY)

    def create_schedules(project: SimulatedProject) -> None:
        bad_schedule = project.create_schedule("payments-risk", "an-experiment-nobody-cleaned-up", "monthly", 1)
        project.update_schedule(bad_schedule.id, enabled=False)
        project.create_schedule("payments-risk", "nightly", retention_days=14)

    script.add_change(40 * DAY + 6 * HOUR, create_schedules)


def _add_index_recreated_long_ago(script: Script) -> None:
    add_index(script, "image-tags", 50 * DAY)
    add_backup(script, "image-tags", 28 * DAY)
    script.add_change(27 * DAY, lambda project: project.delete_index("image-tags"))
    ScheduledIndex(name="image-tags", days=26).add_to(script)


def _add_resumed_schedule(script: Script) -> None:
    ScheduledIndex(name="search-logs").add_to(script)

    def resume_schedules(project: SimulatedProject) -> None:
        for schedule in project.get_index("search-logs").schedules.values():
            project.update_schedule(schedule.id, enabled=True)

    add_pause(script, "search-logs", 3 * DAY + 2 * HOUR)
    script.add_change(3 * DAY + HOUR, resume_schedules)


def _add_recently_deleted_index(script: Script) -> None:
    add_index(script, "spring-campaign", 25 * DAY)
    add_backup(script, "spring-campaign", 20 * DAY)
    script.add_change(10 * DAY, lambda project: project.delete_index("spring-campaign"))


def _add_long_deleted_index(script: Script) -> None:
    add_index(script, "winter-campaign", 120 * DAY)
    add_backup(script, "winter-campaign", 76 * DAY)
    add_backup(script, "winter-campaign", 75 * DAY)
    script.add_change(70 * DAY, lambda project: project.delete_index("winter-campaign"))


_SILENT_INDEXES = (
    make_faulty_index("catalog-search", ScheduledIndex(name="catalog-search", traits={"tags": {"env": "prod"}}).add_to),
    make_faulty_index(
        "product-images",
        ScheduledIndex(
            name="product-images",
            retention_days=7,
            since_run=20 * HOUR,
            traits={
                "kind": IndexKind.BYOC,
                "cloud": "gcp",
                "region": "us-central1",
                "environment": "gcp-us-central1-b921",
            },
        ).add_to,
    ),
    make_faulty_index("session-features", _add_pod_index, "index-can-be-backed-up"),
    make_faulty_index("returns-triage", _add_new_index),
    make_faulty_index("payments-risk", _add_paused_bad_schedule),
    make_faulty_index("image-tags", _add_index_recreated_long_ago),
    make_faulty_index("search-logs", _add_resumed_schedule),
    make_faulty_index("fraud-graph", ScheduledIndex(name="fraud-graph", outcomes={3: RunOutcome.FAILED}).add_to),
)

DELETED_INDEXES = (
    make_faulty_index("spring-campaign", _add_recently_deleted_index),
    make_faulty_index("winter-campaign", _add_long_deleted_index, "backups-have-live-source"),
)
"""Indexes that are no more, of which backups are kept: for a while, or longer than for any use."""


_LIVE_INDEXES = (*_SCHEDULE_FAULTS, *_RUN_FAULTS, *_CONTENT_FAULTS, *_SILENT_INDEXES)

FAILED_CONTROLS = {plant.name: plant.failed_controls for plant in _LIVE_INDEXES}
"""For every index the controls that it fails under the default policy; none for those that must stay silent."""
FAILED_PROJECT_CONTROLS = frozenset({"schedules-fit-quota"})
"""What the project as a whole fails: what is kept for years would fill it alone."""
FAILED_DELETED_INDEX_CONTROLS = {
    plant.name: plant.failed_controls for plant in DELETED_INDEXES if plant.failed_controls
}
"""The same for deleted indexes."""


def build_neglected(now: datetime, *, seed: int = 0) -> SimulatedProject:
    """Build the neglected project as it stands at a moment."""
    # Planned runs stand in its backup listing, and the service lets backups be kept for years.
    options = SimulatorOptions(lists_scheduled_runs=True, max_retention=timedelta(days=3650))
    script = Script(now, seed=seed, options=options)
    for faulty_index in (*_LIVE_INDEXES, *DELETED_INDEXES):
        faulty_index.step(script)
    return script.build_project()
