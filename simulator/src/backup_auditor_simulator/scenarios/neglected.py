"""A project that nobody looked after: more than twenty different faults in some thirty indexes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backup_auditor_simulator.model import Kind, RunOutcome, State
from backup_auditor_simulator.options import SimulatorOptions
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.builder import DAY, HOUR, Life, Script, back_up, create, pause

type Event = Callable[[Script], None]


@dataclass(frozen=True, slots=True)
class FaultyIndex:
    """An index, and every control that it fails under the default policy."""

    name: str
    happen: Event
    fails: frozenset[str] = field(default_factory=frozenset)


def create_index(name: str, happen: Event, *fails: str) -> FaultyIndex:
    """Make a plant; without any control it is one that must stay silent."""
    return FaultyIndex(name, happen, frozenset(fails))


_BEFORE_THE_NEWEST = 6 * HOUR
"""The newest run of a life was due an hour later."""


def _held(name: str, *, records: int, namespaces: int, at_last: tuple[int, int]) -> Event:
    """Let an index hold so many records and namespaces, and at last, when it is backed up, as many as these."""

    def happen(script: Script) -> None:
        Life(name=name, traits={"records": records, "namespaces": namespaces}).begin(script)

        def change(world: SimulatedProject) -> None:
            index = world.index(name)
            index.records, index.namespaces = at_last

        script.ago(_BEFORE_THE_NEWEST, change)

    return happen


def _never_cleared(script: Script) -> None:
    Life(name="query-logs").begin(script)

    def keep_shorter(world: SimulatedProject) -> None:
        for schedule in world.index("query-logs").schedules.values():
            world.force_retention(schedule, timedelta(days=9))

    script.ago(DAY, keep_shorter)


_CONTENT_FAULTS = (
    create_index(
        "user-profiles",  # a clean-up took more than it should
        _held("user-profiles", records=400_000, namespaces=8, at_last=(230_000, 8)),
        "record-count-is-stable",
    ),
    create_index(
        "tenant-memory",  # the namespaces of some tenants are gone, small ones
        _held("tenant-memory", records=300_000, namespaces=40, at_last=(296_000, 31)),
        "namespace-count-is-stable",
    ),
    create_index(
        "clickstream-events",  # imported over and over
        _held("clickstream-events", records=90_000, namespaces=4, at_last=(420_000, 4)),
        "backup-size-is-stable",
    ),
    create_index(
        "recipe-ideas",  # backed up every night, and never filled
        Life(name="recipe-ideas", traits={"records": 0, "namespaces": 1}).begin,
        "recovery-point-is-not-empty",
    ),
    create_index("query-logs", _never_cleared, "backups-expire-on-time"),
)


def _never_started(script: Script) -> None:
    Life(name="inventory-sync", fates={1: RunOutcome.NEVER_STARTS}).begin(script)

    def show(world: SimulatedProject) -> None:
        for schedule in world.index("inventory-sync").schedules.values():
            if schedule.planned is not None:
                world.force_status(schedule.planned, "Scheduled")

    script.ago(HOUR, show)


def _never_run(script: Script) -> None:
    Life(name="store-locator", days=10, fates=dict.fromkeys(range(10), RunOutcome.IS_SKIPPED)).begin(script)


def _cleaned_up_too_well(script: Script) -> None:
    Life(name="geo-places").begin(script)

    def clean_up(world: SimulatedProject) -> None:
        ready = [it for it in world.index("geo-places").backups.values() if it.state is State.READY]
        for backup in ready[:-1]:
            world.delete_backup(backup.id)

    script.ago(2 * HOUR, clean_up)


def _recreated(script: Script) -> None:
    Life(name="loyalty-members").begin(script)

    def make_anew(world: SimulatedProject) -> None:
        world.delete_index("loyalty-members")
        world.create_index("loyalty-members")
        world.create_schedule("loyalty-members", "nightly", retention_days=14)

    script.ago(3 * HOUR, make_anew)


def _quarantined(script: Script) -> None:
    Life(name="feature-store").begin(script)

    def quarantine(world: SimulatedProject) -> None:
        ready = [it for it in world.index("feature-store").backups.values() if it.state is State.READY]
        world.force_status(ready[-4], "Quarantined")

    script.ago(2 * HOUR, quarantine)


_RUN_FAULTS = (
    create_index(
        "inventory-sync",
        _never_started,
        "schedule-next-run-is-planned",
        "planned-run-started-on-time",
        "recovery-point-is-recent",
        "scheduled-runs-are-continuous",
    ),
    create_index(
        "store-locator",
        _never_run,
        "index-has-recovery-point",
        "recovery-points-meet-minimum-copies",
        "scheduled-runs-are-continuous",
    ),
    create_index(
        "ad-targeting",
        Life(name="ad-targeting", fates={0: RunOutcome.FAILS, 1: RunOutcome.FAILS}).begin,
        "latest-run-succeeded",
        "recovery-point-is-recent",
    ),
    create_index(
        "image-captions",
        Life(name="image-captions", since_run=HOUR, fates={0: RunOutcome.FAILS}).begin,
        "latest-run-succeeded",
    ),
    create_index("geo-places", _cleaned_up_too_well, "recovery-points-meet-minimum-copies"),
    create_index(
        "voice-transcripts",
        Life(name="voice-transcripts", fates={4: RunOutcome.IS_SKIPPED, 5: RunOutcome.IS_SKIPPED}).begin,
        "scheduled-runs-are-continuous",
    ),
    create_index(
        "email-dedupe",
        Life(name="email-dedupe", since_run=18 * HOUR, fates={0: RunOutcome.HANGS}).begin,
        "no-run-is-stuck",
        "recovery-point-is-recent",
    ),
    create_index("loyalty-members", _recreated, "recovery-points-belong-to-index"),
    create_index("feature-store", _quarantined, "backup-status-is-known"),
)


def _never_backed_up(script: Script) -> None:
    create(script, "orders", 12 * DAY, tags={"env": "prod"})


def _backed_up_by_hand_once(script: Script) -> None:
    create(script, "price-history", 90 * DAY)
    back_up(script, "price-history", 21 * DAY)
    back_up(script, "price-history", 20 * DAY)


def _paused_for_a_migration(script: Script) -> None:
    Life(name="checkout-recs", traits={"tags": {"env": "prod"}}).begin(script)
    pause(script, "checkout-recs", 9 * DAY)


def _two_enabled(script: Script) -> None:
    life = Life(name="support-tickets", days=30)
    life.begin(script)
    script.ago(
        life.age - HOUR,
        lambda world: world.create_schedule("support-tickets", "nightly-2", retention_days=14, beside_enabled=True),
    )


def _kept_beyond_the_maximum(script: Script) -> None:
    Life(name="legal-contracts", days=30, retention_days=730).begin(script)


def _name_too_long(script: Script) -> None:
    Life(name="knowledge-base", days=20, schedule="knowledge-base-nightly-protection").begin(script)


def _nothing_planned(script: Script) -> None:
    Life(name="reviews-sentiment").begin(script)

    def forget(world: SimulatedProject) -> None:
        for schedule in world.index("reviews-sentiment").schedules.values():
            world.force_next_run(schedule, None)

    script.ago(2 * HOUR, forget)


def _weekly(name: str, retention_days: int, since_run: timedelta) -> Life:
    return Life(
        name=name,
        days=56,
        since_run=since_run,
        schedule="weekly",
        frequency="weekly",
        retention_days=retention_days,
    )


_TOO_SLOW = ("schedule-frequency-meets-policy", "recovery-point-is-recent")

_SCHEDULE_FAULTS = (
    create_index(
        "orders",
        _never_backed_up,
        "index-has-schedule",
        "index-has-recovery-point",
        "recovery-points-meet-minimum-copies",
    ),
    create_index("price-history", _backed_up_by_hand_once, "index-has-schedule", "recovery-point-is-recent"),
    create_index(
        "checkout-recs",
        _paused_for_a_migration,
        "schedule-is-enabled",
        "recovery-point-is-recent",
        "recovery-points-outlast-horizon",
    ),
    create_index("support-tickets", _two_enabled, "schedule-is-unique"),
    create_index("invoices-archive", _weekly("invoices-archive", 60, 3 * DAY).begin, *_TOO_SLOW),
    create_index(
        "ad-creatives",
        _weekly("ad-creatives", 10, 2 * DAY).begin,
        *_TOO_SLOW,
        "schedule-guarantees-minimum-copies",
    ),
    create_index(
        "newsletter-topics",
        _weekly("newsletter-topics", 7, 3 * DAY).begin,
        *_TOO_SLOW,
        "schedule-guarantees-minimum-copies",
        "schedule-retention-outlives-interval",
        "recovery-points-meet-minimum-copies",
    ),
    create_index(
        "chat-memory",
        Life(name="chat-memory", retention_days=3).begin,
        "schedule-retention-meets-minimum",
    ),
    create_index("legal-contracts", _kept_beyond_the_maximum, "schedule-retention-within-maximum"),
    create_index(
        "knowledge-base",
        _name_too_long,
        "schedule-name-is-runnable",
        "index-has-recovery-point",
        "recovery-points-meet-minimum-copies",
        "latest-run-succeeded",
    ),
    create_index("reviews-sentiment", _nothing_planned, "schedule-next-run-is-planned"),
)


def _pod(script: Script) -> None:
    create(script, "session-features", 400 * DAY, kind=Kind.POD, environment="us-east1-gcp")


def _brand_new(script: Script) -> None:
    Life(name="returns-triage", days=0, since_run=4 * HOUR).begin(script)


def _bad_settings_but_paused(script: Script) -> None:
    create(script, "payments-risk", 60 * DAY)

    def pause_the_bad_one(world: SimulatedProject) -> None:
        bad = world.create_schedule("payments-risk", "an-experiment-nobody-cleaned-up", "monthly", 1)
        world.update_schedule(bad.id, enabled=False)
        world.create_schedule("payments-risk", "nightly", retention_days=14)

    script.ago(40 * DAY + 6 * HOUR, pause_the_bad_one)


def _recreated_long_ago(script: Script) -> None:
    create(script, "image-tags", 50 * DAY)
    back_up(script, "image-tags", 28 * DAY)
    script.ago(27 * DAY, lambda world: world.delete_index("image-tags"))
    Life(name="image-tags", days=26).begin(script)


def _resumed(script: Script) -> None:
    Life(name="search-logs").begin(script)

    def resume(world: SimulatedProject) -> None:
        for schedule in world.index("search-logs").schedules.values():
            world.update_schedule(schedule.id, enabled=True)

    pause(script, "search-logs", 3 * DAY + 2 * HOUR)
    script.ago(3 * DAY + HOUR, resume)


def _gone_with_its_backups(script: Script) -> None:
    create(script, "spring-campaign", 25 * DAY)
    back_up(script, "spring-campaign", 20 * DAY)
    script.ago(10 * DAY, lambda world: world.delete_index("spring-campaign"))


def _gone_long_ago(script: Script) -> None:
    create(script, "winter-campaign", 120 * DAY)
    back_up(script, "winter-campaign", 76 * DAY)
    back_up(script, "winter-campaign", 75 * DAY)
    script.ago(70 * DAY, lambda world: world.delete_index("winter-campaign"))


_SILENT_INDEXES = (
    create_index("catalog-search", Life(name="catalog-search", traits={"tags": {"env": "prod"}}).begin),
    create_index(
        "product-images",
        Life(
            name="product-images",
            retention_days=7,
            since_run=20 * HOUR,
            traits={
                "kind": Kind.BYOC,
                "cloud": "gcp",
                "region": "us-central1",
                "environment": "gcp-us-central1-b921",
            },
        ).begin,
    ),
    create_index("session-features", _pod, "index-can-be-backed-up"),
    create_index("returns-triage", _brand_new),
    create_index("payments-risk", _bad_settings_but_paused),
    create_index("image-tags", _recreated_long_ago),
    create_index("search-logs", _resumed),
    create_index("fraud-graph", Life(name="fraud-graph", fates={3: RunOutcome.FAILS}).begin),
)

LOOSE_ENDS = (
    create_index("spring-campaign", _gone_with_its_backups),
    create_index("winter-campaign", _gone_long_ago, "backups-have-live-source"),
)
"""Indexes that are no more, of which backups are kept: for a while, or longer than for any use."""


_ALL_FAULTS = (*_SCHEDULE_FAULTS, *_RUN_FAULTS, *_CONTENT_FAULTS, *_SILENT_INDEXES)

PLANTED = {plant.name: plant.fails for plant in _ALL_FAULTS}
"""For every index the controls that it fails under the default policy; none for those that must stay silent."""
PLANTED_ON_PROJECT = frozenset({"schedules-fit-quota"})
"""What the project as a whole fails: what is kept for years would fill it alone."""
PLANTED_ON_DELETED = {plant.name: plant.fails for plant in LOOSE_ENDS if plant.fails}
"""The same for deleted indexes."""


def neglected(now: datetime, *, seed: int = 0) -> SimulatedProject:
    """Build the neglected project as it stands at a moment."""
    # Planned runs stand in its backup listing, and the service lets backups be kept for years.
    conduct = SimulatorOptions(planned_in_listing=True, longest_retention=timedelta(days=3650))
    script = Script(now, seed=seed, conduct=conduct)
    for plant in (*_ALL_FAULTS, *LOOSE_ENDS):
        plant.happen(script)
    return script.play()
