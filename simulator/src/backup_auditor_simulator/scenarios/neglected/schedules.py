"""Indexes whose schedules are not what they should be."""

from datetime import timedelta

from backup_auditor_simulator.scenarios.lives import DAY, HOUR, Life, back_up, create, pause
from backup_auditor_simulator.scenarios.neglected.plant import plant
from backup_auditor_simulator.scenarios.script import Script
from backup_auditor_simulator.world import World


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

    def forget(world: World) -> None:
        for schedule in world.index("reviews-sentiment").schedules.values():
            world.plant_next_run(schedule, None)

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

PLANTS = (
    plant(
        "orders",
        _never_backed_up,
        "index-has-schedule",
        "index-has-recovery-point",
        "recovery-points-meet-minimum-copies",
    ),
    plant("price-history", _backed_up_by_hand_once, "index-has-schedule", "recovery-point-is-recent"),
    plant(
        "checkout-recs",
        _paused_for_a_migration,
        "schedule-is-enabled",
        "recovery-point-is-recent",
        "recovery-points-outlast-horizon",
    ),
    plant("support-tickets", _two_enabled, "schedule-is-unique"),
    plant("invoices-archive", _weekly("invoices-archive", 60, 3 * DAY).begin, *_TOO_SLOW),
    plant(
        "ad-creatives",
        _weekly("ad-creatives", 10, 2 * DAY).begin,
        *_TOO_SLOW,
        "schedule-guarantees-minimum-copies",
    ),
    plant(
        "newsletter-topics",
        _weekly("newsletter-topics", 7, 3 * DAY).begin,
        *_TOO_SLOW,
        "schedule-guarantees-minimum-copies",
        "schedule-retention-outlives-interval",
        "recovery-points-meet-minimum-copies",
    ),
    plant(
        "chat-memory",
        Life(name="chat-memory", retention_days=3).begin,
        "schedule-retention-meets-minimum",
    ),
    plant("legal-contracts", _kept_beyond_the_maximum, "schedule-retention-within-maximum"),
    plant(
        "knowledge-base",
        _name_too_long,
        "schedule-name-is-runnable",
        "index-has-recovery-point",
        "recovery-points-meet-minimum-copies",
        "latest-run-succeeded",
    ),
    plant("reviews-sentiment", _nothing_planned, "schedule-next-run-is-planned"),
)
