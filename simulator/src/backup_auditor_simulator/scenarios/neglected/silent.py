"""Indexes of which no backup has anything wrong, some of which look as if it had, and those that are no more."""

from backup_auditor_simulator.model import Fate, Kind
from backup_auditor_simulator.scenarios.lives import DAY, HOUR, Life, back_up, create, pause
from backup_auditor_simulator.scenarios.neglected.plant import plant
from backup_auditor_simulator.scenarios.script import Script
from backup_auditor_simulator.world import World


def _pod(script: Script) -> None:
    create(script, "session-features", 400 * DAY, kind=Kind.POD, environment="us-east1-gcp")


def _brand_new(script: Script) -> None:
    Life(name="returns-triage", days=0, since_run=4 * HOUR).begin(script)


def _bad_settings_but_paused(script: Script) -> None:
    create(script, "payments-risk", 60 * DAY)

    def pause_the_bad_one(world: World) -> None:
        bad = world.create_schedule("payments-risk", "an-experiment-nobody-cleaned-up", "monthly", 1)
        world.update_schedule(bad.id, enabled=False)
        world.create_schedule("payments-risk", "nightly", retention_days=14)

    script.ago(40 * DAY + 6 * HOUR, pause_the_bad_one)


def _made_anew_long_ago(script: Script) -> None:
    create(script, "image-tags", 50 * DAY)
    back_up(script, "image-tags", 28 * DAY)
    script.ago(27 * DAY, lambda world: world.delete_index("image-tags"))
    Life(name="image-tags", days=26).begin(script)


def _resumed(script: Script) -> None:
    Life(name="search-logs").begin(script)

    def resume(world: World) -> None:
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


PLANTS = (
    plant("catalog-search", Life(name="catalog-search", traits={"tags": {"env": "prod"}}).begin),
    plant(
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
    plant("session-features", _pod, "index-can-be-backed-up"),
    plant("returns-triage", _brand_new),
    plant("payments-risk", _bad_settings_but_paused),
    plant("image-tags", _made_anew_long_ago),
    plant("search-logs", _resumed),
    plant("fraud-graph", Life(name="fraud-graph", fates={3: Fate.FAILS}).begin),
)

LOOSE_ENDS = (
    plant("spring-campaign", _gone_with_its_backups),
    plant("winter-campaign", _gone_long_ago, "backups-have-live-source"),
)
"""Indexes that are no more, of which backups are kept: for a while, or longer than for any use."""
